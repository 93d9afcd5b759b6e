"""Sequences and epochs: what an idempotent producer may do, story by story."""

import pytest

from broker.log.log_config import ProducerConfig
from broker.log.producer_state import LATE_TRANSACTION_BUFFER_MS, ProducerState
from broker.log.values import Origin
from broker.wire.control_records import build_marker
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.record_batch import RecordBatch, batches, stamp
from tests.broker.log.logs import START_MS, make_batch

EXPIRATION_MS = 1000


class Story:
    """A producer's batches against a log's state, one offset after the other."""

    def __init__(self) -> None:
        self.state = ProducerState(ProducerConfig(EXPIRATION_MS, verifies_transactions=False))
        self.offset = 0

    def batch(self, epoch: int, sequence: int, count: int, *, transactional: bool) -> RecordBatch:
        data = make_batch(
            *["v"] * count,
            producer=(7, epoch, sequence),
            transactional=transactional,
            base_offset=self.offset,
        )
        return next(batches(data))

    def send(
        self, epoch: int, sequence: int, count: int = 1, *, transactional: bool = False
    ) -> int | ErrorCode:
        """The batch's first offset (its old one if it is a duplicate), or why not."""
        batch = self.batch(epoch, sequence, count, transactional=transactional)
        known = self.state.duplicate_of(batch)
        if known is not None:
            return known.first_offset
        try:
            self.state.check(batch, Origin.CLIENT)
        except KafkaError as error:
            return error.code
        return self.append(batch)

    def append(self, batch: RecordBatch) -> int:
        self.state.update(batch)
        self.offset = batch.end_offset
        return batch.base_offset

    def end_transaction(self, epoch: int, coordinator_epoch: int) -> int | ErrorCode:
        data = build_marker(
            7, epoch, commit=True, coordinator_epoch=coordinator_epoch, timestamp_ms=START_MS
        )
        stamp(memoryview(data), self.offset, 0)
        batch = next(batches(data))
        try:
            self.state.check(batch, Origin.COORDINATOR)
        except KafkaError as error:
            return error.code
        return self.append(batch)


OUT_OF_ORDER = ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER


def test_in_order() -> None:
    story = Story()
    assert [story.send(0, 0, 3), story.send(0, 3, 2), story.send(0, 5)] == [0, 3, 5]


def test_a_gap_or_a_step_back_is_out_of_order() -> None:
    story = Story()
    story.send(0, 0, 3)
    assert story.send(0, 4) is OUT_OF_ORDER
    assert story.send(0, 2) is OUT_OF_ORDER
    assert story.send(0, 3) == 3


def test_duplicates_are_known_by_their_exact_sequences() -> None:
    story = Story()
    story.send(0, 0, 3)
    story.send(0, 3, 2)
    assert [story.send(0, 0, 3), story.send(0, 3, 2)] == [0, 3]
    assert story.send(0, 0, 2) is OUT_OF_ORDER


def test_five_batches_are_remembered() -> None:
    story = Story()
    for sequence in range(6):
        story.send(0, sequence)
    assert [story.send(0, sequence) for sequence in range(6)] == [OUT_OF_ORDER, 1, 2, 3, 4, 5]


def test_sequences_go_round() -> None:
    story = Story()
    assert story.send(0, 2**31 - 2, 2) == 0  # a producer not known here may start anywhere
    assert story.send(0, 0) == 2
    assert story.send(0, 2**31 - 2, 2) == 0
    assert story.send(0, 2) is OUT_OF_ORDER


def test_a_batch_across_the_turn() -> None:
    story = Story()
    assert story.send(0, 2**31 - 1, 3) == 0
    assert story.send(0, 2**31 - 1, 3) == 0
    assert story.send(0, 2) == 3


def test_a_new_epoch_starts_at_zero_and_fences_the_old_one() -> None:
    story = Story()
    story.send(3, 0, 5)
    assert story.send(4, 5) is OUT_OF_ORDER
    assert story.send(4, 0) == 5
    assert story.send(3, 5) is ErrorCode.INVALID_PRODUCER_EPOCH
    assert story.send(4, 1) == 6


def test_an_epoch_before_the_first_is_none() -> None:
    assert Story().send(-2, 0) is ErrorCode.INVALID_PRODUCER_EPOCH


def test_a_follower_takes_what_the_leader_took() -> None:
    story = Story()
    story.append(story.batch(0, 0, 1, transactional=False))
    story.append(story.batch(0, 9, 1, transactional=False))
    assert story.send(0, 10) == 2


def test_a_coordinator_has_no_sequences() -> None:
    story = Story()
    story.send(2, 0)
    batch = story.batch(2, -1, 1, transactional=False)
    story.state.check(batch, Origin.COORDINATOR)
    with pytest.raises(KafkaError):
        story.state.check(story.batch(1, -1, 1, transactional=False), Origin.COORDINATOR)


def test_expiry_forgets_the_silent_but_not_an_open_transaction() -> None:
    story = Story()
    story.send(0, 0)
    story.state.remove_expired(START_MS + EXPIRATION_MS - 1)
    assert list(story.state.entries())
    story.state.remove_expired(START_MS + EXPIRATION_MS)
    assert not list(story.state.entries())
    assert story.send(0, 5, transactional=True) == 1
    story.state.remove_expired(START_MS + 10 * EXPIRATION_MS)
    assert list(story.state.entries())


def test_a_transaction_is_unstable_until_its_marker_is_replicated() -> None:
    story = Story()
    story.send(0, 0)
    assert story.state.transactions.first_unstable_offset is None
    story.send(0, 1, transactional=True)
    story.send(0, 2, transactional=True)
    assert story.state.transactions.first_unstable_offset == 1
    assert story.send(0, 3) is ErrorCode.INVALID_TXN_STATE
    assert story.end_transaction(0, coordinator_epoch=5) == 3
    assert story.state.transactions.first_unstable_offset == 1
    story.state.transactions.on_high_watermark(3)
    assert story.state.transactions.first_unstable_offset == 1
    story.state.transactions.on_high_watermark(4)
    assert story.state.transactions.first_unstable_offset is None
    assert story.send(0, 3) == 4


def test_a_fenced_coordinator() -> None:
    story = Story()
    story.send(0, 0, transactional=True)
    story.end_transaction(0, coordinator_epoch=5)
    assert story.end_transaction(0, 4) is ErrorCode.TRANSACTION_COORDINATOR_FENCED


def test_a_marker_may_come_from_a_later_life_of_the_producer() -> None:
    """The coordinator fences a producer by ending its transaction with a newer epoch."""
    story = Story()
    story.send(0, 0, transactional=True)
    assert story.end_transaction(1, coordinator_epoch=0) == 1
    assert story.send(0, 1, transactional=True) is ErrorCode.INVALID_PRODUCER_EPOCH
    assert story.end_transaction(0, coordinator_epoch=0) is ErrorCode.INVALID_PRODUCER_EPOCH
    assert story.send(1, 0, transactional=True) == 2


def test_a_transaction_is_late_when_no_coordinator_would_leave_it_open() -> None:
    story = Story()
    assert story.state.late_transaction(START_MS) is None
    story.send(0, 0, transactional=True)
    patience_ms = story.state.config.max_transaction_timeout_ms + LATE_TRANSACTION_BUFFER_MS
    assert story.state.late_transaction(START_MS + patience_ms) is None
    late = story.state.late_transaction(START_MS + patience_ms + 1)
    assert late is not None
    assert (late.producer_id, late.transaction_first_offset) == (7, 0)
    story.end_transaction(0, coordinator_epoch=0)
    assert story.state.late_transaction(START_MS + 2 * patience_ms) is None
