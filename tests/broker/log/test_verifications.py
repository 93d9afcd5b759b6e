"""The guard of a transaction's first batch: what keeps it and what takes it away."""

import pytest

from broker.log.log_config import ProducerConfig
from broker.log.partition_log import PartitionLog
from broker.wire.errors import ErrorCode, KafkaError
from tests.broker.log.logs import LogWorld, make_batch
from tests.broker.log.transactions import end_transaction

VERIFYING = ProducerConfig(expiration_ms=1000)


@pytest.fixture
def log(world: LogWorld) -> PartitionLog:
    world.producers = VERIFYING
    return world.open()


def send(log: PartitionLog, sequence: int, guard: object = None, epoch: int = 0) -> ErrorCode:
    batch = make_batch(producer=(7, epoch, sequence), transactional=True)
    try:
        log.append_as_leader(batch, 0, guard=guard)  # type: ignore[arg-type]
    except KafkaError as error:
        return error.code
    return ErrorCode.NONE


def test_the_first_batch_of_a_transaction_needs_the_guard(log: PartitionLog) -> None:
    assert send(log, 0) is ErrorCode.INVALID_TXN_STATE
    guard = log.begin_verification(7, 0, 0)
    assert send(log, 0) is ErrorCode.INVALID_TXN_STATE
    assert send(log, 0, guard) is ErrorCode.NONE


def test_the_others_need_none(log: PartitionLog) -> None:
    send(log, 0, log.begin_verification(7, 0, 0))
    assert log.begin_verification(7, 0, 1) is None
    assert send(log, 1) is ErrorCode.NONE
    end_transaction(log, 7, commit=True)
    assert send(log, 2) is ErrorCode.INVALID_TXN_STATE
    assert log.begin_verification(7, 0, 2) is not None


def test_a_batch_that_is_here_already_needs_none(log: PartitionLog) -> None:
    send(log, 0, log.begin_verification(7, 0, 0))
    end_transaction(log, 7, commit=True)
    assert send(log, 0) is ErrorCode.NONE
    assert log.log_end_offset == 2


def test_a_marker_in_between_ends_the_verification(log: PartitionLog) -> None:
    """It was verified, then aborted; the batch comes late (KAFKA-14904)."""
    guard = log.begin_verification(7, 0, 0)
    end_transaction(log, 7, commit=False)
    assert send(log, 0, guard) is ErrorCode.INVALID_TXN_STATE


def test_an_earlier_answer_does_not_count_for_the_next_transaction(log: PartitionLog) -> None:
    earlier = log.begin_verification(7, 0, 0)
    end_transaction(log, 7, commit=False)
    assert log.begin_verification(7, 0, 0) is not earlier
    assert send(log, 0, earlier) is ErrorCode.INVALID_TXN_STATE


def test_nothing_enters_before_what_was_sent_before_it(log: PartitionLog) -> None:
    """The first was refused for a reason that passes, the second verified (KAFKA-14884)."""
    log.begin_verification(7, 0, 0)
    guard = log.begin_verification(7, 0, 1)
    assert send(log, 1, guard) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert send(log, 0, guard) is ErrorCode.NONE
    assert send(log, 1) is ErrorCode.NONE


def test_a_lower_sequence_and_a_newer_epoch_count(log: PartitionLog) -> None:
    log.begin_verification(7, 0, 5)
    guard = log.begin_verification(7, 0, 3)
    assert send(log, 5, guard) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert log.begin_verification(7, 1, 0) is guard
    assert send(log, 0, guard, epoch=1) is ErrorCode.NONE


def test_what_was_refused_for_good_holds_nobody_back(log: PartitionLog) -> None:
    """A copy of the aborted transaction's first batch came late; the next one goes on at 10."""
    late = log.begin_verification(7, 0, 0)
    guard = log.begin_verification(7, 0, 10)
    assert guard is late
    assert send(log, 10, guard) is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    log.refuse_verification(7, 0, 0, late)
    assert send(log, 10, guard) is ErrorCode.NONE


def test_who_was_refused_for_good_leaves_nothing(log: PartitionLog) -> None:
    guard = log.begin_verification(7, 0, 0)
    assert guard is not None
    log.refuse_verification(7, 0, 0, guard)
    assert send(log, 0, guard) is ErrorCode.INVALID_TXN_STATE
    again = log.begin_verification(7, 1, 3)
    assert again not in (None, guard)
    log.refuse_verification(7, 0, 3, guard)
    log.refuse_verification(7, 0, 3, again)  # type: ignore[arg-type]
    assert send(log, 3, again, epoch=1) is ErrorCode.NONE, "what was refused was another batch"


def test_a_newer_epoch_does_not_join_a_hanging_transaction(log: PartitionLog) -> None:
    send(log, 0, log.begin_verification(7, 0, 0))
    assert log.begin_verification(7, 0, 1) is None
    guard = log.begin_verification(7, 1, 0)
    assert send(log, 0, epoch=1) is ErrorCode.INVALID_TXN_STATE
    assert send(log, 0, guard, epoch=1) is ErrorCode.NONE


def test_what_nobody_came_back_for_is_forgotten(world: LogWorld, log: PartitionLog) -> None:
    guard = log.begin_verification(7, 0, 0)
    world.clock.now_ms += 1000
    log.remove_expired_producers()
    assert send(log, 0, guard) is ErrorCode.INVALID_TXN_STATE


def test_it_may_be_switched_off(log: PartitionLog) -> None:
    log.producers.config = ProducerConfig(verifies_transactions=False)
    assert log.begin_verification(7, 0, 0) is None
    assert send(log, 0) is ErrorCode.NONE


def test_a_follower_takes_what_its_leader_took(log: PartitionLog) -> None:
    log.append_as_follower(make_batch(producer=(7, 0, 0), transactional=True, leader_epoch=0))
    assert log.last_stable_offset == 0
    assert send(log, 1) is ErrorCode.NONE
