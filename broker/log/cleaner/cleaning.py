"""One round over one log, from reading the dirty part to the last new file: what the child does.

    1. map       the dirty segments are read, until their end or until the map is full
    2. groups    of the segments before the map's end: as many neighbours as fit into a new one
    3. write     each group anew: 00..0.log.cleaned and its indexes, synced, as old as before

Blocking, and nothing but files: the caller is told of each group that is done, and goes on when its
files are in place.

Source: Kafka's `Cleaner.doClean`, `cleanSegments`, `groupSegmentsBySize`.
"""

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path

import attrs

from broker.log.cleaner.batch_retention import BatchRetention, LastBatch
from broker.log.cleaner.job import Cleaned, Job, Replacement, SegmentToRead
from broker.log.cleaner.offset_map import OffsetMap
from broker.log.cleaner.transactions import CleanedTransactions
from broker.log.disk import Disk
from broker.log.file_names import CLEANED
from broker.log.log_config import LogConfig
from broker.log.log_file import whole_batches
from broker.log.segment import MAX_RELATIVE_OFFSET, Segment
from broker.log.values import AbortedTransaction
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.record_batch import RecordBatch, batch_at

# The owner renames three files of each in its event loop: that many take it some milliseconds.
_MOST_IN_A_GROUP = 32


@attrs.frozen
class Cleaning:
    """`throttle` hears of every byte that is read or written, and may take its time.

    most_bytes: of a new segment, whatever segment.bytes says: an index can't point farther.
    """

    job: Job
    disk: Disk
    throttle: Callable[[int], None]
    most_bytes: int = 2**31 - 1

    def run(self) -> Generator[Replacement, None, Cleaned]:
        """Gives each group of segments that is written; goes on when asked for the next.

        OSError; CORRUPT_MESSAGE or INVALID_RECORD if the log can't be cleaned.
        """
        job = self.job
        remove_unfinished(self.disk, Path(job.directory))
        aborted = [AbortedTransaction(*fields) for fields in job.aborted]
        offsets = self._read_keys(CleanedTransactions(aborted, job.first_dirty_offset))
        end_offset = offsets.latest_offset + 1
        segments = [segment for segment in job.segments if segment.base_offset < end_offset]
        retention = BatchRetention(
            offsets,
            CleanedTransactions(aborted, segments[0].base_offset if segments else end_offset),
            {producer: LastBatch(epoch, last) for producer, epoch, last in job.producers},
            job.first_uncleanable_offset,
            job.now_ms,
            job.delete_retention_ms,
        )
        for group in grouped(
            segments, job.segment_bytes, job.segment_index_bytes, job.first_uncleanable_offset
        ):
            yield self._write_anew(group, retention)
        return Cleaned(end_offset, offsets.keys)

    # --- the map

    def _read_keys(self, transactions: CleanedTransactions) -> OffsetMap:
        job = self.job
        offsets = OffsetMap(
            job.first_dirty_offset, job.first_uncleanable_offset, job.map_bytes, job.load_factor
        )
        for to_read in job.segments:
            if to_read.end_offset <= job.first_dirty_offset:
                continue
            segment = self._segment(to_read)
            for batch in self._batches(
                segment, segment.offset_index.lookup(job.first_dirty_offset)
            ):
                if batch.end_offset <= job.first_dirty_offset:
                    continue
                batch.check_crc()
                if batch.is_control:
                    transactions.marks_nothing(batch)
                    goes_on = offsets.cover_to(batch.end_offset)
                elif transactions.is_aborted(batch) or not batch.count:
                    goes_on = offsets.cover_to(batch.end_offset)
                else:
                    goes_on = offsets.put_batch(batch, bytes(batch.opened()))
                if not goes_on:
                    return offsets
            offsets.cover_to(to_read.end_offset)  # compaction has left a gap there
        return offsets

    # --- the new segments

    def _write_anew(self, group: Sequence[SegmentToRead], retention: BatchRetention) -> Replacement:
        new = self._segment(group[0])
        new.go_by_suffix(CLEANED)
        new.size_bytes = 0
        new.create_files()
        writing = _Writing(new, self.job.buffer_bytes, self.throttle)
        # A batch whose delete horizon begins grows, by less than it was.
        room_bytes = self.most_bytes - sum(each.size_bytes for each in group)
        for to_read in group:
            for batch in self._batches(self._segment(to_read), 0):
                room_bytes += batch.size_bytes
                kept = retention.keep(batch, may_grow=room_bytes >= 2 * batch.size_bytes)
                if kept is not None:
                    room_bytes -= len(kept)
                    writing.add(batch, kept)
        writing.finish()
        for aborted in retention.transactions.take_marked():
            new.transaction_index.append(aborted)
        new.become_inactive()
        for file in new.files_to_sync():
            self.disk.sync(file)
        # Retention by time takes a segment without timestamps to be as old as its file.
        last = Path(self._segment(group[-1]).path).stat()
        os.utime(new.path, ns=(last.st_atime_ns, last.st_mtime_ns))
        return Replacement(tuple(each.base_offset for each in group), new.size_bytes)

    def _segment(self, to_read: SegmentToRead) -> Segment:
        job = self.job
        config = LogConfig(
            segment_index_bytes=job.segment_index_bytes,
            index_interval_bytes=job.index_interval_bytes,
        )
        segment = Segment(
            self.disk, Path(job.directory), to_read.base_offset, config, created_ms=job.now_ms
        )
        segment.size_bytes = to_read.size_bytes
        return segment

    def _batches(self, segment: Segment, position: int) -> Iterator[RecordBatch]:
        """From `position` to the end; CORRUPT_MESSAGE if the last one isn't whole."""
        end = position
        for at, batch in whole_batches(
            segment.file(), position, segment.size_bytes, self.job.buffer_bytes
        ):
            self.throttle(batch.size_bytes)
            end = at + batch.size_bytes
            yield batch
        if end != segment.size_bytes:
            raise KafkaError(
                ErrorCode.CORRUPT_MESSAGE, f"{segment.path} has no whole batch at byte {end}"
            )


@attrs.define
class _Writing:
    """What is kept, collected to be written in large pieces."""

    segment: Segment
    buffer_bytes: int
    throttle: Callable[[int], None]
    _batches: list[RecordBatch] = attrs.field(factory=list, init=False)
    _pieces: list[memoryview | bytearray] = attrs.field(factory=list, init=False)
    _size_bytes: int = attrs.field(default=0, init=False)

    def add(self, batch: RecordBatch, kept: memoryview | bytearray) -> None:
        """`kept` is what stays of `batch`."""
        if kept is not batch.view:
            batch = batch_at(memoryview(kept), 0, len(kept))
        self._batches.append(batch)
        self._pieces.append(kept)
        self._size_bytes += batch.size_bytes
        if self._size_bytes >= self.buffer_bytes:
            self.finish()

    def finish(self) -> None:
        """Write what there is."""
        if self._batches:
            self.segment.append(self._batches, b"".join(self._pieces))
            self.throttle(self._size_bytes)
            self._batches, self._pieces, self._size_bytes = [], [], 0


def remove_unfinished(disk: Disk, directory: Path) -> None:
    """What an earlier round left: the loader would take a later `.swap` to be half done, too."""
    for path in list(directory.glob(f"*{CLEANED}")):
        disk.unlink(path)


def grouped(
    segments: Sequence[SegmentToRead],
    segment_bytes: int,
    index_bytes: int,
    first_uncleanable_offset: int,
) -> Iterator[list[SegmentToRead]]:
    """Neighbours that fit into one segment together, by size, indexes and the range of offsets.

    They are not too many either: what is left of thousands becomes one over several rounds.
    """
    group: list[SegmentToRead] = []
    for number, segment in enumerate(segments):
        is_last = number + 1 == len(segments)
        end_offset = first_uncleanable_offset if is_last else segments[number + 1].base_offset
        if group and not (
            len(group) < _MOST_IN_A_GROUP
            and sum(each.size_bytes for each in group) + segment.size_bytes <= segment_bytes
            and sum(each.offset_index_bytes for each in group) + segment.offset_index_bytes
            <= index_bytes
            and sum(each.time_index_bytes for each in group) + segment.time_index_bytes
            <= index_bytes
            and (
                segment.size_bytes == 0
                or end_offset - 1 - group[0].base_offset <= MAX_RELATIVE_OFFSET
            )
        ):
            yield group
            group = []
        group.append(segment)
    if group:
        yield group
