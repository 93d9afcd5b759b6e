"""The states of a replica (a partition on one broker) and the legal transitions.

    it happens that                                 from                         to
    ----------------------------------------------  ---------------------------  -------------------
    its partition appears, or it is reassigned      NON_EXISTENT                 NEW
    it runs: LeaderAndIsr goes to its broker        NEW, ONLINE, OFFLINE,        ONLINE
                                                    DELETION_INELIGIBLE
    its broker died or shuts down, or deletion      NEW, ONLINE, OFFLINE,        OFFLINE
    begins: it leaves the ISR, StopReplica          DELETION_INELIGIBLE
    deletion: StopReplica with delete               OFFLINE                      DELETION_STARTED
    its broker has deleted it                       DELETION_STARTED             DELETION_SUCCESSFUL
    its broker could not, or is down                OFFLINE, DELETION_STARTED    DELETION_INELIGIBLE
    nothing is left of it                           DELETION_SUCCESSFUL          NON_EXISTENT

A topic's znodes go only when all its replicas are DELETION_SUCCESSFUL. One replica that is
DELETION_INELIGIBLE holds the topic's deletion up until its broker is back.

Source: kafka.controller.ReplicaStateMachine.
"""

from enum import Enum

from coordination.controller.partition_states import IllegalTransition

__all__ = ["ReplicaState", "check_replica_transition"]


class ReplicaState(Enum):
    NON_EXISTENT = "NonExistentReplica"
    NEW = "NewReplica"
    ONLINE = "OnlineReplica"
    OFFLINE = "OfflineReplica"
    DELETION_STARTED = "ReplicaDeletionStarted"
    DELETION_SUCCESSFUL = "ReplicaDeletionSuccessful"
    DELETION_INELIGIBLE = "ReplicaDeletionIneligible"


_ALIVE_OR_WAITING = frozenset(
    {
        ReplicaState.NEW,
        ReplicaState.ONLINE,
        ReplicaState.OFFLINE,
        ReplicaState.DELETION_INELIGIBLE,
    }
)

LEGAL_PREVIOUS: dict[ReplicaState, frozenset[ReplicaState]] = {
    ReplicaState.NEW: frozenset({ReplicaState.NON_EXISTENT}),
    ReplicaState.ONLINE: _ALIVE_OR_WAITING,
    ReplicaState.OFFLINE: _ALIVE_OR_WAITING,
    ReplicaState.DELETION_STARTED: frozenset({ReplicaState.OFFLINE}),
    ReplicaState.DELETION_SUCCESSFUL: frozenset({ReplicaState.DELETION_STARTED}),
    ReplicaState.DELETION_INELIGIBLE: frozenset(
        {ReplicaState.OFFLINE, ReplicaState.DELETION_STARTED}
    ),
    ReplicaState.NON_EXISTENT: frozenset({ReplicaState.DELETION_SUCCESSFUL}),
}


def check_replica_transition(replica: object, current: ReplicaState, target: ReplicaState) -> None:
    """Raise IllegalTransition unless `current` -> `target` is in the table."""
    if current not in LEGAL_PREVIOUS[target]:
        raise IllegalTransition(
            f"replica {replica} cannot go from {current.value} to {target.value}"
        )
