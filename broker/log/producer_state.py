"""What a log knows of the idempotent and transactional producers that write to it.

A producer numbers its records, per partition, from 0 on. For each producer id the log remembers
the epoch and the last five batches, and so it can tell

    the batch again        -> a duplicate: answer with the first copy's offsets, write nothing
    the next sequence      -> append
    any other sequence     -> OUT_OF_ORDER_SEQUENCE_NUMBER: something in between was lost
    an older epoch         -> INVALID_PRODUCER_EPOCH: a zombie, its id was given on
    a newer epoch          -> append, if it starts at sequence 0

Five, because a Java producer keeps at most five requests in flight: any of them may come again.

A transaction is open in this log from a producer's first transactional batch to the marker (a
control batch) that its coordinator writes. The earliest offset of an open one bounds what a
read_committed consumer may see: the last stable offset. A marker itself counts only when it is
replicated, so a decided transaction stays in `_unreplicated` until the high watermark passed it.

State changes by appended batches only, in log order, so it can be rebuilt from any snapshot and
the log after it (`producer_snapshots`).

Source: Kafka's `ProducerStateManager`, `ProducerAppendInfo`, `ProducerStateEntry`; KIP-98, KIP-360.
"""

import struct
from collections import deque
from collections.abc import Container, Iterable

import attrs

from broker.log.values import Origin
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.record_batch import (
    NO_PRODUCER_EPOCH,
    NO_SEQUENCE,
    NO_TIMESTAMP,
    RecordBatch,
)

BATCHES_REMEMBERED = 5
_MAX_SEQUENCE = 2**31 - 1

_MARKER_VALUE = struct.Struct(">hi")  # version, coordinator epoch


@attrs.frozen(slots=True)
class BatchMetadata:
    """One appended batch: enough to answer for it again."""

    last_sequence: int
    last_offset: int
    offset_delta: int
    timestamp_ms: int

    @property
    def first_sequence(self) -> int:
        return (self.last_sequence - self.offset_delta) & _MAX_SEQUENCE

    @property
    def first_offset(self) -> int:
        return self.last_offset - self.offset_delta


@attrs.define(slots=True)
class ProducerEntry:
    producer_id: int
    epoch: int = NO_PRODUCER_EPOCH
    coordinator_epoch: int = -1
    last_timestamp_ms: int = NO_TIMESTAMP
    transaction_first_offset: int | None = None
    batches: deque[BatchMetadata] = attrs.field(
        factory=lambda: deque[BatchMetadata](maxlen=BATCHES_REMEMBERED)
    )

    @property
    def last_sequence(self) -> int:
        return self.batches[-1].last_sequence if self.batches else NO_SEQUENCE

    def take_epoch(self, epoch: int) -> None:
        """Another epoch's sequences start anew."""
        if self.epoch != epoch:
            self.batches.clear()
            self.epoch = epoch


class ProducerState:
    """All producers of one log, as of `end_offset`."""

    def __init__(self, expiration_ms: int) -> None:
        """`expiration_ms` is producer.id.expiration.ms; it may change."""
        self.expiration_ms = expiration_ms
        self._entries: dict[int, ProducerEntry] = {}
        self._open: dict[int, int] = {}  # first offset -> producer id; ascending
        self._unreplicated: dict[int, int] = {}  # first offset -> the marker's offset
        self.end_offset = 0

    def entries(self) -> Iterable[ProducerEntry]:
        return self._entries.values()

    @property
    def ids(self) -> Container[int]:
        """The producers of which it knows anything."""
        return self._entries

    @property
    def first_unstable_offset(self) -> int | None:
        """Where the first transaction begins that is open or whose marker is not yet replicated."""
        first_offsets = [*self._open, *self._unreplicated]
        return min(first_offsets) if first_offsets else None

    # --- asking, before an append

    def duplicate_of(self, batch: RecordBatch) -> BatchMetadata | None:
        """The remembered batch with the same epoch and sequences."""
        entry = self._entries.get(batch.producer_id)
        if entry is None or entry.epoch != batch.producer_epoch:
            return None
        last_sequence, delta = batch.last_sequence, batch.last_offset_delta
        for known in entry.batches:
            if known.last_sequence == last_sequence and known.offset_delta == delta:
                return known
        return None

    def check(self, batch: RecordBatch, origin: Origin) -> None:
        """Refuse a batch that this producer may not append now; changes nothing."""
        entry = self._entries.get(batch.producer_id)
        who = f"producer {batch.producer_id}"
        last_epoch = NO_PRODUCER_EPOCH if entry is None else entry.epoch
        if batch.producer_epoch < last_epoch:
            raise KafkaError(
                ErrorCode.INVALID_PRODUCER_EPOCH,
                f"Epoch {batch.producer_epoch} of {who} is smaller than the last seen epoch "
                f"{last_epoch}",
            )
        if entry is None:
            return  # forgotten or new: any sequence is accepted (KIP-360)
        if batch.is_control:
            self._check_marker(batch, entry)
            return
        if origin is Origin.CLIENT:
            self._check_sequence(batch, entry)
        if entry.transaction_first_offset is not None and not batch.is_transactional:
            raise KafkaError(
                ErrorCode.INVALID_TXN_STATE, f"Expected a transactional write from {who}"
            )

    @staticmethod
    def _check_sequence(batch: RecordBatch, entry: ProducerEntry) -> None:
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
        expected = 0 if last_sequence == _MAX_SEQUENCE else last_sequence + 1
        if first_sequence != expected:
            raise KafkaError(
                ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
                f"Out of order sequence number for producer {batch.producer_id}: "
                f"{first_sequence} (incoming seq. number), "
                f"{last_sequence} (current end sequence number)",
            )

    @staticmethod
    def _check_marker(batch: RecordBatch, entry: ProducerEntry) -> None:
        coordinator_epoch = _coordinator_epoch(batch)
        if coordinator_epoch is not None and coordinator_epoch < entry.coordinator_epoch:
            raise KafkaError(
                ErrorCode.TRANSACTION_COORDINATOR_FENCED,
                f"Coordinator epoch {coordinator_epoch} for producer {batch.producer_id} is "
                f"smaller than the last seen {entry.coordinator_epoch}",
            )

    # --- following what was appended

    def update(self, batch: RecordBatch) -> None:
        """Take an appended batch into account; control batches need their records in `view`."""
        self.end_offset = batch.end_offset
        if not batch.has_producer_id:
            return
        entry = self._entries.get(batch.producer_id)
        if entry is None:
            entry = self._entries[batch.producer_id] = ProducerEntry(batch.producer_id)
        if batch.is_control:
            self._complete_transaction(batch, entry)
            return
        entry.take_epoch(batch.producer_epoch)
        entry.batches.append(
            BatchMetadata(
                batch.last_sequence,
                batch.last_offset,
                batch.last_offset_delta,
                batch.max_timestamp_ms,
            )
        )
        entry.last_timestamp_ms = batch.max_timestamp_ms
        if batch.is_transactional and entry.transaction_first_offset is None:
            entry.transaction_first_offset = batch.base_offset
            self._open[batch.base_offset] = batch.producer_id

    def _complete_transaction(self, batch: RecordBatch, entry: ProducerEntry) -> None:
        coordinator_epoch = _coordinator_epoch(batch)
        if coordinator_epoch is None:
            return  # compaction emptied the marker: its transaction is gone from the log, too
        entry.take_epoch(batch.producer_epoch)
        entry.coordinator_epoch = coordinator_epoch
        entry.last_timestamp_ms = batch.max_timestamp_ms
        if entry.transaction_first_offset is not None:
            self._open.pop(entry.transaction_first_offset, None)
            self._unreplicated[entry.transaction_first_offset] = batch.base_offset
            entry.transaction_first_offset = None

    def on_high_watermark(self, high_watermark: int) -> None:
        """Transactions whose markers lie below the high watermark are no longer unstable."""
        if self._unreplicated:
            self._unreplicated = {
                first_offset: marker_offset
                for first_offset, marker_offset in self._unreplicated.items()
                if marker_offset >= high_watermark
            }

    def remove_expired(self, now_ms: int) -> None:
        """Forget producers that were silent too long, except those with a transaction open."""
        for entry in [entry for entry in self._entries.values() if self._expired(entry, now_ms)]:
            del self._entries[entry.producer_id]

    def reset(self, entries: Iterable[ProducerEntry], end_offset: int, now_ms: int) -> None:
        """Start over from a snapshot's entries."""
        self._entries = {
            entry.producer_id: entry for entry in entries if not self._expired(entry, now_ms)
        }
        self._open = dict(
            sorted(
                (entry.transaction_first_offset, entry.producer_id)
                for entry in self._entries.values()
                if entry.transaction_first_offset is not None
            )
        )
        self._unreplicated = {}
        self.end_offset = end_offset

    def _expired(self, entry: ProducerEntry, now_ms: int) -> bool:
        return (
            entry.transaction_first_offset is None
            and now_ms - entry.last_timestamp_ms >= self.expiration_ms
        )


def _coordinator_epoch(batch: RecordBatch) -> int | None:
    """From a transaction marker: a record with the marker's type as key and this in its value."""
    if batch.count == 0:
        return None
    value = batch.records()[0].value
    try:
        _, coordinator_epoch = _MARKER_VALUE.unpack_from(value or b"")
    except struct.error as error:
        raise KafkaError(
            ErrorCode.CORRUPT_MESSAGE, "Transaction marker without a coordinator epoch"
        ) from error
    return int(coordinator_epoch)
