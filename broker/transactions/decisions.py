"""What may happen to a transaction now: a request comes in, a transition or an error goes out.

Nothing is changed here (but for the epoch of who is fenced), nothing is written. Every rule is
Kafka's, in Kafka's order, for the order decides which of two errors a client is told.

    who asks               must be              else
    AddPartitionsToTxn,    this producer id     INVALID_PRODUCER_ID_MAPPING
    EndTxn, verification   at this epoch        PRODUCER_FENCED
                           with nothing pending CONCURRENT_TRANSACTIONS
    InitProducerId         see `initialize`

Source: prepareInitProducerIdTransit, handleAddPartitionsToTransaction, endTransaction and
handleVerifyPartitionsInTransaction of Kafka's TransactionCoordinator, and the prepare methods of
its TransactionMetadata.
"""

from collections.abc import Collection

import attrs

from broker.transactions.transaction import (
    FENCING_EPOCH,
    NO_TIMESTAMP,
    Transaction,
    Transition,
    is_exhausted,
)
from broker.transactions.transaction_states import (
    COMPLETE_ABORT,
    COMPLETE_COMMIT,
    DEAD,
    EMPTY,
    IDLE,
    ONGOING,
    PREPARE_ABORT,
    PREPARE_COMMIT,
    PREPARED,
)
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.record_batch import NO_PRODUCER_EPOCH
from coordination.values import TopicPartition


@attrs.frozen
class Producer:
    """Who says that it is the producer."""

    producer_id: int
    producer_epoch: int


# InitProducerId


def needs_new_id(transaction: Transaction, expected: Producer | None) -> bool:
    """Whether `initialize` will want a `new_id`: the epochs of the old one are used up."""
    return (
        transaction.state in IDLE
        and transaction.is_epoch_exhausted
        and (expected is None or expected.producer_epoch == transaction.producer_epoch)
    )


def initialize(
    transaction: Transaction,
    timeout_ms: int,
    expected: Producer | None,
    now_ms: int,
    new_id: int | None,
) -> Transition | None:
    """A producer begins, or (`expected`: what it had) goes on after an error (KIP-360).

    To Empty, with the next epoch. None while a transaction is open: that must be aborted first
    (`fence`), and then the producer comes back, which bumps the epoch once more.
    """
    if transaction.pending is not None:
        raise KafkaError(ErrorCode.CONCURRENT_TRANSACTIONS)
    if expected is not None and not _is_known(transaction, expected):
        raise KafkaError(ErrorCode.PRODUCER_FENCED)
    if transaction.state in PREPARED:
        raise KafkaError(ErrorCode.CONCURRENT_TRANSACTIONS)
    if transaction.state is ONGOING:
        return None
    if needs_new_id(transaction, expected):
        assert new_id is not None
        producer_id, epoch = new_id, 0
        last_epoch = NO_PRODUCER_EPOCH if expected is None else transaction.producer_epoch
    else:
        producer_id = transaction.producer_id
        epoch, last_epoch = _next_epoch(transaction, expected)
    return transaction.transition(
        EMPTY,
        producer_id=producer_id,
        producer_epoch=epoch,
        last_producer_epoch=last_epoch,
        timeout_ms=timeout_ms,
        partitions=frozenset(),
        start_ms=NO_TIMESTAMP,
        last_update_ms=now_ms,
    )


def _is_known(transaction: Transaction, expected: Producer) -> bool:
    """Whether it may be this producer, or the id before, if its epochs were used up then."""
    return (
        transaction.producer_epoch == NO_PRODUCER_EPOCH
        or expected.producer_id == transaction.producer_id
        or (
            expected.producer_id == transaction.last_producer_id
            and is_exhausted(expected.producer_epoch)
        )
    )


def _next_epoch(transaction: Transaction, expected: Producer | None) -> tuple[int, int]:
    """The epoch to give out, and the last one, by which the same request is known again."""
    current = transaction.producer_epoch
    if expected is None:
        return current + 1, NO_PRODUCER_EPOCH
    if current == NO_PRODUCER_EPOCH or (
        expected.producer_epoch == current and not transaction.is_epoch_exhausted
    ):
        return current + 1, current
    if expected.producer_epoch == transaction.last_producer_epoch:
        return current, transaction.last_producer_epoch  # it did not hear of that the first time
    # Kafka answers UNKNOWN_SERVER_ERROR if the epochs are used up as well: it raises on the way.
    raise KafkaError(ErrorCode.PRODUCER_FENCED)


# AddPartitionsToTxn, AddOffsetsToTxn


def add_partitions(
    transaction: Transaction,
    producer: Producer,
    partitions: Collection[TopicPartition],
    now_ms: int,
) -> Transition | None:
    """To Ongoing, with these partitions besides; None if it has them.

    Nobody was given the epoch that fences the last one, and what began with it could not be fenced:
    Kafka lets it begin, and raises an IllegalStateException when it is to be aborted.
    """
    _check_producer(transaction, producer)
    if producer.producer_epoch == FENCING_EPOCH:
        raise KafkaError(ErrorCode.PRODUCER_FENCED)
    if transaction.pending is not None or transaction.state in PREPARED:
        raise KafkaError(ErrorCode.CONCURRENT_TRANSACTIONS)
    if transaction.state is ONGOING and transaction.partitions.issuperset(partitions):
        return None
    return transaction.transition(
        ONGOING,
        partitions=frozenset(transaction.partitions.union(partitions)),
        start_ms=transaction.start_ms if transaction.state is ONGOING else now_ms,
        last_update_ms=now_ms,
    )


def verify(
    transaction: Transaction, producer: Producer, partitions: Collection[TopicPartition]
) -> dict[TopicPartition, ErrorCode]:
    """Which of the partitions are in the transaction (KIP-890); an error for each."""
    _check_producer(transaction, producer)
    if transaction.state in PREPARED:
        raise KafkaError(ErrorCode.CONCURRENT_TRANSACTIONS)
    return {
        partition: ErrorCode.NONE
        if partition in transaction.partitions
        else ErrorCode.TRANSACTION_ABORTABLE
        for partition in partitions
    }


# Ending


def end(
    transaction: Transaction, producer: Producer, now_ms: int, *, commit: bool
) -> Transition | None:
    """To PrepareCommit or PrepareAbort; None if it has ended so already."""
    _check_producer(transaction, producer)
    if transaction.pending is not None:
        raise KafkaError(ErrorCode.CONCURRENT_TRANSACTIONS)
    prepare = PREPARE_COMMIT if commit else PREPARE_ABORT
    complete = COMPLETE_COMMIT if commit else COMPLETE_ABORT
    if transaction.state is ONGOING:
        return transaction.transition(prepare, last_update_ms=now_ms)
    if transaction.state is complete:
        return None
    if transaction.state is prepare:
        raise KafkaError(ErrorCode.CONCURRENT_TRANSACTIONS)
    raise KafkaError(ErrorCode.INVALID_TXN_STATE)


def fence(transaction: Transaction, now_ms: int) -> Transition:
    """To PrepareAbort, over the head of its producer, which is fenced from this moment on.

    One that a Kafka let begin with the largest epoch ends with it.
    """
    if not transaction.has_failed_fence:
        transaction.producer_epoch = min(transaction.producer_epoch + 1, FENCING_EPOCH)
    transaction.last_producer_epoch = NO_PRODUCER_EPOCH
    return transaction.transition(PREPARE_ABORT, last_update_ms=now_ms)


def finish(transaction: Transaction, now_ms: int) -> Transition:
    """To CompleteCommit or CompleteAbort, for when every partition has its marker."""
    is_commit = transaction.state is PREPARE_COMMIT
    return transaction.transition(
        COMPLETE_COMMIT if is_commit else COMPLETE_ABORT,
        partitions=frozenset(),
        last_update_ms=now_ms,
    )


def is_timed_out(transaction: Transaction, now_ms: int) -> bool:
    """Whether it is open for longer than its producer said it would be."""
    return (
        transaction.state is ONGOING
        and transaction.pending is None
        and transaction.start_ms + transaction.timeout_ms < now_ms
    )


def is_expired(transaction: Transaction, now_ms: int, expiration_ms: int) -> bool:
    """Whether nobody came for so long that the id may be forgotten."""
    return (
        transaction.state in IDLE
        and transaction.pending is None
        and transaction.last_update_ms <= now_ms - expiration_ms
    )


def expire(transaction: Transaction) -> Transition:
    """To Dead: its tombstone is to be written."""
    return transaction.transition(DEAD, partitions=frozenset())


def _check_producer(transaction: Transaction, producer: Producer) -> None:
    if transaction.producer_id != producer.producer_id:
        raise KafkaError(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
    if transaction.producer_epoch != producer.producer_epoch:
        raise KafkaError(ErrorCode.PRODUCER_FENCED)
