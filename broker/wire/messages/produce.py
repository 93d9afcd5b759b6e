"""Produce: append record batches to partitions.

The client sends each partition's batches to the partition's leader and says in `acks` what it waits
for: 0 nothing (then there is *no response*), 1 the leader's log, -1 every replica in sync.

Versions:
     0-2  any record format, of old clients 0 or 1 (`broker.wire.message_set`)
       1  `throttle_time_ms`
       2  `log_append_time_ms` (KIP-32)
       3  record format 2 alone; `transactional_id`
       5  `log_start_offset` tells an idempotent producer whether its records were deleted
       7  zstd may be used (KIP-110)
       8  a refused batch names its bad records (KIP-467)
       9  flexible
      10  NOT_LEADER_OR_FOLLOWER comes with the new leader and its address (KIP-951)
      11  the client understands TRANSACTION_ABORTABLE (KIP-890)
"""

from broker.wire.schema import INT16, INT32, INT64, RECORDS, STRING, array, message, struct, wire


@struct
class PartitionProduceData:
    index: int = wire(INT32, "0+")
    # one batch in practice
    records: bytes | bytearray | memoryview | None = wire(RECORDS, "0+", nullable="0+")


@struct
class TopicProduceData:
    name: str = wire(STRING, "0+")
    partition_data: list[PartitionProduceData] = wire(array(PartitionProduceData), "0+")


@message(versions="0-11", flexible="9+")
class ProduceRequest:
    transactional_id: str | None = wire(STRING, "3+", nullable="3+", default=None)
    acks: int = wire(INT16, "0+")
    timeout_ms: int = wire(INT32, "0+")
    topic_data: list[TopicProduceData] = wire(array(TopicProduceData), "0+")


@struct
class BatchIndexAndErrorMessage:
    batch_index: int = wire(INT32, "8+")
    batch_index_error_message: str | None = wire(STRING, "8+", nullable="8+", default=None)


@struct
class LeaderIdAndEpoch:
    leader_id: int = wire(INT32, "10+", default=-1)
    leader_epoch: int = wire(INT32, "10+", default=-1)


@struct
class PartitionProduceResponse:
    index: int = wire(INT32, "0+")
    error_code: int = wire(INT16, "0+")
    base_offset: int = wire(INT64, "0+")  # of the first record; -1 on error
    # -1 unless the topic stamps records on append
    log_append_time_ms: int = wire(INT64, "2+", default=-1, ignorable=True)
    log_start_offset: int = wire(INT64, "5+", default=-1, ignorable=True)
    record_errors: list[BatchIndexAndErrorMessage] = wire(
        array(BatchIndexAndErrorMessage), "8+", ignorable=True
    )
    error_message: str | None = wire(STRING, "8+", nullable="8+", default=None, ignorable=True)
    current_leader: LeaderIdAndEpoch | None = wire(LeaderIdAndEpoch, "10+", tag=0)


@struct
class TopicProduceResponse:
    name: str = wire(STRING, "0+")
    partition_responses: list[PartitionProduceResponse] = wire(
        array(PartitionProduceResponse), "0+"
    )


@struct
class NodeEndpoint:
    node_id: int = wire(INT32, "10+")
    host: str = wire(STRING, "10+")
    port: int = wire(INT32, "10+")
    rack: str | None = wire(STRING, "10+", nullable="10+", default=None)


@message(versions="0-11", flexible="9+")
class ProduceResponse:
    responses: list[TopicProduceResponse] = wire(array(TopicProduceResponse), "0+")
    throttle_time_ms: int = wire(INT32, "1+", ignorable=True)
    node_endpoints: list[NodeEndpoint] = wire(array(NodeEndpoint), "10+", tag=0)
