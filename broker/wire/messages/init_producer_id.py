"""InitProducerId: an identity for an idempotent or a transactional producer.

Without a `transactional_id` any broker hands out a fresh id with epoch 0.  With one, the
transaction's coordinator ends what an earlier producer left open and raises the epoch.

Versions:
       2  flexible
       3  a producer gives its present id and epoch, to go on after an error (KIP-360)
       4  PRODUCER_FENCED may be answered; before that INVALID_PRODUCER_EPOCH (KIP-588)
       5  the client understands TRANSACTION_ABORTABLE (KIP-890)
"""

from broker.wire.schema import INT16, INT32, INT64, STRING, message, wire


@message(versions="0-5", flexible="2+")
class InitProducerIdRequest:
    transactional_id: str | None = wire(STRING, "0+", nullable="0+")
    transaction_timeout_ms: int = wire(INT32, "0+")
    producer_id: int = wire(INT64, "3+", default=-1)
    producer_epoch: int = wire(INT16, "3+", default=-1)


@message(versions="0-5", flexible="2+")
class InitProducerIdResponse:
    throttle_time_ms: int = wire(INT32, "0+", ignorable=True)
    error_code: int = wire(INT16, "0+")
    producer_id: int = wire(INT64, "0+", default=-1)
    producer_epoch: int = wire(INT16, "0+")
