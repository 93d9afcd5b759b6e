"""The read path: from an offset to the segment and position of its batch, to a region of the file.

    offset ──► segments, by bisection ──► segment: index, then a few headers ──► region
                                                                                  up to max_bytes,
                                                                                  the end offset,
                                                                                  the segment's end

With isolation level read_committed the aborted transactions come along that have records in what
was read. Where that ends is known by the index only, so a few may have none.

Source: Kafka's `LocalLog.read`, `addAbortedTransactions`, `LogSegment.read`.
"""

from broker.log.segment import Segment
from broker.log.segments import Segments
from broker.log.values import AbortedTransaction, Slice


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


def aborted_transactions(
    segments: Segments, start_offset: int, end_offset: int
) -> list[AbortedTransaction]:
    """Those with records in start_offset..end_offset; the markers may lie in later segments."""
    found: list[AbortedTransaction] = []
    for segment in segments.with_aborted_from(start_offset):
        if segment.transaction_index.search(start_offset, end_offset, found):
            break
    return found


def end_offset_of(segments: Segments, found: Slice, end_offset: int) -> int:
    """Not far behind the last record of a slice, which was read up to `end_offset`."""
    segment = next(segments.from_floor(found.segment_base_offset))
    indexed = segment.offset_index.offset_from(found.position + found.size_bytes)
    if indexed is None:
        following = segments.after(segment)
        indexed = end_offset if following is None else following.base_offset
    return min(indexed, end_offset)


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
