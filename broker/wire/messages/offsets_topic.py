"""What lies in `__consumer_offsets`: keys and values of its records.

Each key and each value is a 2-byte version and then the message (`versioned`).  The version of a
key tells which kind of record it is: 0 and 1 an `OffsetCommitKey`, 2 a `GroupMetadataKey`.  A
record without a value deletes what its key names; the topic is compacted.

`OffsetCommitValue`: 3.9 writes version 3 (with `leader_epoch`), and version 1 when a client gave a
retention time, which is kept as `expire_timestamp`.  `GroupMetadataValue`: 3.9 writes version 3.
Version 4 of both is flexible and for later brokers, which add only tagged fields (KIP-915).
"""

from broker.wire.schema import BYTES, INT32, INT64, STRING, array, message, struct, wire


@message(versions="0-1")
class OffsetCommitKey:
    group: str = wire(STRING, "0-1")
    topic: str = wire(STRING, "0-1")
    partition: int = wire(INT32, "0-1")


@message(versions="0-4", flexible="4+")
class OffsetCommitValue:
    offset: int = wire(INT64, "0+")
    leader_epoch: int = wire(INT32, "3+", default=-1, ignorable=True)
    metadata: str = wire(STRING, "0+")
    commit_timestamp: int = wire(INT64, "0+")
    expire_timestamp: int = wire(INT64, "1", default=-1, ignorable=True)


@message(versions="2")
class GroupMetadataKey:
    group: str = wire(STRING, "2")


@struct
class MemberMetadata:
    member_id: str = wire(STRING, "0+")
    group_instance_id: str | None = wire(STRING, "3+", nullable="3+", default=None, ignorable=True)
    client_id: str = wire(STRING, "0+")
    client_host: str = wire(STRING, "0+")
    rebalance_timeout: int = wire(INT32, "1+", default=-1, ignorable=True)
    session_timeout: int = wire(INT32, "0+")
    subscription: bytes = wire(BYTES, "0+")
    assignment: bytes = wire(BYTES, "0+")


@message(versions="0-4", flexible="4+")
class GroupMetadataValue:
    protocol_type: str = wire(STRING, "0+")
    generation: int = wire(INT32, "0+")
    # the assignor chosen; null when the group is empty
    protocol: str | None = wire(STRING, "0+", nullable="0+")
    leader: str | None = wire(STRING, "0+", nullable="0+")  # a member id
    current_state_timestamp: int = wire(INT64, "2+", default=-1, ignorable=True)
    members: list[MemberMetadata] = wire(array(MemberMetadata), "0+")
