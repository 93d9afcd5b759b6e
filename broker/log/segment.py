"""One segment: a `.log` file named by its first offset, and the indexes beside it.

Only a partition's last segment is written to (the active one); it rolls, that is gives way to a
new one, when it is too large, too old, its index is full, or an offset no longer fits in the 31
bits that an index entry has for it. A rolled segment never grows again. Retention removes whole
segments and truncation cuts one.

    append   bytes at the end of .log; every index.interval.bytes an entry in .index, .timeindex
    find     offset -> offset index -> a few batch headers -> position

What a start makes of one that may be torn is `segment_recovery`'s.

A segment keeps its `.log` open only while it is active and in use. An inactive one is opened when
something is read from it, and shared (through a weak reference) by the reads under way.

Source: Kafka's `LogSegment`, `FileRecords`.
"""

import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from broker.log.disk import Data, Disk
from broker.log.file_names import (
    LOG,
    OFFSET_INDEX,
    TIME_INDEX,
    TRANSACTION_INDEX,
    segment_file,
)
from broker.log.index_file import OffsetIndex, TimeIndex
from broker.log.log_config import LogConfig
from broker.log.log_file import (
    BatchPosition,
    batch_headers,
    find_batch,
    read_batch,
)
from broker.log.transaction_index import TransactionIndex
from broker.wire.record_batch import NO_TIMESTAMP, RecordBatch
from broker.wire.regions import FileRegion, OpenFile

MAX_RELATIVE_OFFSET = 2**31 - 1  # what an index entry has room for

SUFFIXES = (LOG, OFFSET_INDEX, TIME_INDEX, TRANSACTION_INDEX)


class Segment:
    """`created_ms` and `jitter_ms` (of segment.jitter.ms) matter for rolling by time."""

    def __init__(
        self,
        disk: Disk,
        directory: Path,
        base_offset: int,
        config: LogConfig,
        *,
        created_ms: int,
        jitter_ms: int = 0,
    ) -> None:
        """A segment whose files are there; `create` makes them."""
        self._disk = disk
        self.base_offset = base_offset
        self.created_ms = created_ms
        self.jitter_ms = jitter_ms
        self.path = str(directory / segment_file(base_offset, LOG))
        max_index_bytes = config.segment_index_bytes
        self.offset_index = OffsetIndex(
            disk, str(directory / segment_file(base_offset, OFFSET_INDEX)), base_offset,
            max_index_bytes,
        )  # fmt: skip
        self.time_index = TimeIndex(
            disk, str(directory / segment_file(base_offset, TIME_INDEX)), base_offset,
            max_index_bytes,
        )  # fmt: skip
        self.transaction_index = TransactionIndex(
            disk, str(directory / segment_file(base_offset, TRANSACTION_INDEX)), base_offset
        )
        self.size_bytes = 0
        self.index_interval_bytes = config.index_interval_bytes
        self._bytes_since_index_entry = 0
        self._largest: tuple[int, int] | None = None  # (timestamp, offset), once known
        self._first_timestamp_ms: int | None = None  # the first batch's largest, once known
        self._file: OpenFile | None = None
        self._shared: Callable[[], OpenFile | None] = lambda: None

    @classmethod
    def create(
        cls,
        disk: Disk,
        directory: Path,
        base_offset: int,
        config: LogConfig,
        *,
        created_ms: int,
        jitter_ms: int = 0,
    ) -> "Segment":
        """An empty segment, in place of whatever had its files' names."""
        segment = cls(
            disk, directory, base_offset, config, created_ms=created_ms, jitter_ms=jitter_ms
        )
        segment.create_files()
        return segment

    def create_files(self) -> None:
        """Make them, empty whatever was there."""
        self._file = self._disk.open(self.path, create=True)
        self._disk.truncate(self._file, 0)
        self.offset_index.create()
        self.time_index.create()
        self.transaction_index.clear()

    def go_by_suffix(self, suffix: str) -> None:
        """Its files have `suffix` behind their names: they don't count yet."""
        self.path += suffix
        self.offset_index.path += suffix
        self.time_index.path += suffix
        self.transaction_index.path += suffix

    # --- writing

    def append(self, batches: Sequence[RecordBatch], data: Data) -> None:
        """Write `data`, which is what `batches` describe, their offsets and epochs in place."""
        position = self.size_bytes
        self._disk.write_at(self.file(), data, position)
        largest = self.largest()
        if position == 0:
            self._first_timestamp_ms = max(batch.max_timestamp_ms for batch in batches)
        for batch in batches:
            if batch.max_timestamp_ms > largest[0]:
                largest = self._largest = (batch.max_timestamp_ms, batch.last_offset)
            if self._bytes_since_index_entry > self.index_interval_bytes:
                self.offset_index.append(batch.last_offset, position)
                self.time_index.append_if_later(*largest)
                self._bytes_since_index_entry = 0
            size_bytes = batch.size_bytes
            self._bytes_since_index_entry += size_bytes
            position += size_bytes
        self.size_bytes = position

    def should_roll(
        self,
        config: LogConfig,
        size_bytes: int,
        max_timestamp_ms: int,
        last_offset: int,
        now_ms: int,
    ) -> bool:
        """Whether an append of this size, time and last offset must go to a new segment."""
        if self.size_bytes > config.segment_bytes - size_bytes:
            return True
        if last_offset - self.base_offset > MAX_RELATIVE_OFFSET:
            return True
        if self.offset_index.is_full or self.time_index.is_full:
            return True
        if self.size_bytes == 0:
            return False
        return self.waited_ms(now_ms, max_timestamp_ms) > config.max_segment_ms - self.jitter_ms

    def waited_ms(self, now_ms: int, timestamp_ms: int) -> int:
        """How old the segment is: by its records' time, or by the clock if they have none."""
        first_ms = self.first_timestamp_ms()
        return timestamp_ms - first_ms if first_ms >= 0 else now_ms - self.created_ms

    def first_timestamp_ms(self) -> int:
        """The largest of its first batch; -1 if there is none."""
        if self._first_timestamp_ms is None:
            first = next(batch_headers(self.file(), 0, self.size_bytes), None)
            self._first_timestamp_ms = first[1].max_timestamp_ms if first else NO_TIMESTAMP
        return self._first_timestamp_ms

    def become_inactive(self) -> None:
        """The last entry of the time index, as every closed segment has one; then let go."""
        self.time_index.append_if_later(*self.largest())
        self.release()

    def truncate_to(self, offset: int, now_ms: int) -> int:
        """Drop the batches that hold offsets from `offset` on; the offset this ends at now."""
        found = self.find(offset)
        self.offset_index.truncate_to(offset)
        self.time_index.truncate_to(offset)
        self.transaction_index.truncate_to(offset)
        if found is not None:
            self._disk.truncate(self.file(), found.position)
            self.size_bytes = found.position
        if self.size_bytes == 0:
            self.created_ms = now_ms
            self._first_timestamp_ms = None
        self._bytes_since_index_entry = 0
        self._largest = self._largest_by_scan()
        return offset if found is None else min(offset, found.base_offset)

    # --- reading

    def find(self, offset: int) -> BatchPosition | None:
        """The batch that holds `offset`, or the first after it; None if all are before it."""
        return find_batch(self.file(), self.offset_index.lookup(offset), self.size_bytes, offset)

    def region(self, position: int, size_bytes: int) -> FileRegion:
        return FileRegion(self.file(), position, size_bytes)

    def headers(self, from_offset: int) -> Iterator[tuple[int, RecordBatch]]:
        """(position, batch header) from the batch that holds `from_offset` on."""
        position = self.offset_index.lookup(from_offset)
        for at, batch in batch_headers(self.file(), position, self.size_bytes):
            if batch.last_offset >= from_offset:
                yield at, batch

    def read_batch(self, position: int, size_bytes: int) -> RecordBatch:
        return read_batch(self.file(), position, size_bytes)

    def next_offset(self) -> int:
        """The offset after the last record's; reads from the last index entry on."""
        last = self.offset_index.last
        end_offset = self.base_offset
        position = last[1] if last else 0
        for _, batch in batch_headers(self.file(), position, self.size_bytes):
            end_offset = batch.end_offset
        return end_offset

    def largest(self) -> tuple[int, int]:
        """The largest timestamp and its batch's last offset; (-1, base offset) if none."""
        if self._largest is None:
            self._largest = self.time_index.largest()
        return self._largest

    def largest_timestamp_ms(self) -> int:
        """For retention: of the records, or the file's time if they have none."""
        timestamp_ms = self.largest()[0]
        if timestamp_ms >= 0:
            return timestamp_ms
        return self.modified_ms()

    def modified_ms(self) -> int:
        """When the file was last written to."""
        return int(Path(self.path).stat().st_mtime * 1000)

    # --- life

    def empty_indexes(self) -> None:
        """To be written anew."""
        self.offset_index.create()
        self.time_index.create()
        self.transaction_index.clear()

    def end_at(self, size_bytes: int, largest: tuple[int, int]) -> None:
        """Cut it there: what is before has been indexed, and its `largest()` is this."""
        self._largest = largest
        self.time_index.append_if_later(*largest)
        if size_bytes < self.size_bytes:
            self._disk.truncate(self.file(), size_bytes)
            self.size_bytes = size_bytes

    def complete_time_index(self) -> None:
        """Add the last entry, which is written when a segment rolls, after its last sync."""
        self._largest = self._largest_by_scan()
        self.time_index.append_if_later(*self._largest)
        self.release()

    def file(self) -> OpenFile:
        """The log file, opened if need be; kept open if this is the active segment."""
        if self._file is not None:
            return self._file
        file = self._shared()
        if file is None:
            file = self._disk.open(self.path)
            self._shared = weakref.ref(file)
        return file

    def hold_open(self) -> None:
        """Keep the log file open from now on: it is being written to."""
        self._file = self.file()

    def move_to(self, directory: Path) -> None:
        """The log's directory has been renamed."""
        self.path = str(directory / segment_file(self.base_offset, LOG))
        for index in (self.offset_index, self.time_index, self.transaction_index):
            index.path = str(directory / Path(index.path).name)

    def release(self) -> None:
        """Close what is open, except for the regions that are still being sent."""
        if self._file is not None:
            self._shared = weakref.ref(self._file)
            self._file = None
        self.offset_index.release()
        self.time_index.release()
        self.transaction_index.release()

    def files_to_sync(self) -> list[OpenFile]:
        files = [self.file(), self.offset_index.handle(), self.time_index.handle()]
        if self.transaction_index.exists:
            files.append(self.transaction_index.handle())
        return files

    def paths(self) -> list[Path]:
        """Its files; the transaction index, the last of them, may not exist."""
        stem, _, suffix = self.path.rpartition(LOG)
        return [Path(stem + each + suffix) for each in SUFFIXES]

    def _largest_by_scan(self) -> tuple[int, int]:
        """As the time index has it, and the batches since something was indexed last."""
        largest = self.time_index.largest()
        last = self.offset_index.last if self.time_index.last else None
        position = last[1] if last else 0
        for _, batch in batch_headers(self.file(), position, self.size_bytes):
            if batch.max_timestamp_ms > largest[0]:
                largest = (batch.max_timestamp_ms, batch.last_offset)
        return largest
