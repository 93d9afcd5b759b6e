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

Worse is what happens to a producer that the log doesn't know yet, as after such a new epoch. It may
begin with any sequence (KIP-360), so Kafka takes what is behind the refused batch:

    sequence 0 ──► NOT_ENOUGH_REPLICAS
                                              a follower joins
    sequence 1 ──► appended                        in Kafka;  NOT_ENOUGH_REPLICAS here

and librdkafka concludes from the second answer that the first was wrong (an "implicit ack"): it
reports a record as delivered that is nowhere (confluent-kafka-go#921). So here a newcomer goes on
with the first sequence that it was refused with, for as long as we remember. That holds for every
refusal that passes by itself: this broker may not have heard yet that it leads.
"""

from collections.abc import Container

import attrs

from broker.log.validation import Prepared, numbered_batch
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.record_batch import RecordBatch
from coordination.values import TopicPartition

# Far longer than requests are on their way, far shorter than a producer tries. If a batch is out of
# order for another reason, it hears so when it tries again after this time.
MEMORY_S = 5.0

# No more producers times partitions than that are on their way at a broker that is getting ready.
MOST = 10_000

PASSING = frozenset(
    {
        ErrorCode.NOT_ENOUGH_REPLICAS,
        ErrorCode.NOT_LEADER_OR_FOLLOWER,
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    }
)


class RefusedLikeBefore(KafkaError):
    """The batch itself could be taken, but one before it was not. This isn't remembered in turn."""


@attrs.frozen
class _Refused:
    producer_epoch: int
    first_sequence: int  # of those that were refused one after the other
    at_s: float
    code: ErrorCode
    why: str


@attrs.define
class Refusals:
    """The last refusal of each producer in each partition, for `MEMORY_S`."""

    _refused: dict[tuple[TopicPartition, int], _Refused] = attrs.field(factory=dict)  # oldest first
    _last_s: float = float("-inf")

    def remember(
        self,
        topic_partition: TopicPartition,
        records: memoryview | Prepared,
        refusal: KafkaError,
        now_s: float,
    ) -> None:
        """Note that these were refused, if for a reason that passes."""
        if refusal.code not in PASSING or isinstance(refusal, RefusedLikeBefore):
            return
        batch = numbered_batch(records)
        if batch is None:
            return
        before = self._of(topic_partition, batch, now_s)
        while self._refused:
            oldest = next(iter(self._refused))
            if len(self._refused) < MOST and now_s - self._refused[oldest].at_s <= MEMORY_S:
                break
            del self._refused[oldest]
        key = topic_partition, batch.producer_id
        self._refused.pop(key, None)  # to the end
        self._refused[key] = _Refused(
            batch.producer_epoch,
            before.first_sequence if before else batch.base_sequence,
            now_s,
            refusal.code,
            refusal.message,
        )
        self._last_s = now_s

    def check_newcomer(
        self,
        topic_partition: TopicPartition,
        records: memoryview | Prepared,
        known: Container[int],
        now_s: float,
    ) -> None:
        """Refuse what is behind a refused batch, of a producer that is none of the `known` ids."""
        if now_s - self._last_s > MEMORY_S:
            return  # as nearly always: nothing to look into the batch for
        batch = numbered_batch(records)
        if batch is None or batch.producer_id in known:
            return
        refused = self._of(topic_partition, batch, now_s)
        if refused is not None and batch.base_sequence != refused.first_sequence:
            raise _like(refused)

    def check_out_of_order(
        self, topic_partition: TopicPartition, records: memoryview | Prepared, now_s: float
    ) -> None:
        """Refuse a batch that is out of order as its producer was refused shortly before."""
        batch = numbered_batch(records)
        refused = None if batch is None else self._of(topic_partition, batch, now_s)
        if refused is not None:
            raise _like(refused)

    def _of(
        self, topic_partition: TopicPartition, batch: RecordBatch, now_s: float
    ) -> _Refused | None:
        refused = self._refused.get((topic_partition, batch.producer_id))
        if (
            refused is None
            or refused.producer_epoch != batch.producer_epoch
            or now_s - refused.at_s > MEMORY_S
        ):
            return None
        return refused


def _like(refused: _Refused) -> RefusedLikeBefore:
    return RefusedLikeBefore(refused.code, f"an earlier batch was refused: {refused.why}")
