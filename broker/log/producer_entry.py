"""What a log remembers of one producer: its epoch, its last batches, its open transaction.

Five batches, because a Java producer keeps at most five requests in flight: any of them may come
again. `producer_state` keeps an entry for each producer and says what it is for.

Source: Kafka's `ProducerStateEntry`.
"""

import attrs

from broker.wire.record_batch import NO_PRODUCER_EPOCH, NO_SEQUENCE, NO_TIMESTAMP

BATCHES_REMEMBERED = 5
MAX_SEQUENCE = 2**31 - 1


@attrs.frozen(slots=True)
class BatchMetadata:
    """One appended batch: enough to answer for it again."""

    last_sequence: int
    last_offset: int
    offset_delta: int
    timestamp_ms: int

    @property
    def first_sequence(self) -> int:
        return (self.last_sequence - self.offset_delta) & MAX_SEQUENCE

    @property
    def first_offset(self) -> int:
        return self.last_offset - self.offset_delta


@attrs.frozen(slots=True)
class ProducerEntry:
    """What is known of one producer: a value, another one after each of its batches."""

    producer_id: int
    epoch: int = NO_PRODUCER_EPOCH
    coordinator_epoch: int = -1
    last_timestamp_ms: int = NO_TIMESTAMP
    transaction_first_offset: int | None = None
    batches: tuple[BatchMetadata, ...] = ()  # at most BATCHES_REMEMBERED, of this epoch

    @property
    def last_sequence(self) -> int:
        return self.batches[-1].last_sequence if self.batches else NO_SEQUENCE

    def is_in_transaction(self, epoch: int) -> bool:
        """Whether the producer of that epoch has a transaction open here.

        A hanging one, of an epoch before, says nothing of the next (as from Kafka 4.0 on).
        """
        return self.transaction_first_offset is not None and self.epoch == epoch

    def batches_of(self, epoch: int) -> tuple[BatchMetadata, ...]:
        """Another epoch's sequences start anew."""
        return self.batches if self.epoch == epoch else ()
