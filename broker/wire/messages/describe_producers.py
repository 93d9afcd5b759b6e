"""DescribeProducers: which idempotent and transactional producers partitions know (KIP-664)."""

from broker.wire.schema import INT16, INT32, INT64, STRING, array, message, struct, wire


@struct
class TopicRequest:
    name: str = wire(STRING, "0+")
    partition_indexes: list[int] = wire(array(INT32), "0+")


@message(versions="0", flexible="0+")
class DescribeProducersRequest:
    topics: list[TopicRequest] = wire(array(TopicRequest), "0+")


@struct
class ProducerState:
    producer_id: int = wire(INT64, "0+")
    producer_epoch: int = wire(INT32, "0+")
    last_sequence: int = wire(INT32, "0+", default=-1)
    last_timestamp: int = wire(INT64, "0+", default=-1)
    coordinator_epoch: int = wire(INT32, "0+")
    current_txn_start_offset: int = wire(INT64, "0+", default=-1)


@struct
class PartitionResponse:
    partition_index: int = wire(INT32, "0+")
    error_code: int = wire(INT16, "0+")
    error_message: str | None = wire(STRING, "0+", nullable="0+", default=None)
    active_producers: list[ProducerState] = wire(array(ProducerState), "0+")


@struct
class TopicResponse:
    name: str = wire(STRING, "0+")
    partitions: list[PartitionResponse] = wire(array(PartitionResponse), "0+")


@message(versions="0", flexible="0+")
class DescribeProducersResponse:
    throttle_time_ms: int = wire(INT32, "0+")
    topics: list[TopicResponse] = wire(array(TopicResponse), "0+")
