"""Finding records in a log's segments: by offset for Fetch, by timestamp for ListOffsets.

Source: Kafka's `LocalLog.read`, `LogSegment.read`, `UnifiedLog.fetchOffsetByTimestamp`.
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
    Slice,
    TimestampOffset,
)
from broker.wire.record_batch import NO_TIMESTAMP


def read_slice(
    segments: Segments,
    start_offset: int,
    max_bytes: int,
    end_offset: int,
    log_end_offset: int,
    *,
    min_one: bool,
) -> Slice:
    """The batches from the one that holds `start_offset` on, before `end_offset`.

    It ends with a segment at the latest; the next read goes on in the following one. A segment
    may hold nothing from `start_offset` on (compaction): then the next one is looked at.
    """
    if start_offset < end_offset:
        for segment in segments.from_floor(start_offset):
            found = segment.find(start_offset)
            if found is None:
                continue
            limit = _end_position(segments, segment, end_offset, log_end_offset)
            size_bytes = limit - found.position
            if found.size_bytes <= max_bytes:
                size_bytes = min(size_bytes, max_bytes)
            else:
                size_bytes = min(size_bytes, found.size_bytes) if min_one else 0
            if size_bytes <= 0:
                return Slice(start_offset, (), 0, segment.base_offset, found.position)
            region = segment.region(found.position, size_bytes)
            return Slice(start_offset, (region,), size_bytes, segment.base_offset, found.position)
    active = segments.active
    return Slice(start_offset, (), 0, active.base_offset, active.size_bytes)


def _end_position(
    segments: Segments, segment: Segment, end_offset: int, log_end_offset: int
) -> int:
    """The position in `segment` up to which a read may go."""
    if end_offset >= log_end_offset:
        return segment.size_bytes
    following = segments.after(segment)
    if following is not None and following.base_offset <= end_offset:
        return segment.size_bytes
    last = segment.find(end_offset)
    return segment.size_bytes if last is None else last.position


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
        return latest.record_of_largest_timestamp()
    for segment in segments:
        if segment.largest()[0] >= timestamp_ms:
            return segment.find_timestamp(timestamp_ms, log_start_offset)
    return None


def _bound(offset: int, leader_epoch: int | None) -> TimestampOffset:
    """The first or the last offset, which no record need have."""
    epoch = UNDEFINED_EPOCH if leader_epoch is None else leader_epoch
    return TimestampOffset(NO_TIMESTAMP, offset, epoch)
