"""Offsets by timestamp, as ListOffsets asks for them: a time, or a name for an offset.

    -1, -2, -4, -5   an offset's name  ──► named_offset: known at once
    -3               ──► latest: the largest timestamp, and where about
    a time           ──► candidate: the first batch that may hold its record, by index and headers
                           │ Candidate.find, in a thread
                           ▼
                         the record, or the next candidate

To find a record its batch must be opened and its records decoded, which takes long for a large one.
So that is a value, for another thread to do (`broker.replica.timestamp_search`).

Before records had timestamps, version 0 of ListOffsets asked for something else: where the segments
begin that were last written to before a time (`segment_starts_before`).

Source: Kafka's `UnifiedLog.fetchOffsetByTimestamp`, `UnifiedLog.legacyFetchOffsetsBefore`,
`ListOffsetsRequest`.
"""

import os
from itertools import islice
from operator import itemgetter

import attrs

from broker.log.leader_epochs import LeaderEpochs
from broker.log.segments import Segments
from broker.log.values import (
    EARLIEST_LOCAL_TIMESTAMP,
    EARLIEST_TIMESTAMP,
    LATEST_TIERED_TIMESTAMP,
    LATEST_TIMESTAMP,
    UNDEFINED_EPOCH,
    TimestampOffset,
)
from broker.wire.record_batch import NO_TIMESTAMP, batch_at
from broker.wire.regions import OpenFile

# Headers in the event loop: some milliseconds. The indexes leave few of them, but if the latest
# record of a segment lies before the log start.
MOST_LOOKED_AT = 2_000

NAMES = (EARLIEST_TIMESTAMP, EARLIEST_LOCAL_TIMESTAMP, LATEST_TIMESTAMP, LATEST_TIERED_TIMESTAMP)


def named_offset(
    name: int, epochs: LeaderEpochs, log_start_offset: int, log_end_offset: int
) -> TimestampOffset:
    """-1 the log end, -2 and -4 the log start, -5 tiered storage (there is none: offset -1)."""
    if name == LATEST_TIERED_TIMESTAMP:
        return TimestampOffset(NO_TIMESTAMP, -1)
    if name == LATEST_TIMESTAMP:
        return _bound(log_end_offset, epochs.latest)
    return _bound(log_start_offset, epochs.epoch_for_offset(log_start_offset))


@attrs.frozen
class Candidate:
    """A batch that may hold the first record that is not earlier than a time."""

    file: OpenFile
    position: int
    size_bytes: int
    timestamp_ms: int

    def find(self, start_offset: int) -> TimestampOffset | None:
        """The batch's first such record from `start_offset` on; for any thread.

        OSError, CORRUPT_MESSAGE, INVALID_RECORD. What the log has been cut back from meanwhile is
        any of these, or something else.
        """
        view = memoryview(os.pread(self.file.fd, self.size_bytes, self.position))
        if len(view) < self.size_bytes:
            return None
        batch = batch_at(view, 0, self.size_bytes)
        for record in batch.each_of(batch.opened()):
            if record.timestamp_ms >= self.timestamp_ms and record.offset >= start_offset:
                return TimestampOffset(record.timestamp_ms, record.offset, batch.leader_epoch)
        return None


def latest(segments: Segments) -> tuple[int, int]:
    """The largest timestamp, and the last offset of the first batch that has it."""
    return max((segment.largest() for segment in segments), key=itemgetter(0))


def candidate(
    segments: Segments, timestamp_ms: int, from_offset: int
) -> tuple[Candidate | None, int | None]:
    """The first from the batch that holds `from_offset` on, and where to look for the next one.

    None: there is no other. No candidate: not among as many batches as may be looked at on end.
    """
    for segment in segments.from_floor(from_offset):
        if segment.largest()[0] < timestamp_ms:
            continue
        from_offset = max(segment.time_index.lookup(timestamp_ms), from_offset)
        for position, header in islice(segment.headers(from_offset), MOST_LOOKED_AT):
            from_offset = header.end_offset
            if header.max_timestamp_ms >= timestamp_ms:
                file, size_bytes = segment.file(), header.size_bytes
                return Candidate(file, position, size_bytes, timestamp_ms), from_offset
        if from_offset < segment.next_offset():
            return None, from_offset
    return None, None


def segment_starts_before(
    segments: Segments,
    timestamp_ms: int,
    most: int,
    *,
    log_start_offset: int,
    log_end_offset: int,
    now_ms: int,
) -> list[int]:
    """At most so many starts of segments, the latest first; with -1 from the log end on.

    With a time, those of the segments whose files are not younger; with -2 the first alone.
    """
    starts = [
        (max(segment.base_offset, log_start_offset), segment.modified_ms()) for segment in segments
    ]
    if segments.active.size_bytes:
        starts.append((log_end_offset, now_ms))
    if timestamp_ms == EARLIEST_TIMESTAMP:
        starts = starts[:1]
    elif timestamp_ms != LATEST_TIMESTAMP:
        while starts and starts[-1][1] > timestamp_ms:
            starts.pop()
    return sorted((offset for offset, _ in starts[-most:]), reverse=True) if most > 0 else []


def _bound(offset: int, leader_epoch: int | None) -> TimestampOffset:
    """The first or the last offset, which no record need have."""
    epoch = UNDEFINED_EPOCH if leader_epoch is None else leader_epoch
    return TimestampOffset(NO_TIMESTAMP, offset, epoch)
