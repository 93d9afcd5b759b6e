"""`.txnindex`: the aborted transactions whose markers lie in a segment.

    +---------+-------------+--------------+-------------+--------------------+
    | version | producer id | first offset | last offset | last stable offset |
    | i16 = 0 | i64         | i64          | i64         | i64                |
    +---------+-------------+--------------+-------------+--------------------+

A consumer with isolation level read_committed must leave out the records of aborted transactions,
and the records themselves don't say so. So each of its fetches is answered, besides records, the
aborted transactions that have any among them.

The first offset is that of the transaction's first batch, often in an earlier segment; the last one
is the marker's. The last stable offset is the one that the log had with the marker: whatever began
before it had ended. It ends a search, for no later entry can be of a transaction that began before
it. Entries stand in the order of their markers, so both last fields ascend.

Most segments have no such file: it's made with the first entry, and kept as long as the segment.

Source: Kafka's `TransactionIndex`, `AbortedTxn`.
"""

import struct
from pathlib import Path
from typing import Final

from broker.log.disk import Disk
from broker.log.index_file import IndexFile
from broker.log.values import AbortedTransaction

_VERSION: Final = 0
_LAST_OFFSET: Final = 3  # its place in an entry


class TransactionIndex(IndexFile):
    """The index of one segment."""

    entry_struct = struct.Struct(">hqqqq")

    def __init__(self, disk: Disk, path: str, base_offset: int) -> None:
        super().__init__(disk, path, base_offset, max_bytes=0)

    @property
    def exists(self) -> bool:
        return Path(self.path).exists()

    def clear(self) -> None:
        """Forget what the file has, if there is one: it's another segment's, or to be rebuilt."""
        if self.exists:
            self.create()

    def append(self, aborted: AbortedTransaction) -> None:
        last = self.last
        if last is not None and aborted.last_offset <= last[_LAST_OFFSET]:
            raise ValueError(f"{aborted} after a marker at {last[_LAST_OFFSET]}")
        self.append_entry(
            (
                _VERSION,
                aborted.producer_id,
                aborted.first_offset,
                aborted.last_offset,
                aborted.last_stable_offset,
            )
        )

    def aborted(self) -> list[AbortedTransaction]:
        """All of them, in the order of their markers."""
        return [AbortedTransaction(*entry[1:]) for entry in self.entries()]

    def search(self, start_offset: int, end_offset: int, found: list[AbortedTransaction]) -> bool:
        """Add those with records in start_offset..end_offset to `found`.

        True if no later segment can have another.
        """
        if self.count == 0:
            return False
        for entry in self.entries(self.count_at_most(_LAST_OFFSET, start_offset - 1)):
            aborted = AbortedTransaction(*entry[1:])
            if aborted.first_offset < end_offset:
                found.append(aborted)
            if aborted.last_stable_offset >= end_offset:
                return True
        return False

    def truncate_to(self, offset: int) -> None:
        """Drop those whose markers are at or after `offset`: they're open again."""
        if self.count:
            self.truncate_to_count(self.count_at_most(_LAST_OFFSET, offset - 1))

    def is_sound(self) -> bool:
        """Whether all entries can be this segment's, and are known to us."""
        end_offset = self.base_offset
        for version, _, first_offset, last_offset, _ in self.entries():
            if version != _VERSION or not first_offset < last_offset >= end_offset:
                return False
            end_offset = last_offset + 1
        return True
