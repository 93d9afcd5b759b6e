"""The states of a partition, as the controller sees it, and the legal transitions.

    it happens that                                  from                         to
    -----------------------------------------------  ---------------------------  ------------
    its topic's znode names it                       NON_EXISTENT                 NEW
    first leader and ISR: all live replicas          NEW                          ONLINE
    a leader is elected (offline, preferred, ...)    ONLINE, OFFLINE              ONLINE
    its leader died, or its topic is to be deleted   NEW, ONLINE, OFFLINE         OFFLINE
    its topic is being deleted                       OFFLINE                      NON_EXISTENT

NEW has assigned replicas, but no leader and no `state` znode yet. OFFLINE has had a leader. Source:
kafka.controller.PartitionStateMachine. Kafka logs an illegal transition and goes on; here it is a
bug and raises, and the stories ask first where Kafka relied on being refused.
"""

from enum import Enum

__all__ = ["IllegalTransition", "PartitionState", "check_partition_transition"]


class IllegalTransition(Exception):
    """The controller tried to move a partition or replica where it must not go."""


class PartitionState(Enum):
    NON_EXISTENT = "NonExistentPartition"
    NEW = "NewPartition"
    ONLINE = "OnlinePartition"
    OFFLINE = "OfflinePartition"


LEGAL_PREVIOUS: dict[PartitionState, frozenset[PartitionState]] = {
    PartitionState.NEW: frozenset({PartitionState.NON_EXISTENT}),
    PartitionState.ONLINE: frozenset(
        {PartitionState.NEW, PartitionState.ONLINE, PartitionState.OFFLINE}
    ),
    PartitionState.OFFLINE: frozenset(
        {PartitionState.NEW, PartitionState.ONLINE, PartitionState.OFFLINE}
    ),
    PartitionState.NON_EXISTENT: frozenset({PartitionState.OFFLINE}),
}


def check_partition_transition(
    partition: object, current: PartitionState, target: PartitionState
) -> None:
    """Raise IllegalTransition unless `current` -> `target` is in the table."""
    if current not in LEGAL_PREVIOUS[target]:
        raise IllegalTransition(
            f"partition {partition} cannot go from {current.value} to {target.value}"
        )
