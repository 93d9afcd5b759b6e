"""AddPartitionsToTxn: these partitions belong to my open transaction; it begins with the first.

Between brokers it also asks whether they do (`verify_only`, KIP-890).

Versions:
       2  PRODUCER_FENCED may be answered; before that INVALID_PRODUCER_EPOCH (KIP-588)
       3  flexible
       4  several transactions in `transactions`, with an answer for each and an error of the whole;
          the single fields are gone. For brokers only
       5  TRANSACTION_ABORTABLE may be answered
"""

from broker.wire.schema import BOOL, INT16, INT32, INT64, STRING, array, message, struct, wire


@struct
class AddPartitionsToTxnTopic:
    name: str = wire(STRING, "0+")
    partitions: list[int] = wire(array(INT32), "0+")


@struct
class AddPartitionsToTxnTransaction:
    transactional_id: str = wire(STRING, "4+")
    producer_id: int = wire(INT64, "4+")
    producer_epoch: int = wire(INT16, "4+")
    verify_only: bool = wire(BOOL, "4+")
    topics: list[AddPartitionsToTxnTopic] = wire(array(AddPartitionsToTxnTopic), "4+")


@message(versions="0-5", flexible="3+")
class AddPartitionsToTxnRequest:
    transactions: list[AddPartitionsToTxnTransaction] = wire(
        array(AddPartitionsToTxnTransaction), "4+"
    )
    v3_and_below_transactional_id: str = wire(STRING, "0-3")
    v3_and_below_producer_id: int = wire(INT64, "0-3")
    v3_and_below_producer_epoch: int = wire(INT16, "0-3")
    v3_and_below_topics: list[AddPartitionsToTxnTopic] = wire(array(AddPartitionsToTxnTopic), "0-3")


@struct
class AddPartitionsToTxnPartitionResult:
    partition_index: int = wire(INT32, "0+")
    partition_error_code: int = wire(INT16, "0+")


@struct
class AddPartitionsToTxnTopicResult:
    name: str = wire(STRING, "0+")
    results_by_partition: list[AddPartitionsToTxnPartitionResult] = wire(
        array(AddPartitionsToTxnPartitionResult), "0+"
    )


@struct
class AddPartitionsToTxnResult:
    transactional_id: str = wire(STRING, "4+")
    topic_results: list[AddPartitionsToTxnTopicResult] = wire(
        array(AddPartitionsToTxnTopicResult), "4+"
    )


@message(versions="0-5", flexible="3+")
class AddPartitionsToTxnResponse:
    throttle_time_ms: int = wire(INT32, "0+")
    error_code: int = wire(INT16, "4+", ignorable=True)
    results_by_transaction: list[AddPartitionsToTxnResult] = wire(
        array(AddPartitionsToTxnResult), "4+"
    )
    results_by_topic_v3_and_below: list[AddPartitionsToTxnTopicResult] = wire(
        array(AddPartitionsToTxnTopicResult), "0-3"
    )
