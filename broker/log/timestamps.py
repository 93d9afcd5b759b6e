"""Offsets by timestamp, as ListOffsets asks for them: a time, or a name for an offset.

Source: Kafka's `UnifiedLog.fetchOffsetByTimestamp`, `ListOffsetsRequest`.
"""

from broker.log.leader_epochs import LeaderEpochs
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
        return latest.record_of_largest_timestamp()
    for segment in segments:
        if segment.largest()[0] >= timestamp_ms:
            return segment.find_timestamp(timestamp_ms, log_start_offset)
    return None


def _bound(offset: int, leader_epoch: int | None) -> TimestampOffset:
    """The first or the last offset, which no record need have."""
    epoch = UNDEFINED_EPOCH if leader_epoch is None else leader_epoch
    return TimestampOffset(NO_TIMESTAMP, offset, epoch)
