"""AddOffsetsToTxn: my open transaction will commit offsets of this group.

Adds the group's partition of `__consumer_offsets` to the transaction; the offsets come in
TxnOffsetCommit.

Versions:
       2  PRODUCER_FENCED may be answered; before that INVALID_PRODUCER_EPOCH (KIP-588)
       3  flexible
       4  the client understands TRANSACTION_ABORTABLE (KIP-890)
"""

from broker.wire.schema import INT16, INT32, INT64, STRING, message, wire


@message(versions="0-4", flexible="3+")
class AddOffsetsToTxnRequest:
    transactional_id: str = wire(STRING, "0+")
    producer_id: int = wire(INT64, "0+")
    producer_epoch: int = wire(INT16, "0+")
    group_id: str = wire(STRING, "0+")


@message(versions="0-4", flexible="3+")
class AddOffsetsToTxnResponse:
    throttle_time_ms: int = wire(INT32, "0+")
    error_code: int = wire(INT16, "0+")
