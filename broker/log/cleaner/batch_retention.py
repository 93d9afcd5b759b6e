"""What is kept of one batch: its bytes as they are, some of its records, only its header, nothing.

    the batch is ..                     its records              if none stays, the batch
    ──────────────────────────────────  ───────────────────────  ──────────────────────────────────
    of an aborted transaction           go                       goes
    a marker with nothing to mark       go after its horizon     goes
    any other marker                    stay                     ─
    any other                           go if the map has the    goes
                                        key later; tombstones
                                        after the horizon
    .. and the last one of a producer,  the same                 stays as a header, without records
       or the last that is cleaned

A delete horizon begins where compaction first meets a tombstone, or a marker that marks nothing:
the batch is written again with bit 6 set, and now + delete.retention.ms for its base timestamp
(KIP-534).

A batch that loses records keeps first and last offset, producer, epoch, base sequence, codec and
leader epoch. What stays of its records is copied: their deltas go on counting from the same base.

Source: Kafka's `Cleaner.cleanInto`, `MemoryRecords.filterTo`.
"""

from collections.abc import Mapping

import attrs

from broker.log.cleaner.offset_map import STAYS, STAYS_AS_TOMBSTONE, OffsetMap
from broker.log.cleaner.records import kept_spans
from broker.log.cleaner.transactions import CleanedTransactions
from broker.wire.compression import Compression, compress
from broker.wire.record_batch import (
    CODEC_MASK,
    DELETE_HORIZON,
    NO_TIMESTAMP,
    RecordBatch,
    with_records,
)
from broker.wire.records import put_varint


@attrs.frozen
class LastBatch:
    """The last that a producer wrote, as far as the log knows: its last record's offset, if any."""

    epoch: int
    last_offset: int | None


@attrs.frozen
class BatchRetention:
    """Decides for one round; `end_offset` is that of the last segment that may be cleaned."""

    map: OffsetMap
    transactions: CleanedTransactions
    producers: Mapping[int, LastBatch]
    end_offset: int
    now_ms: int
    delete_retention_ms: int

    def keep(self, batch: RecordBatch, *, may_grow: bool = True) -> memoryview | bytearray | None:
        """What is kept of the batch, as the bytes of a batch; None if nothing is.

        may_grow: else its delete horizon begins another time, when there is room.
        CORRUPT_MESSAGE, INVALID_RECORD.
        """
        batch.check_crc()
        horizon_ms = batch.delete_horizon_ms
        is_over = horizon_ms is not None and horizon_ms <= self.now_ms
        if batch.is_control:
            marks_nothing = self.transactions.marks_nothing(batch)
            if not batch.count or (marks_nothing and is_over):
                return self._keep_header(batch)
            if marks_nothing and horizon_ms is None and may_grow:
                fates = bytearray((STAYS,)) * (batch.last_offset_delta + 1)
                return self._rewrite(batch, bytes(batch.opened()), fates, begins_horizon=True)
            return batch.view
        if self.transactions.is_aborted(batch) or not batch.count:
            return self._keep_header(batch)
        may_begin = may_grow and horizon_ms is None
        return self._keep_latest(batch, is_over=is_over, may_begin=may_begin)

    def _keep_latest(
        self, batch: RecordBatch, *, is_over: bool, may_begin: bool
    ) -> memoryview | bytearray | None:
        body = None
        if self.map.covers(batch):
            fates = self.map.known_fates(batch)
        else:
            body = bytes(batch.opened())
            fates = self.map.fates(batch, body)
        values, tombstones = fates.count(STAYS), fates.count(STAYS_AS_TOMBSTONE)
        if tombstones and is_over:
            fates = self._without_tombstones(batch, fates)
            tombstones = fates.count(STAYS_AS_TOMBSTONE)
        if values + tombstones == 0:
            return self._keep_header(batch)
        begins_horizon = tombstones > 0 and may_begin
        if values + tombstones == batch.count and not begins_horizon:
            return batch.view
        if body is None:
            body = bytes(batch.opened())
        return self._rewrite(batch, body, fates, begins_horizon=begins_horizon)

    def _without_tombstones(self, batch: RecordBatch, fates: bytearray) -> bytearray:
        """Those beyond the map stay: nobody has looked whether there is a later record."""
        latest = max(self.map.latest_offset - batch.base_offset + 1, 0)
        return fates[:latest].replace(bytes((STAYS_AS_TOMBSTONE,)), bytes(1)) + fates[latest:]

    def _keep_header(self, batch: RecordBatch) -> bytearray | None:
        if not (self._is_last_of_producer(batch) or batch.end_offset == self.end_offset):
            return None
        return with_records(
            batch,
            b"",
            0,
            attributes=batch.attributes & ~(CODEC_MASK | DELETE_HORIZON),
            base_timestamp_ms=NO_TIMESTAMP,
            max_timestamp_ms=batch.max_timestamp_ms,
        )

    def _is_last_of_producer(self, batch: RecordBatch) -> bool:
        last = self.producers.get(batch.producer_id) if batch.has_producer_id else None
        if last is None:
            return False
        if last.last_offset is None:
            return batch.is_control and batch.producer_epoch == last.epoch
        return batch.last_offset == last.last_offset

    def _rewrite(
        self, batch: RecordBatch, body: bytes, fates: bytearray, *, begins_horizon: bool
    ) -> bytearray:
        """The batch with the records that stay."""
        horizon_ms = self.now_ms + self.delete_retention_ms
        shift_ms = batch.base_timestamp_ms - horizon_ms if begins_horizon else 0
        kept: list[bytes | bytearray] = []
        count, largest_ms = 0, NO_TIMESTAMP
        for start, timestamp_delta, after_timestamp, end in kept_spans(body, batch.count, fates):
            count += 1
            largest_ms = max(largest_ms, batch.base_timestamp_ms + timestamp_delta)
            if begins_horizon:
                record = bytearray(1)  # its attributes, of which there are none
                put_varint(record, timestamp_delta + shift_ms)
                record += body[after_timestamp:end]
                size = bytearray()
                put_varint(size, len(record))
                kept += [size, record]
            else:
                kept.append(body[start:end])
        return with_records(
            batch,
            compress(Compression(batch.codec), b"".join(kept)),
            count,
            attributes=batch.attributes | (DELETE_HORIZON if begins_horizon else 0),
            base_timestamp_ms=horizon_ms if begins_horizon else batch.base_timestamp_ms,
            max_timestamp_ms=batch.max_timestamp_ms if batch.is_log_append_time else largest_ms,
        )
