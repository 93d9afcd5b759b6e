"""What may happen to a transaction in each state; the rules are those of Kafka's coordinator."""

import attrs
import pytest

from broker.transactions.decisions import (
    Producer,
    add_partitions,
    end,
    expire,
    fence,
    finish,
    initialize,
    is_expired,
    is_timed_out,
    needs_new_id,
    verify,
)
from broker.transactions.transaction import FENCING_EPOCH, LAST_PRODUCER_EPOCH, Transaction
from broker.transactions.transaction_records import transaction_record
from broker.transactions.transaction_states import (
    COMPLETE_ABORT,
    COMPLETE_COMMIT,
    EMPTY,
    ONGOING,
    PREPARE_ABORT,
    PREPARE_COMMIT,
    TransactionState,
)
from broker.wire.errors import ErrorCode, KafkaError
from tests.broker.transactions.support import T0, T1, U0

NOW = 10_000
P = Producer(7, 3)
LEGAL = (EMPTY, ONGOING, PREPARE_COMMIT, PREPARE_ABORT, COMPLETE_COMMIT, COMPLETE_ABORT)


def one(state: TransactionState = EMPTY, **changes: object) -> Transaction:
    transaction = Transaction(
        "x",
        producer_id=7,
        producer_epoch=3,
        last_producer_epoch=2,
        last_producer_id=6,
        timeout_ms=1_000,
        last_update_ms=5_000,
        start_ms=-1 if state is EMPTY else 5_000,
        state=state,
        partitions={T0} if state in (ONGOING, PREPARE_COMMIT, PREPARE_ABORT) else set(),
    )
    return attrs.evolve(transaction, **changes)


def code(decide: object) -> ErrorCode:
    with pytest.raises(KafkaError) as refused:
        decide()  # type: ignore[operator]
    return refused.value.code


# InitProducerId


def test_a_new_id_gets_epoch_0() -> None:
    new = Transaction("x", producer_id=7, timeout_ms=1, last_update_ms=1)
    transition = initialize(new, 60_000, None, NOW, None)
    assert transition is not None
    assert (transition.state, transition.producer_id, transition.producer_epoch) == (EMPTY, 7, 0)
    assert (transition.timeout_ms, transition.start_ms, transition.last_update_ms) == (
        60_000,
        -1,
        NOW,
    )


@pytest.mark.parametrize("state", [EMPTY, COMPLETE_COMMIT, COMPLETE_ABORT])
def test_a_newer_producer_bumps_the_epoch(state: TransactionState) -> None:
    transition = initialize(one(state), 1, None, NOW, None)
    assert transition is not None
    assert (transition.producer_epoch, transition.last_producer_epoch) == (4, -1)
    assert transition.partitions == frozenset()


@pytest.mark.parametrize("state", [PREPARE_COMMIT, PREPARE_ABORT])
def test_nobody_begins_while_one_is_being_ended(state: TransactionState) -> None:
    assert code(lambda: initialize(one(state), 1, None, NOW, None)) is (
        ErrorCode.CONCURRENT_TRANSACTIONS
    )


def test_nobody_begins_while_one_is_open_but_it_may_be_aborted() -> None:
    assert initialize(one(ONGOING), 1, None, NOW, None) is None


def test_going_on_after_an_error() -> None:
    transition = initialize(one(), 1, P, NOW, None)
    assert transition is not None
    assert (transition.producer_epoch, transition.last_producer_epoch) == (4, 3)


def test_the_same_request_again_is_answered_the_same() -> None:
    transition = initialize(one(), 1, Producer(7, 2), NOW, None)
    assert transition is not None
    assert (transition.producer_epoch, transition.last_producer_epoch) == (3, 2)


@pytest.mark.parametrize("expected", [Producer(7, 1), Producer(7, 4), Producer(6, 3)])
def test_a_producer_that_is_it_no_more(expected: Producer) -> None:
    assert code(lambda: initialize(one(), 1, expected, NOW, None)) is ErrorCode.PRODUCER_FENCED


def test_one_that_the_coordinator_has_forgotten_may_go_on() -> None:
    new = Transaction("x", producer_id=7, timeout_ms=1, last_update_ms=1)
    transition = initialize(new, 1, Producer(5, 9), NOW, None)
    assert transition is not None
    assert (transition.producer_id, transition.producer_epoch) == (7, 0)


def test_epochs_that_are_used_up_need_a_new_id() -> None:
    last = one(producer_epoch=LAST_PRODUCER_EPOCH)
    assert needs_new_id(last, None)
    transition = initialize(last, 1, None, NOW, 99)
    assert transition is not None
    assert (transition.producer_id, transition.producer_epoch) == (99, 0)
    assert transition.last_producer_epoch == -1


def test_going_on_when_epochs_are_used_up_and_hearing_of_it_late() -> None:
    last = one(producer_epoch=LAST_PRODUCER_EPOCH)
    before = Producer(7, LAST_PRODUCER_EPOCH)
    assert needs_new_id(last, before)
    transition = initialize(last, 1, before, NOW, 99)
    assert transition is not None
    last.begin(transition)
    last.complete()
    assert (last.producer_id, last.last_producer_id) == (99, 7)
    # It did not hear of that, and asks again: the same once more.
    assert not needs_new_id(last, before)
    again = initialize(last, 1, before, NOW, None)
    assert again is not None
    assert (again.producer_id, again.producer_epoch) == (99, 0)


def test_used_up_epochs_and_an_old_producer() -> None:
    last = one(producer_epoch=LAST_PRODUCER_EPOCH)
    assert not needs_new_id(last, Producer(7, 1))
    assert code(lambda: initialize(last, 1, Producer(7, 1), NOW, None)) is (
        ErrorCode.PRODUCER_FENCED
    )


# AddPartitionsToTxn


@pytest.mark.parametrize("state", [EMPTY, COMPLETE_COMMIT, COMPLETE_ABORT])
def test_the_first_partition_opens_it(state: TransactionState) -> None:
    transition = add_partitions(one(state), P, [T0, U0], NOW)
    assert transition is not None
    assert (transition.state, transition.partitions) == (ONGOING, frozenset({T0, U0}))
    assert (transition.start_ms, transition.last_update_ms) == (NOW, NOW)


def test_more_partitions_of_an_open_one() -> None:
    transition = add_partitions(one(ONGOING), P, [T1], NOW)
    assert transition is not None
    assert transition.partitions == frozenset({T0, T1})
    assert (transition.start_ms, transition.last_update_ms) == (5_000, NOW)
    assert add_partitions(one(ONGOING), P, [T0], NOW) is None


@pytest.mark.parametrize("state", [PREPARE_COMMIT, PREPARE_ABORT])
def test_none_is_added_while_it_is_being_ended(state: TransactionState) -> None:
    for partition in (T0, T1):
        asked = [partition]
        assert code(lambda asked=asked: add_partitions(one(state), P, asked, NOW)) is (  # type: ignore[misc]
            ErrorCode.CONCURRENT_TRANSACTIONS
        )


# who it is, for all but InitProducerId


@pytest.mark.parametrize(
    ("producer", "error"),
    [
        (Producer(8, 3), ErrorCode.INVALID_PRODUCER_ID_MAPPING),
        (Producer(7, 2), ErrorCode.PRODUCER_FENCED),
        (Producer(7, 4), ErrorCode.PRODUCER_FENCED),
    ],
)
@pytest.mark.parametrize("state", LEGAL)
def test_only_its_producer_may(
    producer: Producer, error: ErrorCode, state: TransactionState
) -> None:
    assert code(lambda: add_partitions(one(state), producer, [T0], NOW)) is error
    assert code(lambda: verify(one(state), producer, [T0])) is error
    assert code(lambda: end(one(state), producer, NOW, commit=True)) is error


@pytest.mark.parametrize("state", LEGAL)
def test_one_transition_at_a_time(state: TransactionState) -> None:
    transaction = one(state)
    transaction.pending = one(EMPTY).transition(ONGOING)
    concurrent = ErrorCode.CONCURRENT_TRANSACTIONS
    assert code(lambda: initialize(transaction, 1, None, NOW, None)) is concurrent
    assert code(lambda: add_partitions(transaction, P, [T0], NOW)) is concurrent
    assert code(lambda: end(transaction, P, NOW, commit=True)) is concurrent


# Verification


def test_what_is_in_the_transaction() -> None:
    assert verify(one(ONGOING), P, [T0, T1]) == {
        T0: ErrorCode.NONE,
        T1: ErrorCode.TRANSACTION_ABORTABLE,
    }
    assert verify(one(COMPLETE_COMMIT), P, [T0]) == {T0: ErrorCode.TRANSACTION_ABORTABLE}


def test_what_is_pending_is_not_looked_at() -> None:
    transaction = one(ONGOING)
    transaction.begin(transaction.transition(PREPARE_COMMIT))
    assert verify(transaction, P, [T0]) == {T0: ErrorCode.NONE}


@pytest.mark.parametrize("state", [PREPARE_COMMIT, PREPARE_ABORT])
def test_nothing_is_in_one_that_is_being_ended(state: TransactionState) -> None:
    assert code(lambda: verify(one(state), P, [T0])) is ErrorCode.CONCURRENT_TRANSACTIONS


# EndTxn

INVALID = ErrorCode.INVALID_TXN_STATE
CONCURRENT = ErrorCode.CONCURRENT_TRANSACTIONS


@pytest.mark.parametrize(
    ("state", "commit", "outcome"),
    [
        (EMPTY, True, INVALID),
        (EMPTY, False, INVALID),
        (ONGOING, True, PREPARE_COMMIT),
        (ONGOING, False, PREPARE_ABORT),
        (PREPARE_COMMIT, True, CONCURRENT),
        (PREPARE_COMMIT, False, INVALID),
        (PREPARE_ABORT, True, INVALID),
        (PREPARE_ABORT, False, CONCURRENT),
        (COMPLETE_COMMIT, True, None),
        (COMPLETE_COMMIT, False, INVALID),
        (COMPLETE_ABORT, True, INVALID),
        (COMPLETE_ABORT, False, None),
    ],
)
def test_ending(state: TransactionState, commit: bool, outcome: object) -> None:
    transaction = one(state)
    if isinstance(outcome, ErrorCode):
        assert code(lambda: end(transaction, P, NOW, commit=commit)) is outcome
        return
    transition = end(transaction, P, NOW, commit=commit)
    assert (None if transition is None else transition.state) is outcome
    if transition is not None:
        assert (transition.partitions, transition.start_ms) == (frozenset({T0}), 5_000)


@pytest.mark.parametrize(
    ("prepared", "complete"),
    [(PREPARE_COMMIT, COMPLETE_COMMIT), (PREPARE_ABORT, COMPLETE_ABORT)],
)
def test_finishing(prepared: TransactionState, complete: TransactionState) -> None:
    transition = finish(one(prepared), NOW)
    assert (transition.state, transition.partitions) == (complete, frozenset())
    assert (transition.start_ms, transition.last_update_ms) == (5_000, NOW)


def test_a_fenced_producer_is_fenced_at_once() -> None:
    transaction = one(ONGOING)
    transition = fence(transaction, NOW)
    assert (transition.state, transition.producer_epoch) == (PREPARE_ABORT, 4)
    assert (transaction.state, transaction.producer_epoch) == (ONGOING, 4)
    assert code(lambda: end(transaction, P, NOW, commit=True)) is ErrorCode.PRODUCER_FENCED


def test_a_fence_that_failed_is_not_raised_again() -> None:
    transaction = one(ONGOING, has_failed_fence=True)
    assert fence(transaction, NOW).producer_epoch == 3


def test_there_is_always_an_epoch_left_to_fence_with() -> None:
    transaction = one(ONGOING, producer_epoch=LAST_PRODUCER_EPOCH)
    assert fence(transaction, NOW).producer_epoch == FENCING_EPOCH == (1 << 15) - 1


def test_nobody_begins_with_the_epoch_that_fences_the_last_one() -> None:
    """It could not be fenced, and so not be aborted when its time is over."""
    ended = one(COMPLETE_ABORT, producer_epoch=FENCING_EPOCH)
    begin = lambda: add_partitions(ended, Producer(7, FENCING_EPOCH), {T1}, NOW)  # noqa: E731
    assert code(begin) is ErrorCode.PRODUCER_FENCED


def test_what_a_kafka_let_begin_with_that_epoch_ends_all_the_same() -> None:
    transaction = one(ONGOING, producer_epoch=FENCING_EPOCH)
    transition = fence(transaction, NOW)
    assert (transition.state, transition.producer_epoch) == (PREPARE_ABORT, FENCING_EPOCH)
    assert transaction_record("x", transition, NOW).value


# Time


def test_timed_out() -> None:
    assert not is_timed_out(one(ONGOING), 6_000)
    assert is_timed_out(one(ONGOING), 6_001)
    assert not any(is_timed_out(one(state), NOW) for state in LEGAL if state is not ONGOING)
    pending = one(ONGOING)
    pending.begin(pending.transition(ONGOING))
    assert not is_timed_out(pending, 6_001)


def test_expired() -> None:
    for state in LEGAL:
        idle = state in (EMPTY, COMPLETE_COMMIT, COMPLETE_ABORT)
        assert is_expired(one(state), 6_000, 1_000) is idle
        assert not is_expired(one(state), 5_999, 1_000)
    assert expire(one()).state.value == "Dead"


@pytest.mark.parametrize("state", [EMPTY, ONGOING])
def test_nothing_is_begun_or_ended_without_an_epoch(state: TransactionState) -> None:
    """Its markers would be refused by every leader, for good."""
    without = one(state, producer_epoch=-1)
    assert code(lambda: add_partitions(without, Producer(7, -1), {T1}, NOW)) is (
        ErrorCode.UNKNOWN_SERVER_ERROR
    )


def test_an_id_without_an_epoch_may_be_forgotten() -> None:
    assert expire(one(producer_epoch=-1)).producer_epoch == -1
