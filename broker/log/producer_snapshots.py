"""`<offset>.snapshot`: the producers' state at an offset, so that a start need not read the log.

    +---------+---------------------+---------------+------------------------------------+
    | version | CRC-32C of the rest | entries       | entry: 46 bytes                    |
    | i16 = 1 | u32                 | i32           |                                    |
    +---------+---------------------+---------------+------------------------------------+
      entry | producer id i64 | epoch i16 | last sequence i32 | last offset i64
            | offset delta i32 | last timestamp i64 | coordinator epoch i32
            | first offset of the open transaction i64, or -1 |

One is written at each roll, named by the new segment's first offset, and one at a clean close. Only
the last batch of a producer is in it: after a restart older duplicates are no longer recognised.
A snapshot that fails its CRC is removed and an older one used, with more of the log read after it.

Source: Kafka's `ProducerStateManager.writeSnapshot`, `removeStraySnapshots`.
"""

import struct
from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from crc32c import crc32c

from broker.log.disk import Disk
from broker.log.file_names import SNAPSHOT, offset_of, segment_file
from broker.log.producer_entry import BatchMetadata, ProducerEntry

_VERSION = 1
_HEADER = struct.Struct(">hI")
_COUNT = struct.Struct(">i")
_ENTRY = struct.Struct(">qhiqiqiq")


class MalformedSnapshot(Exception):  # named for what was found
    """Not a snapshot of version 1, or its CRC does not match."""


class ProducerSnapshots:
    """The snapshot files of one log."""

    def __init__(self, disk: Disk, directory: Path, names: Iterable[str]) -> None:
        """`names` are the directory's files."""
        self._disk = disk
        self.directory = directory
        # What the last one said of whom: a roll does this in the event loop.
        self._written: dict[int, tuple[ProducerEntry, bytes]] = {}
        self._offsets = sorted(
            offset
            for name in names
            if name.endswith(SNAPSHOT) and (offset := offset_of(name)) is not None
        )

    @property
    def offsets(self) -> list[int]:
        """Where there are snapshots, ascending."""
        return list(self._offsets)

    def path(self, offset: int) -> Path:
        return self.directory / segment_file(offset, SNAPSHOT)

    def write(self, offset: int, entries: Iterable[ProducerEntry], *, sync: bool) -> None:
        """Snapshot the state at `offset`. Unsynced, a power failure may tear it: the CRC tells."""
        file = self._disk.open(self.path(offset), create=True)
        content = self._encoded(entries)
        self._disk.truncate(file, 0)
        self._disk.write_at(file, content, 0)
        if sync:
            self._disk.sync(file)
        if offset not in self._offsets:
            self._offsets = sorted([*self._offsets, offset])

    def _encoded(self, entries: Iterable[ProducerEntry]) -> bytes:
        """As `encode_snapshot`; most producers of many have not written since the last one."""
        before, self._written = self._written, {}
        for entry in entries:
            known = before.get(entry.producer_id)
            if known is None or known[0] is not entry:
                known = entry, _packed(entry)
            self._written[entry.producer_id] = known
        return _framed([packed for _, packed in self._written.values()])

    def latest(self, end_offset: int) -> tuple[int, list[ProducerEntry]] | None:
        """The newest readable one at most at `end_offset`; unreadable ones are removed."""
        for offset in reversed(self._offsets[: bisect_right(self._offsets, end_offset)]):
            try:
                return offset, decode_snapshot(self.path(offset).read_bytes())
            except MalformedSnapshot:
                self.delete(offset)
        return None

    def delete(self, offset: int) -> None:
        self._offsets.remove(offset)
        self._disk.unlink(self.path(offset))

    def delete_those(self, offsets: Collection[int]) -> None:
        """Remove those of them that there are."""
        for path in self.forget(offsets):
            self._disk.unlink(path)

    def forget(self, offsets: Collection[int]) -> list[Path]:
        """Count no more on those of them that there are; the caller removes these files."""
        gone = [offset for offset in self._offsets if offset in offsets]
        self._offsets = [offset for offset in self._offsets if offset not in offsets]
        return [self.path(offset) for offset in gone]

    def delete_outside(self, log_start_offset: int, log_end_offset: int) -> None:
        """Remove those that a log with these bounds has no use for.

        One at the start tells of producers whose records were deleted (Kafka removes it, too).
        """
        self.delete_those(
            {each for each in self._offsets if not log_start_offset <= each <= log_end_offset}
        )

    def delete_after(self, end_offset: int) -> None:
        """Remove those beyond the end of a log that was cut there."""
        self.delete_those({offset for offset in self._offsets if offset > end_offset})

    def delete_stray(self, base_offsets: Collection[int]) -> None:
        """Keep those at a segment's start, and the newest if it is beyond the last segment's."""
        last, newest = max(base_offsets, default=0), max(self._offsets, default=0)
        stray = set(self._offsets).difference(base_offsets)
        if newest > last:
            stray.discard(newest)
        self.delete_those(stray)


def encode_snapshot(entries: Iterable[ProducerEntry]) -> bytes:
    return _framed([_packed(entry) for entry in entries])


def _framed(packed: Sequence[bytes]) -> bytes:
    body = _COUNT.pack(len(packed)) + b"".join(packed)
    return _HEADER.pack(_VERSION, crc32c(body)) + body


def _packed(entry: ProducerEntry) -> bytes:
    return _ENTRY.pack(
        entry.producer_id,
        entry.epoch,
        entry.last_sequence,
        entry.batches[-1].last_offset if entry.batches else -1,
        entry.batches[-1].offset_delta if entry.batches else 0,
        entry.last_timestamp_ms,
        entry.coordinator_epoch,
        -1 if entry.transaction_first_offset is None else entry.transaction_first_offset,
    )


def decode_snapshot(content: bytes) -> list[ProducerEntry]:
    if len(content) < _HEADER.size + _COUNT.size:
        raise MalformedSnapshot(f"{len(content)} bytes")
    version, crc = _HEADER.unpack_from(content)
    body = memoryview(content)[_HEADER.size :]
    (count,) = _COUNT.unpack_from(body)
    if version != _VERSION:
        raise MalformedSnapshot(f"version {version}")
    if crc32c(body) != crc or len(body) != _COUNT.size + count * _ENTRY.size:
        raise MalformedSnapshot("wrong CRC or length")
    return [_entry(*fields) for fields in _ENTRY.iter_unpack(body[_COUNT.size :])]


def _entry(
    producer_id: int,
    epoch: int,
    last_sequence: int,
    last_offset: int,
    offset_delta: int,
    timestamp_ms: int,
    coordinator_epoch: int,
    transaction_first_offset: int,
) -> ProducerEntry:
    batches: tuple[BatchMetadata, ...] = ()
    if last_offset >= 0:
        batches = (BatchMetadata(last_sequence, last_offset, offset_delta, timestamp_ms),)
    return ProducerEntry(
        producer_id,
        epoch,
        coordinator_epoch,
        timestamp_ms,
        transaction_first_offset if transaction_first_offset >= 0 else None,
        batches,
    )
