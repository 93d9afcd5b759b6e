"""Fetch: read records from partitions.  Consumers and followers ask alike.

A consumer has `replica_id` -1; a follower names itself, and by asking for `fetch_offset` says that
it has everything before.  The broker answers when `min_bytes` are there or `max_wait_ms` are over.

Versions:
     0-1  record format 0 is answered (`broker.wire.message_set`)
     2-3  record format 1; 3 bounds the answer as a whole (KIP-74)
       4  record format 2; `isolation_level` 1 reads only committed transactions
       5  `log_start_offset`, both ways
       7  fetch sessions: only what changed is named, asked or answered (KIP-227).
          `session_epoch` -1 is a full fetch without a session, 0 opens one, above 0 goes on
       9  `current_leader_epoch` fences out who has missed an election (KIP-320)
      10  zstd may come back (KIP-110)
      11  `rack_id` and `preferred_read_replica`: consume from a near replica (KIP-392)
      12  flexible; `last_fetched_epoch` asks whether the logs agree, `diverging_epoch` says where
          they part, so that a follower truncates without OffsetForLeaderEpoch (KIP-595)
      13  topics go by id, names are no longer sent (KIP-516)
      14  OFFSET_MOVED_TO_TIERED_STORAGE may be answered (KIP-405)
      15  a follower names itself in `replica_state`, with its broker epoch; before that in
          `replica_id` (KIP-903)
      16  a new leader's address comes along (KIP-951)
      17  directory ids, KRaft only (KIP-853)
"""

from uuid import UUID

from broker.wire.regions import Records
from broker.wire.schema import (
    INT8,
    INT16,
    INT32,
    INT64,
    RECORDS,
    STRING,
    UUID_,
    array,
    message,
    struct,
    wire,
)


@struct
class ReplicaState:
    replica_id: int = wire(INT32, "15+", default=-1)
    replica_epoch: int = wire(INT64, "15+", default=-1)


@struct
class FetchPartition:
    partition: int = wire(INT32, "0+")
    current_leader_epoch: int = wire(INT32, "9+", default=-1, ignorable=True)
    fetch_offset: int = wire(INT64, "0+")
    # epoch of the record before fetch_offset, -1 if none
    last_fetched_epoch: int = wire(INT32, "12+", default=-1)
    # the follower's; -1 from a consumer
    log_start_offset: int = wire(INT64, "5+", default=-1, ignorable=True)
    partition_max_bytes: int = wire(INT32, "0+")
    replica_directory_id: UUID = wire(UUID_, "17+", ignorable=True, tag=0)


@struct
class FetchTopic:
    topic: str = wire(STRING, "0-12", ignorable=True)
    topic_id: UUID = wire(UUID_, "13+", ignorable=True)
    partitions: list[FetchPartition] = wire(array(FetchPartition), "0+")


@struct
class ForgottenTopic:
    topic: str = wire(STRING, "7-12", ignorable=True)
    topic_id: UUID = wire(UUID_, "13+", ignorable=True)
    partitions: list[int] = wire(array(INT32), "7+")


@message(versions="0-17", flexible="12+")
class FetchRequest:
    # KRaft's quorum only
    cluster_id: str | None = wire(
        STRING, "12+", nullable="12+", default=None, ignorable=True, tag=0
    )
    replica_id: int = wire(INT32, "0-14", default=-1)  # a follower's id, or -1
    replica_state: ReplicaState | None = wire(ReplicaState, "15+", tag=1)
    max_wait_ms: int = wire(INT32, "0+")
    min_bytes: int = wire(INT32, "0+")
    max_bytes: int = wire(INT32, "3+", default=0x7FFFFFFF, ignorable=True)
    isolation_level: int = wire(INT8, "4+", ignorable=True)
    session_id: int = wire(INT32, "7+", ignorable=True)
    session_epoch: int = wire(INT32, "7+", default=-1, ignorable=True)
    topics: list[FetchTopic] = wire(array(FetchTopic), "0+")
    forgotten_topics_data: list[ForgottenTopic] = wire(array(ForgottenTopic), "7+")
    rack_id: str = wire(STRING, "11+", ignorable=True)


@struct
class EpochEndOffset:
    epoch: int = wire(INT32, "12+", default=-1)
    end_offset: int = wire(INT64, "12+", default=-1)


@struct
class LeaderIdAndEpoch:
    leader_id: int = wire(INT32, "12+", default=-1)
    leader_epoch: int = wire(INT32, "12+", default=-1)


@struct
class SnapshotId:
    end_offset: int = wire(INT64, "0+", default=-1)
    epoch: int = wire(INT32, "0+", default=-1)


@struct
class AbortedTransaction:
    producer_id: int = wire(INT64, "4+")
    first_offset: int = wire(INT64, "4+")


@struct
class PartitionData:
    partition_index: int = wire(INT32, "0+")
    error_code: int = wire(INT16, "0+")
    high_watermark: int = wire(INT64, "0+")
    # first offset of a transaction still open
    last_stable_offset: int = wire(INT64, "4+", default=-1, ignorable=True)
    log_start_offset: int = wire(INT64, "5+", default=-1, ignorable=True)
    # the last epoch in common, and its end
    diverging_epoch: EpochEndOffset | None = wire(EpochEndOffset, "12+", tag=0)
    # set with NOT_LEADER_OR_FOLLOWER and FENCED_LEADER_EPOCH
    current_leader: LeaderIdAndEpoch | None = wire(LeaderIdAndEpoch, "12+", tag=1)
    snapshot_id: SnapshotId | None = wire(SnapshotId, "12+", tag=2)  # KRaft only
    # null: isolation_level was 0
    aborted_transactions: list[AbortedTransaction] | None = wire(
        array(AbortedTransaction), "4+", nullable="4+", ignorable=True
    )
    preferred_read_replica: int = wire(INT32, "11+", default=-1)  # -1: this one
    records: Records | None = wire(RECORDS, "0+", nullable="0+")


@struct
class FetchableTopicResponse:
    topic: str = wire(STRING, "0-12", ignorable=True)
    topic_id: UUID = wire(UUID_, "13+", ignorable=True)
    partitions: list[PartitionData] = wire(array(PartitionData), "0+")


@struct
class NodeEndpoint:
    node_id: int = wire(INT32, "16+")
    host: str = wire(STRING, "16+")
    port: int = wire(INT32, "16+")
    rack: str | None = wire(STRING, "16+", nullable="16+", default=None)


@message(versions="0-17", flexible="12+")
class FetchResponse:
    throttle_time_ms: int = wire(INT32, "1+", ignorable=True)
    error_code: int = wire(INT16, "7+", ignorable=True)
    session_id: int = wire(INT32, "7+")
    responses: list[FetchableTopicResponse] = wire(array(FetchableTopicResponse), "0+")
    # addresses of the current leaders named above
    node_endpoints: list[NodeEndpoint] = wire(array(NodeEndpoint), "16+", tag=0)
