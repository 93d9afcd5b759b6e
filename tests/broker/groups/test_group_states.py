"""The table of a group's states."""

import itertools

import pytest

from broker.groups.group_states import (
    COMPLETING_REBALANCE,
    DEAD,
    EMPTY,
    PREPARING_REBALANCE,
    STABLE,
    TRANSITIONS,
    GroupState,
    IllegalTransition,
    check_transition,
)

# GroupState.validPreviousStates of Kafka 3.9, turned round; Dead to Dead is not needed here.
KAFKAS = {
    (STABLE, PREPARING_REBALANCE),
    (COMPLETING_REBALANCE, PREPARING_REBALANCE),
    (EMPTY, PREPARING_REBALANCE),
    (PREPARING_REBALANCE, COMPLETING_REBALANCE),
    (COMPLETING_REBALANCE, STABLE),
    (PREPARING_REBALANCE, EMPTY),
    *((state, DEAD) for state in GroupState if state is not DEAD),
}


@pytest.mark.parametrize(("current", "target"), list(itertools.product(GroupState, GroupState)))
def test_the_table_is_kafkas(current: GroupState, target: GroupState) -> None:
    assert (target in TRANSITIONS[current]) == ((current, target) in KAFKAS)


def test_an_illegal_transition_raises() -> None:
    with pytest.raises(IllegalTransition, match="group g: from Empty to Stable"):
        check_transition("g", EMPTY, STABLE)
