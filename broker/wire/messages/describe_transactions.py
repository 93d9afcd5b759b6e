"""DescribeTransactions: how far the transactions of these transactional ids are (KIP-664)."""

from broker.wire.schema import INT16, INT32, INT64, STRING, array, message, struct, wire


@message(versions="0", flexible="0+")
class DescribeTransactionsRequest:
    transactional_ids: list[str] = wire(array(STRING), "0+")


@struct
class TopicData:
    topic: str = wire(STRING, "0+")
    partitions: list[int] = wire(array(INT32), "0+")


@struct
class TransactionState:
    error_code: int = wire(INT16, "0+")
    transactional_id: str = wire(STRING, "0+")
    transaction_state: str = wire(STRING, "0+")
    transaction_timeout_ms: int = wire(INT32, "0+")
    transaction_start_time_ms: int = wire(INT64, "0+")
    producer_id: int = wire(INT64, "0+")
    producer_epoch: int = wire(INT16, "0+")
    topics: list[TopicData] = wire(array(TopicData), "0+")  # those without a marker yet


@message(versions="0", flexible="0+")
class DescribeTransactionsResponse:
    throttle_time_ms: int = wire(INT32, "0+")
    transaction_states: list[TransactionState] = wire(array(TransactionState), "0+")
