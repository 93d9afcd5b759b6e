"""Why a producer's batches are out of order: an earlier one was refused a moment ago.

A producer has several requests on their way. If the first meets a leader that can't take it and
the third one that can, the second's place is empty:

    sequence 7 ──► NOT_ENOUGH_REPLICAS        the ISR has one member
    sequence 8 ──► NOT_ENOUGH_REPLICAS
                                              a follower joins
    sequence 9 ──► OUT_OF_ORDER_SEQUENCE_NUMBER    in Kafka;  NOT_ENOUGH_REPLICAS here

"Out of order" tells the producer that something was lost. librdkafka then begins a new epoch, in
all partitions, and sends anew whatever it has no answer for: a batch that an earlier leader had
written is there twice. "Refused like the one before it" makes it send all three again, in order.
"""

import attrs

from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.record_batch import RecordBatch

# Far longer than requests are on their way, far shorter than a producer tries. If a batch is out of
# order for another reason, it hears so when it tries again after this time.
MEMORY_S = 5.0


@attrs.frozen
class _Refused:
    producer_epoch: int
    at_s: float
    code: ErrorCode
    why: str


@attrs.define
class Refusals:
    """The last refusal of each producer in one partition, for `MEMORY_S`."""

    _by_producer: dict[int, _Refused] = attrs.field(factory=dict)

    def remember(self, batch: RecordBatch, refusal: KafkaError, now_s: float) -> None:
        if not batch.has_producer_id:
            return
        self._by_producer = {
            producer: refused
            for producer, refused in self._by_producer.items()
            if now_s - refused.at_s <= MEMORY_S
        }
        self._by_producer[batch.producer_id] = _Refused(
            batch.producer_epoch, now_s, refusal.code, refusal.message
        )

    def check(self, batch: RecordBatch, now_s: float) -> None:
        """Refuse `batch`, which is out of order, as this producer was refused shortly before."""
        refused = self._by_producer.get(batch.producer_id)
        if (
            refused is not None
            and refused.producer_epoch == batch.producer_epoch
            and now_s - refused.at_s <= MEMORY_S
        ):
            raise KafkaError(refused.code, f"an earlier batch was refused: {refused.why}")
