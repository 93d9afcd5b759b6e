"""The table of a transactional id's states."""

import itertools

import pytest

from broker.transactions.transaction_states import (
    COMPLETE_ABORT,
    COMPLETE_COMMIT,
    DEAD,
    EMPTY,
    ONGOING,
    PREPARE_ABORT,
    PREPARE_COMMIT,
    PREPARE_EPOCH_FENCE,
    STATE_NUMBERS,
    TRANSITIONS,
    IllegalTransition,
    TransactionState,
    check_transition,
)

# `validPreviousStates` of Kafka 3.9's states.
KAFKAS = {
    EMPTY: {EMPTY, COMPLETE_COMMIT, COMPLETE_ABORT},
    ONGOING: {ONGOING, EMPTY, COMPLETE_COMMIT, COMPLETE_ABORT},
    PREPARE_COMMIT: {ONGOING},
    PREPARE_ABORT: {ONGOING, PREPARE_EPOCH_FENCE},
    COMPLETE_COMMIT: {PREPARE_COMMIT},
    COMPLETE_ABORT: {PREPARE_ABORT},
    DEAD: {EMPTY, COMPLETE_ABORT, COMPLETE_COMMIT},
    PREPARE_EPOCH_FENCE: {ONGOING},
}


@pytest.mark.parametrize(
    ("current", "target"), list(itertools.product(TransactionState, TransactionState))
)
def test_the_table_is_kafkas(current: TransactionState, target: TransactionState) -> None:
    assert (target in TRANSITIONS[current]) == (current in KAFKAS[target])


def test_the_numbers_are_kafkas() -> None:
    assert [STATE_NUMBERS[state] for state in KAFKAS] == list(range(8))


def test_an_illegal_transition_raises() -> None:
    with pytest.raises(IllegalTransition, match="transactional id x: from Empty to PrepareCommit"):
        check_transition("x", EMPTY, PREPARE_COMMIT)
