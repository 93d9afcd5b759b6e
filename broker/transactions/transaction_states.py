"""The states of a transactional id, and the only ways between them.

                 ┌─────────── InitProducerId ───────────┐
                 ▼                                      │
    ┌───────── Empty ────┐                              │
    │ (again: a bumped   │ AddPartitionsToTxn,          │
    └────── epoch) ──────┤ AddOffsetsToTxn              │
                         ▼                              │
    ┌──────────────── Ongoing ◀──── the same ───────────┤
    │ (more partitions)  │  │                           │
    └────────────────────┘  │ EndTxn; its timeout; InitProducerId of a newer producer
                   ┌────────┴────────┐                  │
                   ▼                 ▼                  │
             PrepareCommit      PrepareAbort            │   from here on the outcome is decided
                   │                 │                  │
                   │ every partition has its marker     │
                   ▼                 ▼                  │
            CompleteCommit     CompleteAbort ───────────┘

    Empty, CompleteCommit, CompleteAbort ── nobody came for transactional.id.expiration.ms ──▶ Dead

What is in the log is one of Empty to CompleteAbort. Dead is one whose tombstone is on its way.
PrepareEpochFence is Kafka's name for the moment between bumping the epoch and PrepareAbort, which
takes no time here; it is known by name and number, and nobody is ever seen in it.

Source: Kafka's `TransactionState` in TransactionMetadata.scala.
"""

from enum import Enum
from typing import Final


class TransactionState(Enum):
    """The value is the name that ListTransactions and DescribeTransactions show."""

    EMPTY = "Empty"
    ONGOING = "Ongoing"
    PREPARE_COMMIT = "PrepareCommit"
    PREPARE_ABORT = "PrepareAbort"
    COMPLETE_COMMIT = "CompleteCommit"
    COMPLETE_ABORT = "CompleteAbort"
    DEAD = "Dead"
    PREPARE_EPOCH_FENCE = "PrepareEpochFence"


EMPTY: Final = TransactionState.EMPTY
ONGOING: Final = TransactionState.ONGOING
PREPARE_COMMIT: Final = TransactionState.PREPARE_COMMIT
PREPARE_ABORT: Final = TransactionState.PREPARE_ABORT
COMPLETE_COMMIT: Final = TransactionState.COMPLETE_COMMIT
COMPLETE_ABORT: Final = TransactionState.COMPLETE_ABORT
DEAD: Final = TransactionState.DEAD
PREPARE_EPOCH_FENCE: Final = TransactionState.PREPARE_EPOCH_FENCE

# The numbers that stand for them in the records of `__transaction_state`.
STATE_NUMBERS: Final[dict[TransactionState, int]] = {
    state: number for number, state in enumerate(TransactionState)
}
STATES_BY_NUMBER: Final = {number: state for state, number in STATE_NUMBERS.items()}

# What a record may say.
LOGGED: Final = frozenset(
    {EMPTY, ONGOING, PREPARE_COMMIT, PREPARE_ABORT, COMPLETE_COMMIT, COMPLETE_ABORT}
)
# The outcome is decided, and not all partitions have its marker.
PREPARED: Final = frozenset({PREPARE_COMMIT, PREPARE_ABORT})
# No transaction is open: a new one may begin, or the id may expire.
IDLE: Final = frozenset({EMPTY, COMPLETE_COMMIT, COMPLETE_ABORT})

TRANSITIONS: Final[dict[TransactionState, frozenset[TransactionState]]] = {
    EMPTY: frozenset({EMPTY, ONGOING, DEAD}),
    ONGOING: frozenset({ONGOING, PREPARE_COMMIT, PREPARE_ABORT, PREPARE_EPOCH_FENCE}),
    PREPARE_COMMIT: frozenset({COMPLETE_COMMIT}),
    PREPARE_ABORT: frozenset({COMPLETE_ABORT}),
    COMPLETE_COMMIT: frozenset({EMPTY, ONGOING, DEAD}),
    COMPLETE_ABORT: frozenset({EMPTY, ONGOING, DEAD}),
    DEAD: frozenset(),
    PREPARE_EPOCH_FENCE: frozenset({PREPARE_ABORT}),
}


class IllegalTransition(Exception):  # named for what happened
    """A transaction was to move where `TRANSITIONS` has no way: a defect of ours."""


def check_transition(
    transactional_id: str, current: TransactionState, target: TransactionState
) -> None:
    """Raise IllegalTransition unless a transaction may go from `current` to `target`."""
    if target not in TRANSITIONS[current]:
        raise IllegalTransition(
            f"transactional id {transactional_id}: from {current.value} to {target.value}"
        )
