"""Whether a segment's indexes can be its own, and how it is made whole again.

    .log   │ batch │ batch │ batch │ bat          the machine stopped here
                                   ▲
                                   cut; .index, .timeindex and .txnindex are written anew
                                   from the batches before

Source: Kafka's `LogSegment.recover`, `sanityCheck`.
"""

from collections.abc import Callable
from pathlib import Path

from broker.log.log_file import whole_batches
from broker.log.segment import MAX_RELATIVE_OFFSET, Segment
from broker.wire.errors import KafkaError
from broker.wire.record_batch import NO_TIMESTAMP, RecordBatch


def is_sound(segment: Segment) -> bool:
    """Whether the indexes are there and could be this log file's."""
    return (
        Path(segment.offset_index.path).exists()
        and Path(segment.time_index.path).exists()
        and segment.offset_index.is_sound(segment.size_bytes)
        and segment.time_index.is_sound()
        and segment.transaction_index.is_sound()
    )


def recover(segment: Segment, seen: Callable[[RecordBatch], None]) -> int:
    """Check every batch, cut at the first bad one, rebuild the indexes; bytes cut.

    `seen` hears of each good batch in turn (for the leader epochs and the producers' state),
    and adds to the transaction index what only the producers' state knows.
    """
    segment.empty_indexes()
    size_bytes = segment.size_bytes
    largest = (NO_TIMESTAMP, segment.base_offset)
    end, indexed_at, end_offset = 0, 0, segment.base_offset
    try:
        for position, batch in whole_batches(segment.file(), 0, size_bytes):
            batch.check_crc()
            last_offset = batch.last_offset
            if batch.base_offset < end_offset or last_offset < batch.base_offset:
                break
            if last_offset - segment.base_offset > MAX_RELATIVE_OFFSET:
                break
            if batch.max_timestamp_ms > largest[0]:
                largest = (batch.max_timestamp_ms, last_offset)
            if position - indexed_at > segment.index_interval_bytes:
                segment.offset_index.append(last_offset, position)
                segment.time_index.append_if_later(*largest)
                indexed_at = position
            seen(batch)
            end = position + batch.size_bytes
            end_offset = last_offset + 1
    except KafkaError:
        pass  # CORRUPT_MESSAGE: what follows was never wholly written
    segment.end_at(end, largest)
    return size_bytes - end
