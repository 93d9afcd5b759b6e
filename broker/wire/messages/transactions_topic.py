"""What lies in `__transaction_state`: keys and values of its records.

Each key and each value is a 2-byte version and then the message (`versioned`).  A record without a
value deletes what its key names; the topic is compacted.

3.9 writes version 0 of both.  Version 1 of the value is flexible and written only when the feature
`transaction.version` is finalised (KIP-890), which a cluster with ZooKeeper does not have; later
brokers add tagged fields to it.
"""

from broker.wire.schema import INT8, INT16, INT32, INT64, STRING, array, message, struct, wire


@message(versions="0")
class TransactionLogKey:
    transactional_id: str = wire(STRING, "0")


@struct
class PartitionsSchema:
    topic: str = wire(STRING, "0+")
    partition_ids: list[int] = wire(array(INT32), "0+")


@message(versions="0-1", flexible="1+")
class TransactionLogValue:
    producer_id: int = wire(INT64, "0+")
    producer_epoch: int = wire(INT16, "0+")
    transaction_timeout_ms: int = wire(INT32, "0+")
    transaction_status: int = wire(INT8, "0+")  # broker.transactions.transaction_states
    # null in the state Empty
    transaction_partitions: list[PartitionsSchema] | None = wire(
        array(PartitionsSchema), "0+", nullable="0+"
    )
    transaction_last_update_timestamp_ms: int = wire(INT64, "0+")
    transaction_start_timestamp_ms: int = wire(INT64, "0+")
