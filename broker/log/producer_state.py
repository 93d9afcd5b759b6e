"""What a log knows of the idempotent and transactional producers that write to it.

A producer numbers its records, per partition, from 0 on. For each producer id the log remembers the
epoch and the last five batches. So it knows a batch that is sent again, and answers with the first
copy's offsets and writes nothing; and what else may be appended (`producer_checks`).

A transaction is open in this log from a producer's first transactional batch to the marker (a
control batch) that its coordinator writes; `open_transactions` knows all of them. It is begun only
when the coordinator knows of it, which `verifications` are about. One that is open long after its
coordinator should have ended it is *late*: it hangs, and holds back the consumers of committed
records until an operator ends it (KIP-664).

State changes by appended batches only, in log order, so it can be rebuilt from any snapshot and
the log after it (`producer_snapshots`), and the last changes can be taken back
(`producer_history`).

Source: Kafka's `ProducerStateManager`, `ProducerStateEntry`; KIP-98.
"""

from collections.abc import Container, Iterable

from broker.log.log_config import ProducerConfig
from broker.log.open_transactions import OpenTransactions
from broker.log.producer_checks import (
    check_epoch,
    check_first_held,
    check_marker,
    check_sequence,
    check_transactional,
    check_verified,
)
from broker.log.producer_entry import BATCHES_REMEMBERED, BatchMetadata, ProducerEntry
from broker.log.producer_history import ProducerHistory
from broker.log.values import AbortedTransaction, Origin
from broker.log.verifications import VerificationGuard, Verifications
from broker.wire.control_records import read_marker
from broker.wire.record_batch import RecordBatch

# What a coordinator may need to end a transaction that has run out of time.
LATE_TRANSACTION_BUFFER_MS = 5 * 60 * 1000


class ProducerState:
    """All producers of one log, as of `end_offset`; none wrote from `changed_end_offset` on."""

    def __init__(self, config: ProducerConfig) -> None:
        """`config` may change."""
        self.config = config
        self._entries: dict[int, ProducerEntry] = {}
        self.transactions = OpenTransactions()
        self.verifications = Verifications()
        self._history = ProducerHistory()
        self.end_offset = 0
        self.changed_end_offset = 0

    def entries(self) -> Iterable[ProducerEntry]:
        return self._entries.values()

    @property
    def ids(self) -> Container[int]:
        """The producers of which it knows anything."""
        return self._entries

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

    def begin_verification(
        self, producer_id: int, producer_epoch: int, sequence: int, now_ms: int
    ) -> VerificationGuard | None:
        """For a transactional batch: what it needs to be appended; None if it needs nothing."""
        entry = self._entries.get(producer_id)
        is_open = entry is not None and entry.is_in_transaction(producer_epoch)
        if is_open or not self.config.verifies_transactions:
            return None
        return self.verifications.begin(producer_id, producer_epoch, sequence, now_ms)

    def check(
        self, batch: RecordBatch, origin: Origin, guard: VerificationGuard | None = None
    ) -> None:
        """Refuse a batch that this producer may not append now; changes nothing.

        guard: of the verification that it has gone through. Errors of `producer_checks`.
        """
        entry = self._entries.get(batch.producer_id)
        if self.config.verifies_transactions:
            check_verified(batch, entry, self.verifications, guard)
        check_epoch(batch, entry)
        if origin is Origin.CLIENT:
            check_first_held(batch, self.verifications)
        if entry is None:
            return  # forgotten or new: any sequence is accepted (KIP-360)
        if batch.is_control:
            check_marker(batch, entry)
            return
        if origin is Origin.CLIENT:
            check_sequence(batch, entry)
        check_transactional(batch, entry)

    # --- following what was appended

    def update(self, batch: RecordBatch) -> AbortedTransaction | None:
        """Take an appended batch into account; the transaction that it aborted, if it did.

        Control batches need their records in `view`.
        """
        self.end_offset = batch.end_offset
        if not batch.has_producer_id:
            return None
        self.changed_end_offset = batch.end_offset
        if batch.is_transactional:
            self.verifications.end(batch.producer_id)
        before = self._entries.get(batch.producer_id)
        self._history.note(batch.base_offset, batch.producer_id, before)
        entry = ProducerEntry(batch.producer_id) if before is None else before
        if batch.is_control:
            return self._end_transaction(batch, entry)
        first_offset = entry.transaction_first_offset
        if batch.is_transactional and first_offset is None:
            first_offset = batch.base_offset
            self.transactions.begin(first_offset, batch.producer_id)
        appended = BatchMetadata(
            batch.last_sequence, batch.last_offset, batch.last_offset_delta, batch.max_timestamp_ms
        )
        self._entries[batch.producer_id] = ProducerEntry(
            batch.producer_id,
            batch.producer_epoch,
            entry.coordinator_epoch,
            batch.max_timestamp_ms,
            first_offset,
            (*entry.batches_of(batch.producer_epoch)[1 - BATCHES_REMEMBERED :], appended),
        )
        return None

    def _end_transaction(
        self, batch: RecordBatch, entry: ProducerEntry
    ) -> AbortedTransaction | None:
        marker = read_marker(batch)
        if marker is None:
            # Compaction emptied it, and its transaction is gone from the log, too.
            self._entries[entry.producer_id] = entry
            return None
        self._entries[entry.producer_id] = ProducerEntry(
            entry.producer_id,
            batch.producer_epoch,
            marker.coordinator_epoch,
            batch.max_timestamp_ms,
            None,
            entry.batches_of(batch.producer_epoch),
        )
        first_offset = entry.transaction_first_offset
        if first_offset is None:
            return None  # nothing of the transaction is in this log
        stable = self.transactions.end(first_offset, batch.base_offset)
        if marker.commit:
            return None
        return AbortedTransaction(entry.producer_id, first_offset, batch.base_offset, stable)

    def on_high_watermark(self, high_watermark: int) -> None:
        """What lies below it is decided, and stays."""
        self.transactions.on_high_watermark(high_watermark)
        self._history.forget_before(high_watermark)

    def take_back(self, end_offset: int) -> bool:
        """Be what it was when the log ended at `end_offset`; False if that isn't known any more."""
        if end_offset < self._history.start_offset:
            return False
        touched = set()
        for producer_id, before in self._history.take_back(end_offset):
            touched.add(producer_id)
            if before is None:
                self._entries.pop(producer_id, None)
            else:
                self._entries[producer_id] = before
        entries = [self._entries[each] for each in touched if each in self._entries]
        self.transactions.take_back(
            end_offset,
            (
                (entry.transaction_first_offset, entry.producer_id)
                for entry in entries
                if entry.transaction_first_offset is not None
            ),
        )
        self.changed_end_offset = min(self.changed_end_offset, end_offset)
        self.end_offset = end_offset
        return True

    def late_transaction(self, now_ms: int) -> ProducerEntry | None:
        """Whose transaction hangs, by all appearance: the oldest one, if it is late."""
        producer_id = self.transactions.oldest_producer_id
        if producer_id is None:
            return None
        entry = self._entries[producer_id]
        patience_ms = self.config.max_transaction_timeout_ms + LATE_TRANSACTION_BUFFER_MS
        is_late = entry.last_timestamp_ms > 0 and now_ms - entry.last_timestamp_ms > patience_ms
        return entry if is_late else None

    def remove_expired(self, now_ms: int) -> None:
        """Forget producers that were silent too long, except those with a transaction open."""
        self.verifications.remove_expired(now_ms, self.config.expiration_ms)
        for entry in [entry for entry in self._entries.values() if self._expired(entry, now_ms)]:
            del self._entries[entry.producer_id]

    def reset(self, entries: Iterable[ProducerEntry], end_offset: int, now_ms: int) -> None:
        """Start over from a snapshot's entries."""
        self._entries = {
            entry.producer_id: entry for entry in entries if not self._expired(entry, now_ms)
        }
        self.transactions.reset(
            (entry.transaction_first_offset, entry.producer_id)
            for entry in self._entries.values()
            if entry.transaction_first_offset is not None
        )
        self._history.start_over(end_offset)
        self.end_offset = end_offset
        self.changed_end_offset = end_offset if self._entries else 0

    def succeed(self, old: "ProducerState") -> None:
        """Know what `old` does, which is that of the same log: of its records, of producers whose
        records are gone from it, and of verifications that are under way."""
        self._entries = old._entries
        self.transactions = old.transactions
        self.verifications = old.verifications
        self._history = old._history
        self.changed_end_offset = old.changed_end_offset

    def _expired(self, entry: ProducerEntry, now_ms: int) -> bool:
        return (
            entry.transaction_first_offset is None
            and now_ms - entry.last_timestamp_ms >= self.config.expiration_ms
        )
