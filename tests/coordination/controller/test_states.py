"""The two state tables: every pair of states is legal exactly where the tables' lectures say so."""

import itertools

import pytest

from coordination.controller.partition_states import (
    IllegalTransition,
    PartitionState,
    check_partition_transition,
)
from coordination.controller.replica_states import ReplicaState, check_replica_transition

P, R = PartitionState, ReplicaState

LEGAL_PARTITION_MOVES = {
    (P.NON_EXISTENT, P.NEW),
    (P.NEW, P.ONLINE),
    (P.NEW, P.OFFLINE),
    (P.ONLINE, P.ONLINE),
    (P.ONLINE, P.OFFLINE),
    (P.OFFLINE, P.ONLINE),
    (P.OFFLINE, P.OFFLINE),
    (P.OFFLINE, P.NON_EXISTENT),
}

LEGAL_REPLICA_MOVES = {
    (R.NON_EXISTENT, R.NEW),
    (R.NEW, R.ONLINE),
    (R.NEW, R.OFFLINE),
    (R.ONLINE, R.ONLINE),
    (R.ONLINE, R.OFFLINE),
    (R.OFFLINE, R.ONLINE),
    (R.OFFLINE, R.OFFLINE),
    (R.OFFLINE, R.DELETION_STARTED),
    (R.OFFLINE, R.DELETION_INELIGIBLE),
    (R.DELETION_STARTED, R.DELETION_SUCCESSFUL),
    (R.DELETION_STARTED, R.DELETION_INELIGIBLE),
    (R.DELETION_INELIGIBLE, R.ONLINE),
    (R.DELETION_INELIGIBLE, R.OFFLINE),
    (R.DELETION_SUCCESSFUL, R.NON_EXISTENT),
}


@pytest.mark.parametrize(("current", "target"), list(itertools.product(P, P)))
def test_partition_moves(current: P, target: P) -> None:
    if (current, target) in LEGAL_PARTITION_MOVES:
        check_partition_transition("orders-0", current, target)
    else:
        with pytest.raises(IllegalTransition, match="orders-0"):
            check_partition_transition("orders-0", current, target)


@pytest.mark.parametrize(("current", "target"), list(itertools.product(R, R)))
def test_replica_moves(current: R, target: R) -> None:
    if (current, target) in LEGAL_REPLICA_MOVES:
        check_replica_transition("orders-0 on broker 1", current, target)
    else:
        with pytest.raises(IllegalTransition, match="orders-0 on broker 1"):
            check_replica_transition("orders-0 on broker 1", current, target)
