"""A log's segments, in order of their first offsets: looked up by bisection."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from operator import attrgetter

from broker.log.segment import Segment


class Segments:
    """Never empty once the log is loaded; the last one is active."""

    def __init__(self) -> None:
        self._base_offsets: list[int] = []
        self._segments: list[Segment] = []
        # Of the inactive ones, those with aborted transactions; None until they are looked for.
        self._with_aborted: list[Segment] | None = None

    def __len__(self) -> int:
        return len(self._segments)

    def __iter__(self) -> Iterator[Segment]:
        return iter(list(self._segments))

    @property
    def first(self) -> Segment:
        return self._segments[0]

    @property
    def active(self) -> Segment:
        return self._segments[-1]

    @property
    def base_offsets(self) -> list[int]:
        return list(self._base_offsets)

    @property
    def size_bytes(self) -> int:
        return sum(segment.size_bytes for segment in self._segments)

    def add(self, segment: Segment) -> None:
        """After the last one, or in place of the one with the same first offset."""
        self._with_aborted = None
        if self._base_offsets and self._base_offsets[-1] == segment.base_offset:
            self._segments[-1] = segment
            return
        if self._base_offsets and self._base_offsets[-1] > segment.base_offset:
            raise ValueError(f"segment {segment.base_offset} after {self._base_offsets[-1]}")
        self._base_offsets.append(segment.base_offset)
        self._segments.append(segment)

    def remove(self, segment: Segment) -> None:
        self._with_aborted = None
        index = bisect_left(self._base_offsets, segment.base_offset)
        assert self._segments[index] is segment, "only what is in the log is removed"
        del self._segments[index], self._base_offsets[index]

    def replace(self, old: Sequence[Segment], new: Segment) -> None:
        """Put `new` in the place of neighbours, of which the first has its first offset."""
        self._with_aborted = None
        first = bisect_left(self._base_offsets, new.base_offset)
        assert self._segments[first : first + len(old)] == list(old), "only what is in the log"
        self._segments[first : first + len(old)] = [new]
        self._base_offsets[first : first + len(old)] = [new.base_offset]

    def __contains__(self, segment: Segment) -> bool:
        index = bisect_left(self._base_offsets, segment.base_offset)
        return index < len(self._segments) and self._segments[index] is segment

    def from_floor(self, offset: int) -> Iterator[Segment]:
        """The segment that `offset` falls into, and those after it; all if it lies before them.

        Looked up as they are taken: a fetch takes one of thousands. None may come or go meanwhile.
        """
        index = max(bisect_right(self._base_offsets, offset) - 1, 0)
        while index < len(self._segments):
            yield self._segments[index]
            index += 1

    def with_aborted_from(self, offset: int) -> Iterator[Segment]:
        """Of those `from_floor` the ones that may have aborted transactions in their index.

        Only the active one gets any. The others are looked at once, until segments come or go:
        most have none, and each fetch would go through all that follow it.
        """
        if self._with_aborted is None:
            self._with_aborted = [
                segment for segment in self._segments[:-1] if segment.transaction_index.count
            ]
        floor = next(self.from_floor(offset)).base_offset
        index = bisect_left(self._with_aborted, floor, key=attrgetter("base_offset"))
        while index < len(self._with_aborted):
            yield self._with_aborted[index]
            index += 1
        yield self.active

    def after(self, segment: Segment) -> Segment | None:
        index = bisect_right(self._base_offsets, segment.base_offset)
        return self._segments[index] if index < len(self._segments) else None
