"""OffsetCommit: store how far a group has consumed.

A member commits in its generation; `generation_id_or_member_epoch` -1 without a member id is a
client that uses the group for its offsets only.

Versions:
       0  no member, no generation (Kafka kept these in ZooKeeper)
       1  member and generation; a `commit_timestamp` by partition, in this version only
     2-4  `retention_time_ms`, -1 for the broker's; later versions leave it to the broker (KIP-211)
       6  `committed_leader_epoch` (KIP-320)
       7  `group_instance_id`: static members (KIP-345)
       8  flexible
       9  may come from a KIP-848 consumer; GROUP_ID_NOT_FOUND may be answered
"""

from broker.wire.schema import INT16, INT32, INT64, STRING, array, message, struct, wire


@struct
class OffsetCommitRequestPartition:
    partition_index: int = wire(INT32, "0+")
    committed_offset: int = wire(INT64, "0+")
    committed_leader_epoch: int = wire(INT32, "6+", default=-1, ignorable=True)
    commit_timestamp: int = wire(INT64, "1", default=-1)
    # whatever the client likes to note
    committed_metadata: str | None = wire(STRING, "0+", nullable="0+")


@struct
class OffsetCommitRequestTopic:
    name: str = wire(STRING, "0+")
    partitions: list[OffsetCommitRequestPartition] = wire(array(OffsetCommitRequestPartition), "0+")


@message(versions="0-9", flexible="8+")
class OffsetCommitRequest:
    group_id: str = wire(STRING, "0+")
    generation_id_or_member_epoch: int = wire(INT32, "1+", default=-1, ignorable=True)
    member_id: str = wire(STRING, "1+", ignorable=True)
    group_instance_id: str | None = wire(STRING, "7+", nullable="7+", default=None)
    retention_time_ms: int = wire(INT64, "2-4", default=-1, ignorable=True)
    topics: list[OffsetCommitRequestTopic] = wire(array(OffsetCommitRequestTopic), "0+")


@struct
class OffsetCommitResponsePartition:
    partition_index: int = wire(INT32, "0+")
    error_code: int = wire(INT16, "0+")


@struct
class OffsetCommitResponseTopic:
    name: str = wire(STRING, "0+")
    partitions: list[OffsetCommitResponsePartition] = wire(
        array(OffsetCommitResponsePartition), "0+"
    )


@message(versions="0-9", flexible="8+")
class OffsetCommitResponse:
    throttle_time_ms: int = wire(INT32, "3+", ignorable=True)
    topics: list[OffsetCommitResponseTopic] = wire(array(OffsetCommitResponseTopic), "0+")
