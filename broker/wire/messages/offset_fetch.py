"""OffsetFetch: how far groups have consumed.

A partition without a committed offset is answered with offset -1 and no error.

Versions:
     0-7  one group, in `group_id` and `topics`; answered in `topics` and `error_code`
       0  read from ZooKeeper in old brokers
       2  null `topics` asks for all of the group's; `error_code` for the whole group
       5  `committed_leader_epoch` (KIP-320)
       6  flexible
       7  `require_stable`: UNSTABLE_OFFSET_COMMIT while offsets of a transaction are pending
          (KIP-447)
       8  several groups, in `groups`, and an error each (KIP-709); the old fields are gone
       9  a KIP-848 member names itself
"""

from broker.wire.schema import BOOL, INT16, INT32, INT64, STRING, array, message, struct, wire


@struct
class OffsetFetchRequestTopic:
    name: str = wire(STRING, "0-7")
    partition_indexes: list[int] = wire(array(INT32), "0-7")


@struct
class OffsetFetchRequestTopics:
    name: str = wire(STRING, "8+")
    partition_indexes: list[int] = wire(array(INT32), "8+")


@struct
class OffsetFetchRequestGroup:
    group_id: str = wire(STRING, "8+")
    member_id: str | None = wire(STRING, "9+", nullable="9+", default=None, ignorable=True)
    member_epoch: int = wire(INT32, "9+", default=-1, ignorable=True)
    # null: all of the group's
    topics: list[OffsetFetchRequestTopics] | None = wire(
        array(OffsetFetchRequestTopics), "8+", nullable="8+"
    )


@message(versions="0-9", flexible="6+")
class OffsetFetchRequest:
    group_id: str = wire(STRING, "0-7")
    # null: all of the group's
    topics: list[OffsetFetchRequestTopic] | None = wire(
        array(OffsetFetchRequestTopic), "0-7", nullable="2-7"
    )
    groups: list[OffsetFetchRequestGroup] = wire(array(OffsetFetchRequestGroup), "8+")
    require_stable: bool = wire(BOOL, "7+")


@struct
class OffsetFetchResponsePartition:
    partition_index: int = wire(INT32, "0-7")
    committed_offset: int = wire(INT64, "0-7")
    committed_leader_epoch: int = wire(INT32, "5-7", default=-1, ignorable=True)
    metadata: str | None = wire(STRING, "0-7", nullable="0-7")
    error_code: int = wire(INT16, "0-7")


@struct
class OffsetFetchResponseTopic:
    name: str = wire(STRING, "0-7")
    partitions: list[OffsetFetchResponsePartition] = wire(
        array(OffsetFetchResponsePartition), "0-7"
    )


@struct
class OffsetFetchResponsePartitions:
    partition_index: int = wire(INT32, "8+")
    committed_offset: int = wire(INT64, "8+")
    committed_leader_epoch: int = wire(INT32, "8+", default=-1, ignorable=True)
    metadata: str | None = wire(STRING, "8+", nullable="8+")
    error_code: int = wire(INT16, "8+")


@struct
class OffsetFetchResponseTopics:
    name: str = wire(STRING, "8+")
    partitions: list[OffsetFetchResponsePartitions] = wire(
        array(OffsetFetchResponsePartitions), "8+"
    )


@struct
class OffsetFetchResponseGroup:
    group_id: str = wire(STRING, "8+")
    topics: list[OffsetFetchResponseTopics] = wire(array(OffsetFetchResponseTopics), "8+")
    error_code: int = wire(INT16, "8+")


@message(versions="0-9", flexible="6+")
class OffsetFetchResponse:
    throttle_time_ms: int = wire(INT32, "3+", ignorable=True)
    topics: list[OffsetFetchResponseTopic] = wire(array(OffsetFetchResponseTopic), "0-7")
    error_code: int = wire(INT16, "2-7", ignorable=True)
    groups: list[OffsetFetchResponseGroup] = wire(array(OffsetFetchResponseGroup), "8+")
