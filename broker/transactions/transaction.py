"""What a coordinator knows of one transactional id: who produces under it, and his transaction.

A transaction never changes by itself: a `Transition` says all that it is to become, goes into the
log, and when it is replicated the transaction *becomes* that. Until then it is *pending*, and
whoever wants another transition is told to come back (CONCURRENT_TRANSACTIONS). So what is in
memory is never ahead of what the next coordinator will read. It may be behind: what was not
replicated in time is abandoned, but its record is in the log, and may be replicated yet. A producer
that was told to come back may then find its transaction prepared at the next coordinator.

    decided ──▶ begin: pending ──▶ record appended ──▶ replicated ──▶ complete
                       │                                   │
                       └───────────── abandon ◀── not ─────┘

There are two exceptions, both Kafka's. A producer is fenced at once: its epoch is bumped in memory
before the record is written, and stays bumped if that fails (`has_failed_fence`: then it is not
bumped again). And while markers are being written, `partitions` shrinks to those without one.

Pure: no clock, no I/O. Source: Kafka's TransactionMetadata and TxnTransitMetadata; KIP-98, KIP-360.
"""

from typing import Any, Final

import attrs

from broker.transactions.transaction_states import (
    DEAD,
    EMPTY,
    TransactionState,
    check_transition,
)
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.record_batch import NO_PRODUCER_EPOCH, NO_PRODUCER_ID
from coordination.values import TopicPartition

NO_TIMESTAMP: Final = -1

# The largest 16-bit number is for the coordinator, to fence who has the one before.
FENCING_EPOCH: Final = (1 << 15) - 1
LAST_PRODUCER_EPOCH: Final = FENCING_EPOCH - 1


def is_exhausted(producer_epoch: int) -> bool:
    """No producer may be given a larger epoch: there must be a new producer id."""
    return producer_epoch >= LAST_PRODUCER_EPOCH


@attrs.frozen
class Transition:
    """All that a transaction is to become; what its record says."""

    state: TransactionState
    producer_id: int
    producer_epoch: int
    last_producer_epoch: int
    timeout_ms: int
    partitions: frozenset[TopicPartition]
    start_ms: int
    last_update_ms: int


@attrs.define(eq=False)
class Transaction:
    """One transactional id. Timestamps are ms of wall-clock time.

    last_producer_id, last_producer_epoch: what the same producer had before, by which a repeated
    InitProducerId is known again (KIP-360). They are not in the log.
    """

    transactional_id: str
    producer_id: int
    timeout_ms: int
    last_update_ms: int
    producer_epoch: int = NO_PRODUCER_EPOCH
    last_producer_id: int = NO_PRODUCER_ID
    last_producer_epoch: int = NO_PRODUCER_EPOCH
    state: TransactionState = EMPTY
    partitions: set[TopicPartition] = attrs.field(factory=set)
    start_ms: int = NO_TIMESTAMP
    pending: Transition | None = None
    has_failed_fence: bool = False

    @property
    def is_epoch_exhausted(self) -> bool:
        return is_exhausted(self.producer_epoch)

    def transition(self, state: TransactionState, **changes: Any) -> Transition:
        """What it is to become: as it is now, but for the state and the `changes`.

        KafkaError UNKNOWN_SERVER_ERROR without an epoch: InitProducerId has to come first. (Only an
        id whose first record was not replicated has none.)
        """
        check_transition(self.transactional_id, self.state, state)
        unchanged = Transition(
            state=state,
            producer_id=self.producer_id,
            producer_epoch=self.producer_epoch,
            last_producer_epoch=self.last_producer_epoch,
            timeout_ms=self.timeout_ms,
            partitions=frozenset(self.partitions),
            start_ms=self.start_ms,
            last_update_ms=self.last_update_ms,
        )
        transition = attrs.evolve(unchanged, **changes)
        if transition.producer_epoch < 0 and state is not DEAD:
            raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, "Illegal new producer epoch")
        return transition

    def begin(self, transition: Transition) -> None:
        """From now on until `complete` or `abandon` no other transition may begin."""
        assert self.pending is None, f"{self.transactional_id}: {self.pending} is pending"
        check_transition(self.transactional_id, self.state, transition.state)
        self.pending = transition

    def complete(self) -> None:
        """What was pending is in the log: become it."""
        transition = self.pending
        assert transition is not None, f"{self.transactional_id}: nothing is pending"
        self.pending = None
        if transition.state is EMPTY:
            self.last_producer_id = self.producer_id
        self.state = transition.state
        self.producer_id = transition.producer_id
        self.producer_epoch = transition.producer_epoch
        self.last_producer_epoch = transition.last_producer_epoch
        self.timeout_ms = transition.timeout_ms
        self.partitions = set(transition.partitions)
        self.start_ms = transition.start_ms
        self.last_update_ms = transition.last_update_ms

    def abandon(self) -> None:
        """What was pending is not in the log, or nobody knows."""
        self.pending = None
