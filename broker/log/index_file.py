"""A segment's index file: fixed-size entries, ascending, looked up by bisection on the disk.

The two sparse ones have an entry every `index.interval.bytes` of log, so a lookup ends in a short
scan of batch headers. Kafka maps such a file into memory, 10 MB of holes long while it grows, and
trims it when the segment is closed. Here the file is written with `pwrite` and is always exactly as
long as its entries: nothing is held in memory but the last entry, which answers the reads at the
log's tail, and nothing is mapped, so thousands of partitions cost next to nothing. Either program
opens what the other one left: a tail of zeros (Kafka, killed) is found by `is_sound`.

The descriptor is opened at the first use and given back by `release` when the segment is no longer
written to; lookups then open the file for the moment.

Source: Kafka's `AbstractIndex`.
"""

import os
import struct
from collections.abc import Iterator
from pathlib import Path

from broker.log.disk import Disk
from broker.wire.regions import OpenFile

Entry = tuple[int, ...]

_ENTRIES_AT_ONCE = 128  # some kilobytes


class IndexFile:
    """Entries of integers, each at least as large as the one before. Subclasses say what of."""

    entry_struct: struct.Struct

    def __init__(self, disk: Disk, path: str, base_offset: int, max_bytes: int) -> None:
        """`max_bytes` is segment.index.bytes; a full index makes the segment roll."""
        self._disk = disk
        self.path = path
        self.base_offset = base_offset
        self._max_entries = max_bytes // self.entry_struct.size
        self._file: OpenFile | None = None
        self._count = -1  # not yet looked
        self._has_rest = False  # bytes behind the last entry that are no entry
        self._last: Entry | None = None

    def create(self) -> None:
        """Make the file, empty whatever was there."""
        self._disk.truncate(self._opened(), 0)
        self._count, self._last, self._has_rest = 0, None, False

    @property
    def count(self) -> int:
        if self._count < 0:
            self._load()
        return self._count

    @property
    def size_bytes(self) -> int:
        return self.count * self.entry_struct.size

    @property
    def last(self) -> Entry | None:
        if self._count < 0:
            self._load()
        return self._last

    @property
    def is_full(self) -> bool:
        return self.count >= self._max_entries

    def append_entry(self, entry: Entry) -> None:
        count = self.count
        file = self._opened()
        self._disk.write_at(file, self.entry_struct.pack(*entry), count * self.entry_struct.size)
        self._count, self._last = count + 1, entry

    def floor(self, field: int, target: int) -> Entry | None:
        """The last entry whose `field`, by its place, is at most `target`; None if all are above.

        The field must ascend.
        """
        last = self.last
        if last is None or last[field] <= target:
            return last
        count = self.count_at_most(field, target)
        return self._entry(self._opened_for_reading(), count - 1) if count else None

    def count_at_most(self, field: int, target: int) -> int:
        """How many entries have a `field` of at most `target`; it must ascend."""
        last = self.last
        if last is None or last[field] <= target:
            return self._count
        low, high = 0, self._count - 1
        file = self._opened_for_reading()
        while low < high:
            middle = (low + high) // 2
            if self._entry(file, middle)[field] <= target:
                low = middle + 1
            else:
                high = middle
        return low

    def entry(self, index: int) -> Entry:
        """The entry at `index`, of those that there are."""
        return self._entry(self._opened_for_reading(), index)

    def entries(self, first: int = 0) -> Iterator[Entry]:
        """All of them, or those from index `first` on, from the disk: no more than are taken."""
        count, size = self.count, self.entry_struct.size
        if first >= count:
            return
        file = self._opened_for_reading()
        for start in range(first, count, _ENTRIES_AT_ONCE):
            here = min(_ENTRIES_AT_ONCE, count - start)
            yield from self.entry_struct.iter_unpack(os.pread(file.fd, here * size, start * size))

    def truncate_to_count(self, count: int) -> None:
        """Keep the first `count` entries."""
        file = self._opened()
        self._disk.truncate(file, count * self.entry_struct.size)
        self._count = count
        self._last = self._entry(file, count - 1) if count else None

    def handle(self) -> OpenFile:
        """The open file, for a sync in another thread."""
        return self._opened_for_reading()

    def release(self) -> None:
        """Give the descriptor back; whoever still has it from `handle` keeps it."""
        self._file = None

    def _load(self) -> None:
        try:
            size_bytes = Path(self.path).stat().st_size
        except FileNotFoundError:
            size_bytes = 0
        self._count, rest = divmod(size_bytes, self.entry_struct.size)
        self._has_rest = rest > 0
        if self._count:
            self._last = self._entry(self._opened_for_reading(), self._count - 1)

    def _entry(self, file: OpenFile, index: int) -> Entry:
        size = self.entry_struct.size
        return self.entry_struct.unpack(os.pread(file.fd, size, index * size))

    def _opened(self) -> OpenFile:
        if self._file is None:
            self._file = self._disk.open(self.path, create=True)
        return self._file

    def _opened_for_reading(self) -> OpenFile:
        return self._file or self._disk.open(self.path)


class OffsetIndex(IndexFile):
    """Where in the log file the batch lies that holds an offset.

         +-----------------------------+------------------+
         | offset - base offset        | position in .log |
         | i32                         | i32              |
         +-----------------------------+------------------+

    An entry names a batch's *last* offset and the position of its first byte, so the batch that
    holds an offset is never before the position of the entry at or below it.
    """

    entry_struct = struct.Struct(">ii")

    def append(self, last_offset: int, position: int) -> None:
        self.append_entry((last_offset - self.base_offset, position))

    def lookup(self, offset: int) -> int:
        """A position at or before the batch that holds `offset`, to scan from."""
        entry = self.floor(0, offset - self.base_offset)
        return entry[1] if entry else 0

    def offset_from(self, position: int) -> int | None:
        """The last offset of a batch not far from `position` on; None if there's no entry."""
        index = self.count_at_most(1, position - 1)
        return self.base_offset + self.entry(index)[0] if index < self.count else None

    def truncate_to(self, offset: int) -> None:
        """Drop the entries of batches that end at or after `offset`."""
        self.truncate_to_count(self.count_at_most(0, offset - self.base_offset - 1))

    def is_sound(self, log_size_bytes: int) -> bool:
        """Whether the last entry can be one, positive and within the log, and is all there."""
        last = self.last
        is_possible = last is None or (last[0] >= 0 and 0 < last[1] < log_size_bytes)
        return is_possible and not self._has_rest


class TimeIndex(IndexFile):
    """The largest timestamp up to an offset.

         +-----------------------------+-----------------------------+
         | largest timestamp so far    | offset - base offset        |
         | i64, ms                     | i32                         |
         +-----------------------------+-----------------------------+

    The offset is the last one of the earliest batch with that timestamp. Timestamps ascend, so an
    entry says: before it there is no larger one.
    """

    entry_struct = struct.Struct(">qi")

    def append_if_later(self, timestamp_ms: int, offset: int) -> None:
        """At most one entry a timestamp; none for -1, which means no timestamp."""
        last = self.last
        if timestamp_ms > (last[0] if last else -1):
            self.append_entry((timestamp_ms, offset - self.base_offset))

    def largest(self) -> tuple[int, int]:
        """The last entry as (timestamp, offset); (-1, base offset) if there is none."""
        last = self.last
        return (last[0], self.base_offset + last[1]) if last else (-1, self.base_offset)

    def lookup(self, timestamp_ms: int) -> int:
        """An offset such that nothing before it is later than `timestamp_ms`."""
        entry = self.floor(0, timestamp_ms)
        return self.base_offset + entry[1] if entry else self.base_offset

    def truncate_to(self, offset: int) -> None:
        """Drop the entries of batches that end at or after `offset`."""
        self.truncate_to_count(self.count_at_most(1, offset - self.base_offset - 1))

    def is_sound(self) -> bool:
        """Whether the last entry can be one, not before the first one, and is all there."""
        last = self.last
        if last is None or self._has_rest:
            return not self._has_rest
        return last[1] >= 0 and (self.count == 1 or last[0] > max(self.entry(0)[0], 0))
