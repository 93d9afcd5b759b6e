"""The five states of a consumer group, and the only ways between them.

       ┌──────── all members left ─────────┐
       ▼                                   │          all have joined, or time is up
     Empty ──── a member joins ────▶ PreparingRebalance ──────────▶ CompletingRebalance
                                       ▲          ▲                    │            │
                     a member joins,   │          └─ the same ─────────┘            │
                     leaves or fails   │                           the leader's assignment
                                       └───────── Stable ◀────────── is stored ─────┘

    (any) ── unloaded with its partition, deleted, or nothing left of it ──▶ Dead

what a member is told, by state:

                          JoinGroup     SyncGroup              Heartbeat              OffsetCommit
    Empty                 starts        UNKNOWN_MEMBER_ID      UNKNOWN_MEMBER_ID      (no member)
                          a round
    PreparingRebalance    waits         REBALANCE_IN_PROGRESS  REBALANCE_IN_PROGRESS  stored
    CompletingRebalance   what is new,  waits for the leader   NONE                   REBALANCE_
                          or a round                                                  IN_PROGRESS
    Stable                the same      its part               NONE                   stored

Source: Kafka's `GroupState` in GroupMetadata.scala; KIP-62 for the two halves of a rebalance.
"""

from enum import Enum
from typing import Final


class GroupState(Enum):
    """The value is the name that ListGroups and DescribeGroups show."""

    EMPTY = "Empty"
    PREPARING_REBALANCE = "PreparingRebalance"
    COMPLETING_REBALANCE = "CompletingRebalance"
    STABLE = "Stable"
    DEAD = "Dead"


EMPTY: Final = GroupState.EMPTY
PREPARING_REBALANCE: Final = GroupState.PREPARING_REBALANCE
COMPLETING_REBALANCE: Final = GroupState.COMPLETING_REBALANCE
STABLE: Final = GroupState.STABLE
DEAD: Final = GroupState.DEAD

TRANSITIONS: Final[dict[GroupState, frozenset[GroupState]]] = {
    EMPTY: frozenset({PREPARING_REBALANCE, DEAD}),
    PREPARING_REBALANCE: frozenset({COMPLETING_REBALANCE, EMPTY, DEAD}),
    COMPLETING_REBALANCE: frozenset({STABLE, PREPARING_REBALANCE, DEAD}),
    STABLE: frozenset({PREPARING_REBALANCE, DEAD}),
    DEAD: frozenset(),
}


class IllegalTransition(Exception):  # named for what happened
    """A group was to move where `TRANSITIONS` has no way: a defect of ours."""


def check_transition(group_id: str, current: GroupState, target: GroupState) -> None:
    """Raise IllegalTransition unless a group may go from `current` to `target`."""
    if target not in TRANSITIONS[current]:
        raise IllegalTransition(f"group {group_id}: from {current.value} to {target.value}")
