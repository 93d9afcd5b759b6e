"""Letting a log's beginning go: its start offset moves up, and old segments are deleted.

    DeleteRecords ──► increment_log_start_offset ──► the segments before it are deletable
    size, time    ──► delete_old_segments ─────────► the start is the first segment that stays

Whole segments go, oldest first, and only below the high watermark, so that the log start offset
never passes it. A segment is deletable when it lies before the log start offset, or, with
cleanup.policy=delete, when the log without it still has retention.bytes, or when its latest record
is older than retention.ms.

Source: Kafka's `UnifiedLog.deleteOldSegments`, `maybeIncrementLogStartOffset`.
"""

from itertools import islice

from broker.log.log_config import LogConfig
from broker.log.parts import LogParts
from broker.log.segment import Segment
from broker.log.segments import Segments

# Of each three files are renamed in the event loop: that many take it some milliseconds.
_MOST_AT_ONCE = 32


def increment_log_start_offset(parts: LogParts, offset: int) -> bool:
    """See `PartitionLog.increment_log_start_offset`."""
    if not parts.watermarks.raise_log_start(offset):
        return False
    parts.local.flushing.started_at(offset)
    with parts.local.storage:
        parts.epochs.truncate_from_start(offset)
    parts.watermarks.start_moved.happened()
    return True


def delete_old_segments(parts: LogParts) -> int:
    """See `PartitionLog.delete_old_segments`."""
    local = parts.local
    if local.claim is not None:
        return 0  # compaction calls it when it's done with the log
    with local.storage:
        deletable = deletable_segments(
            local.segments,
            local.config,
            log_start_offset=parts.log_start_offset,
            log_end_offset=parts.log_end_offset,
            high_watermark=parts.watermarks.high_watermark,
            now_ms=parts.clock_ms(),
        )
        if not deletable:
            return 0
        if len(deletable) == len(local.segments):
            parts.roll(parts.log_end_offset)
        local.drop(deletable)
        start_offset = local.segments.first.base_offset
    if start_offset > parts.log_start_offset:
        increment_log_start_offset(parts, start_offset)
    return len(deletable)


def deletable_segments(
    segments: Segments,
    config: LogConfig,
    *,
    log_start_offset: int,
    log_end_offset: int,
    high_watermark: int,
    now_ms: int,
) -> list[Segment]:
    """The longest run of oldest segments of which each is past one of the limits, or its beginning.

    It may be all of them; then the caller must begin a new one first.
    """
    by_size = config.deletes_by_retention and config.retention_bytes >= 0
    by_time = config.deletes_by_retention and config.retention_ms >= 0
    excess_bytes = segments.size_bytes - config.retention_bytes if by_size else 0
    deletable = []
    for segment in islice(segments.from_floor(0), _MOST_AT_ONCE):
        following = segments.after(segment)
        end_offset = log_end_offset if following is None else following.base_offset
        if end_offset > high_watermark or (following is None and segment.size_bytes == 0):
            break
        before_start = following is not None and end_offset <= log_start_offset
        too_much = by_size and excess_bytes >= segment.size_bytes
        too_old = by_time and now_ms - segment.largest_timestamp_ms() > config.retention_ms
        if not (before_start or too_much or too_old):
            break
        excess_bytes -= segment.size_bytes
        deletable.append(segment)
    return deletable
