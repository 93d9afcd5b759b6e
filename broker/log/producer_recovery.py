"""Bringing the producers' state to where the log ends: after a start, and after a truncation.

The state is what the newest snapshot holds, and what the batches after it add. A batch's header
says it all, but for a transaction marker, whose record has the coordinator's epoch. Most
truncations cut off little, and take back what that had changed (`producer_history`).

Source: Kafka's `UnifiedLog.rebuildProducerState`, `ProducerStateManager.truncateAndReload`.
"""

from broker.log.producer_snapshots import ProducerSnapshots
from broker.log.producer_state import ProducerState
from broker.log.segments import Segments


def rebuild_producers(
    segments: Segments,
    producers: ProducerState,
    snapshots: ProducerSnapshots,
    log_start_offset: int,
    end_offset: int,
    now_ms: int,
) -> None:
    """Bring `producers` to `end_offset`: the newest snapshot, then the batches after it.

    Also those before the log start offset that are still there: a transaction that is open in the
    snapshot may have its marker among them, and would stay open. (Kafka leaves them out.)
    """
    snapshot = snapshots.latest(end_offset)
    if snapshot is None:
        producers.reset([], log_start_offset, now_ms)
    else:
        producers.reset(snapshot[1], snapshot[0], now_ms)
    for segment in segments.from_floor(producers.end_offset) if len(segments) else ():
        if segment.base_offset >= end_offset:
            break  # not recovered yet, perhaps
        for position, header in segment.headers(producers.end_offset):
            if header.base_offset >= end_offset:
                break
            if header.is_control:
                producers.update(segment.read_batch(position, header.size_bytes))
            else:
                producers.update(header)
    producers.end_offset = end_offset


def truncate_producers(
    segments: Segments,
    producers: ProducerState,
    snapshots: ProducerSnapshots,
    log_start_offset: int,
    end_offset: int,
    now_ms: int,
) -> None:
    """Forget what was cut off at `end_offset`: nothing, if no producer wrote so late."""
    snapshots.delete_after(end_offset)
    if producers.changed_end_offset > end_offset and not producers.take_back(end_offset):
        rebuild_producers(segments, producers, snapshots, log_start_offset, end_offset, now_ms)
    producers.end_offset = end_offset
