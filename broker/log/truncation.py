"""Cutting a log's end off: what a new leader doesn't have goes, from all parts of the log.

    files       segments after the offset are dropped, the one that holds it is cut
    epochs      those that began after it are forgotten
    producers   what the batches after it changed is taken back; or a snapshot, and what was since
    watermarks  move back if they were beyond it

Whether and where to cut is the follower's to find out: `broker.replica.truncation`.

Source: Kafka's `UnifiedLog.truncateTo`, `truncateFullyAndStartAt`.
"""

from broker.log.parts import LogParts
from broker.log.producer_recovery import truncate_producers


def truncate_to(parts: LogParts, offset: int) -> bool:
    """Drop every batch that holds `offset` or a later one; False if there is none."""
    local, watermarks = parts.local, parts.watermarks
    with local.storage:
        if offset >= local.log_end_offset:
            # This broker may have led and noted an epoch, and appended nothing in it.
            parts.epochs.truncate_from_end(local.log_end_offset)
            return False
        if offset < local.segments.first.base_offset:
            truncate_fully_and_start_at(parts, offset)
            return True
        local.truncate_to(offset)
        watermarks.log_start_offset = min(watermarks.log_start_offset, local.log_end_offset)
        parts.epochs.truncate_from_end(local.log_end_offset)
        truncate_producers(
            local.segments,
            parts.producers,
            parts.snapshots,
            watermarks.log_start_offset,
            local.log_end_offset,
            parts.clock_ms(),
        )
    watermarks.update_high_watermark(watermarks.high_watermark)
    return True


def truncate_fully_and_start_at(
    parts: LogParts, offset: int, log_start_offset: int | None = None
) -> None:
    """Drop everything; the next append is at `offset`, the log start there or as given."""
    with parts.local.storage:
        parts.local.truncate_fully_and_start_at(offset)
        parts.epochs.clear()
        parts.snapshots.delete_those(set(parts.snapshots.offsets))
        parts.producers.reset([], offset, parts.clock_ms())
    parts.watermarks.start_over(offset if log_start_offset is None else log_start_offset)
