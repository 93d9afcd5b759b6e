"""Offsets by timestamp, as ListOffsets asks for them: a time, or a name for an offset.

Before records had timestamps, version 0 of ListOffsets asked for something else: where the segments
begin that were last written to before a time (`segment_starts_before`).

Source: Kafka's `UnifiedLog.fetchOffsetByTimestamp`, `UnifiedLog.legacyFetchOffsetsBefore`,
`ListOffsetsRequest`.
"""

from broker.log.leader_epochs import LeaderEpochs
from broker.log.segment import Segment
from broker.log.segments import Segments
from broker.log.values import (
    EARLIEST_LOCAL_TIMESTAMP,
    EARLIEST_TIMESTAMP,
    LATEST_TIERED_TIMESTAMP,
    LATEST_TIMESTAMP,
    MAX_TIMESTAMP,
    UNDEFINED_EPOCH,
    TimestampOffset,
)
from broker.wire.record_batch import NO_TIMESTAMP


def find_timestamp(
    segments: Segments,
    epochs: LeaderEpochs,
    timestamp_ms: int,
    log_start_offset: int,
    log_end_offset: int,
) -> TimestampOffset | None:
    """The first record that is not earlier than `timestamp_ms`, or what a negative one stands for.

    -1 the log end, -2 and -4 the log start, -3 the latest record, -5 tiered storage (there is
    none: offset -1). None if there is no such record.
    """
    if timestamp_ms in (EARLIEST_TIMESTAMP, EARLIEST_LOCAL_TIMESTAMP):
        return _bound(log_start_offset, epochs.epoch_for_offset(log_start_offset))
    if timestamp_ms == LATEST_TIMESTAMP:
        return _bound(log_end_offset, epochs.latest)
    if timestamp_ms == LATEST_TIERED_TIMESTAMP:
        return TimestampOffset(NO_TIMESTAMP, -1)
    if timestamp_ms == MAX_TIMESTAMP:
        latest = max(segments, key=lambda segment: segment.largest()[0])
        return _of_largest_timestamp(latest)
    for segment in segments.from_floor(log_start_offset):
        if segment.largest()[0] >= timestamp_ms:
            found = _not_earlier(segment, timestamp_ms, log_start_offset)
            if found is not None:  # else its latest records lie before the log start
                return found
    return None


def _not_earlier(segment: Segment, timestamp_ms: int, start_offset: int) -> TimestampOffset | None:
    """The segment's first record from `start_offset` on that is not earlier."""
    from_offset = max(segment.time_index.lookup(timestamp_ms), start_offset)
    for position, header in segment.headers(from_offset):
        if header.max_timestamp_ms < timestamp_ms:
            continue
        batch = segment.read_batch(position, header.size_bytes)
        for record in batch.records():
            if record.timestamp_ms >= timestamp_ms and record.offset >= start_offset:
                return TimestampOffset(record.timestamp_ms, record.offset, batch.leader_epoch)
    return None


def _of_largest_timestamp(segment: Segment) -> TimestampOffset | None:
    """The segment's first record with its largest timestamp."""
    timestamp_ms, offset = segment.largest()
    for position, header in segment.headers(offset):
        if header.max_timestamp_ms == timestamp_ms:
            batch = segment.read_batch(position, header.size_bytes)
            for record in batch.records():
                if record.timestamp_ms == timestamp_ms:
                    return TimestampOffset(timestamp_ms, record.offset, batch.leader_epoch)
    return None


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
