"""OffsetForLeaderEpoch: where a leader epoch ends in the leader's log.

A follower or consumer that has records of `leader_epoch` beyond that offset has to truncate, or has
read what was lost (KIP-101, KIP-320).  Followers of 2.7 and later ask in Fetch 12 instead.

Versions:
       1  the epoch found comes back: the largest one not above the epoch asked for (KIP-279)
       2  `current_leader_epoch` fences (KIP-320)
       3  `replica_id`; -2, when it is absent, may see beyond the high watermark
       4  flexible
"""

from broker.wire.schema import INT16, INT32, INT64, STRING, array, message, struct, wire


@struct
class OffsetForLeaderPartition:
    partition: int = wire(INT32, "0+")
    current_leader_epoch: int = wire(INT32, "2+", default=-1, ignorable=True)
    leader_epoch: int = wire(INT32, "0+")


@struct
class OffsetForLeaderTopic:
    topic: str = wire(STRING, "0+")
    partitions: list[OffsetForLeaderPartition] = wire(array(OffsetForLeaderPartition), "0+")


@message(versions="0-4", flexible="4+")
class OffsetForLeaderEpochRequest:
    replica_id: int = wire(INT32, "3+", default=-2, ignorable=True)
    topics: list[OffsetForLeaderTopic] = wire(array(OffsetForLeaderTopic), "0+")


@struct
class EpochEndOffset:
    error_code: int = wire(INT16, "0+")
    partition: int = wire(INT32, "0+")
    leader_epoch: int = wire(INT32, "1+", default=-1, ignorable=True)
    end_offset: int = wire(INT64, "0+", default=-1)  # exclusive; -1: unknown


@struct
class OffsetForLeaderTopicResult:
    topic: str = wire(STRING, "0+")
    partitions: list[EpochEndOffset] = wire(array(EpochEndOffset), "0+")


@message(versions="0-4", flexible="4+")
class OffsetForLeaderEpochResponse:
    throttle_time_ms: int = wire(INT32, "2+", ignorable=True)
    topics: list[OffsetForLeaderTopicResult] = wire(array(OffsetForLeaderTopicResult), "0+")
