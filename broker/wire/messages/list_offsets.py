"""ListOffsets: the offset that belongs to a timestamp, or to one of the special ones:

    -1 latest   -2 earliest   -3 of the largest timestamp (7+, KIP-734)
    -4 earliest still in the local log (8+, KIP-405)   -5 last tiered offset (9+, KIP-1005)

Latest is the high watermark for a consumer, the last stable offset if it reads committed only, and
the log end offset for a follower (`replica_id` 0 and up).

Versions:
       0  asks for up to `max_num_offsets` segment starts, answered in `old_style_offsets`
       1  one offset, with its timestamp
       2  `isolation_level`
       4  leader epochs, both ways (KIP-320)
       5  OFFSET_NOT_AVAILABLE while a new leader does not know the high watermark (KIP-207)
       6  flexible
"""

from broker.wire.schema import INT8, INT16, INT32, INT64, STRING, array, message, struct, wire


@struct
class ListOffsetsPartition:
    partition_index: int = wire(INT32, "0+")
    current_leader_epoch: int = wire(INT32, "4+", default=-1, ignorable=True)
    timestamp: int = wire(INT64, "0+")
    max_num_offsets: int = wire(INT32, "0", default=1)


@struct
class ListOffsetsTopic:
    name: str = wire(STRING, "0+")
    partitions: list[ListOffsetsPartition] = wire(array(ListOffsetsPartition), "0+")


@message(versions="0-9", flexible="6+")
class ListOffsetsRequest:
    replica_id: int = wire(INT32, "0+")
    isolation_level: int = wire(INT8, "2+")
    topics: list[ListOffsetsTopic] = wire(array(ListOffsetsTopic), "0+")


@struct
class ListOffsetsPartitionResponse:
    partition_index: int = wire(INT32, "0+")
    error_code: int = wire(INT16, "0+")
    old_style_offsets: list[int] = wire(array(INT64), "0")
    timestamp: int = wire(INT64, "1+", default=-1)
    offset: int = wire(INT64, "1+", default=-1)
    leader_epoch: int = wire(INT32, "4+", default=-1)


@struct
class ListOffsetsTopicResponse:
    name: str = wire(STRING, "0+")
    partitions: list[ListOffsetsPartitionResponse] = wire(array(ListOffsetsPartitionResponse), "0+")


@message(versions="0-9", flexible="6+")
class ListOffsetsResponse:
    throttle_time_ms: int = wire(INT32, "2+", ignorable=True)
    topics: list[ListOffsetsTopicResponse] = wire(array(ListOffsetsTopicResponse), "0+")
