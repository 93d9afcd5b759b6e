"""OffsetDelete: forget a group's offsets of partitions that it does not consume (KIP-496).

Versions: 0 only, not flexible.
"""

from broker.wire.schema import INT16, INT32, STRING, array, message, struct, wire


@struct
class OffsetDeleteRequestPartition:
    partition_index: int = wire(INT32, "0+")


@struct
class OffsetDeleteRequestTopic:
    name: str = wire(STRING, "0+")
    partitions: list[OffsetDeleteRequestPartition] = wire(array(OffsetDeleteRequestPartition), "0+")


@message(versions="0")
class OffsetDeleteRequest:
    group_id: str = wire(STRING, "0+")
    topics: list[OffsetDeleteRequestTopic] = wire(array(OffsetDeleteRequestTopic), "0+")


@struct
class OffsetDeleteResponsePartition:
    partition_index: int = wire(INT32, "0+")
    error_code: int = wire(INT16, "0+")


@struct
class OffsetDeleteResponseTopic:
    name: str = wire(STRING, "0+")
    partitions: list[OffsetDeleteResponsePartition] = wire(
        array(OffsetDeleteResponsePartition), "0+"
    )


@message(versions="0")
class OffsetDeleteResponse:
    error_code: int = wire(INT16, "0+")
    throttle_time_ms: int = wire(INT32, "0+", ignorable=True)
    topics: list[OffsetDeleteResponseTopic] = wire(array(OffsetDeleteResponseTopic), "0+")
