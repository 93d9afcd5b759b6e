"""Which log is cleaned next: the one with the largest part dirty, if that is enough.

    log start         first dirty               first uncleanable              log end
      ├──────────────────┼─────────────────────────────┼─────────────────────────┤
           clean bytes          cleanable bytes           the first of: the last stable offset,
                                                          the active segment, a segment with a
      ratio = cleanable / (clean + cleanable)             record since min.compaction.lag.ms

A log is due when its ratio is above min.cleanable.dirty.ratio, or when a dirty segment began longer
than max.compaction.lag.ms ago.

Source: Kafka's `LogCleanerManager.grabFilthiestCompactedLog`, `cleanableOffsets`, `LogToClean`.
"""

from collections.abc import Iterable

import attrs

from broker.log.log_config import LONG_MAX
from broker.log.partition_log import PartitionLog
from broker.log.segment import Segment


@attrs.frozen(eq=False)
class LogToClean:
    """`segments` are all before the first uncleanable offset; offsets are those of segments."""

    log: PartitionLog
    first_dirty_offset: int
    first_uncleanable_offset: int
    segments: tuple[Segment, ...]
    clean_bytes: int
    cleanable_bytes: int
    waited_too_long: bool

    @property
    def ratio(self) -> float:
        total_bytes = self.clean_bytes + self.cleanable_bytes
        return self.cleanable_bytes / total_bytes if total_bytes else 0.0

    @property
    def is_due(self) -> bool:
        if self.cleanable_bytes and self.waited_too_long:
            return True
        return self.ratio > self.log.config.min_cleanable_dirty_ratio


def filthiest(logs: Iterable[PartitionLog], now_ms: int) -> LogToClean | None:
    """Of the logs that are due, the one with the highest ratio. Raises what their storage does."""
    due = [found for log in logs if (found := look_at(log, now_ms)).is_due]
    return max(due, key=lambda found: found.ratio, default=None)


def look_at(log: PartitionLog, now_ms: int) -> LogToClean:
    """How a log stands."""
    with log.local.storage:
        first_dirty_offset = first_dirty_offset_of(log)
        dirty = [
            segment
            for segment in log.local.segments.from_floor(first_dirty_offset)
            if segment is not log.local.segments.active
        ]
        first_uncleanable_offset = _first_uncleanable_offset(log, dirty, now_ms)
        segments = tuple(
            segment
            for segment in log.local.segments
            if segment.base_offset < first_uncleanable_offset
        )
        return LogToClean(
            log,
            first_dirty_offset,
            max(first_uncleanable_offset, first_dirty_offset),
            segments,
            sum(each.size_bytes for each in segments if each.base_offset < first_dirty_offset),
            sum(each.size_bytes for each in dirty if each.base_offset < first_uncleanable_offset),
            _waited_too_long(log, dirty, now_ms),
        )


def first_dirty_offset_of(log: PartitionLog) -> int:
    """Where it was cleaned up to; its start, if that makes no sense any more."""
    cleaned_to = log.local.cleaned_to
    if cleaned_to is None or not log.log_start_offset <= cleaned_to <= log.log_end_offset:
        return log.log_start_offset
    return cleaned_to


def _first_uncleanable_offset(log: PartitionLog, dirty: list[Segment], now_ms: int) -> int:
    """The beginning of the first segment that may not be cleaned."""
    segments, config = log.local.segments, log.config
    offset = min(log.last_stable_offset, segments.active.base_offset)
    lag_ms = config.min_compaction_lag_ms
    if lag_ms > 0:
        young = (each for each in dirty if each.largest_timestamp_ms() > now_ms - lag_ms)
        offset = min(offset, next((each.base_offset for each in young), offset))
    if offset >= segments.active.base_offset:
        return segments.active.base_offset
    return next(segments.from_floor(offset)).base_offset


def _waited_too_long(log: PartitionLog, dirty: list[Segment], now_ms: int) -> bool:
    lag_ms = log.config.max_compaction_lag_ms
    if lag_ms == LONG_MAX:  # the default: no need to look into every segment
        return False
    return any(0 < each.first_timestamp_ms() < now_ms - lag_ms for each in dirty)
