"""Whether a producer may append a batch now, by what the log knows of it.

    the next sequence       append
    any other sequence      OUT_OF_ORDER_SEQUENCE_NUMBER: something in between was lost
    an older epoch          INVALID_PRODUCER_EPOCH: a zombie, its id was given on
    a newer epoch           append, if it starts at sequence 0
    of a transaction        INVALID_TXN_STATE, if its coordinator hasn't said that it goes on here
    not of the open one     INVALID_TXN_STATE
    a marker                TRANSACTION_COORDINATOR_FENCED: of a coordinator that was replaced

Each check looks at the batch and the producer's entry and raises, or does nothing. In which order
they are made, and for whom, is `ProducerState.check`'s.

Source: Kafka's `ProducerAppendInfo`; KIP-98, KIP-360, KIP-890.
"""

from broker.log.producer_entry import MAX_SEQUENCE, ProducerEntry
from broker.log.verifications import VerificationGuard, Verifications
from broker.wire.control_records import read_marker
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.record_batch import NO_PRODUCER_EPOCH, RecordBatch


def check_verified(
    batch: RecordBatch,
    entry: ProducerEntry | None,
    verifications: Verifications,
    guard: VerificationGuard | None,
) -> None:
    """A transaction goes on, or begins with the guard of its verification."""
    if not batch.is_transactional or batch.is_control:
        return
    if entry is not None and entry.is_in_transaction(batch.producer_epoch):
        return  # it was when it began
    if not verifications.allows(batch.producer_id, guard):
        raise KafkaError(
            ErrorCode.INVALID_TXN_STATE, "Record was not part of an ongoing transaction"
        )


def check_epoch(batch: RecordBatch, entry: ProducerEntry | None) -> None:
    last_epoch = NO_PRODUCER_EPOCH if entry is None else entry.epoch
    if batch.producer_epoch < last_epoch:
        raise KafkaError(
            ErrorCode.INVALID_PRODUCER_EPOCH,
            f"Epoch {batch.producer_epoch} of producer {batch.producer_id} is smaller than the "
            f"last seen epoch {last_epoch}",
        )


def check_first_held(batch: RecordBatch, verifications: Verifications) -> None:
    """Of those that wait for their verification the first comes first (KAFKA-14884)."""
    if verifications.is_behind(batch.producer_id, batch.base_sequence):
        raise KafkaError(
            ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
            f"Out of order sequence number for producer {batch.producer_id}: "
            f"{batch.base_sequence}, and a lower one waits for its transaction to be verified",
        )


def check_sequence(batch: RecordBatch, entry: ProducerEntry) -> None:
    first_sequence = batch.base_sequence
    if batch.producer_epoch != entry.epoch:
        if first_sequence != 0 and entry.epoch != NO_PRODUCER_EPOCH:
            raise KafkaError(
                ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
                f"Producer {batch.producer_id} starts epoch {batch.producer_epoch} at "
                f"sequence {first_sequence} instead of 0",
            )
        return
    last_sequence = entry.last_sequence
    expected = 0 if last_sequence == MAX_SEQUENCE else last_sequence + 1
    if first_sequence != expected:
        raise KafkaError(
            ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
            f"Out of order sequence number for producer {batch.producer_id}: "
            f"{first_sequence} (incoming seq. number), "
            f"{last_sequence} (current end sequence number)",
        )


def check_transactional(batch: RecordBatch, entry: ProducerEntry) -> None:
    if entry.transaction_first_offset is not None and not batch.is_transactional:
        raise KafkaError(
            ErrorCode.INVALID_TXN_STATE,
            f"Expected a transactional write from producer {batch.producer_id}",
        )


def check_marker(batch: RecordBatch, entry: ProducerEntry) -> None:
    marker = read_marker(batch)
    if marker is not None and marker.coordinator_epoch < entry.coordinator_epoch:
        raise KafkaError(
            ErrorCode.TRANSACTION_COORDINATOR_FENCED,
            f"Coordinator epoch {marker.coordinator_epoch} for producer {batch.producer_id} is "
            f"smaller than the last seen {entry.coordinator_epoch}",
        )
