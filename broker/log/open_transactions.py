"""The transactions of one log that a read_committed consumer can't see past.

        records of a transaction        marker
    ────┬────────────────────────────────┬─────────────────────────► log end
        │ open: nobody knows how it ends │ decided, but the marker may be lost │ high watermark
        └──────────── unstable ──────────┴─────────────────────────────────────┘ past the marker

A transaction is open from its producer's first batch to the marker of its coordinator. The marker
itself counts when it is replicated, so a decided transaction stays unstable until the high
watermark has passed the marker. Before the first unstable offset everything is decided for good.

Source: Kafka's `ProducerStateManager.firstUnstableOffset`, `TxnMetadata`.
"""

import itertools
from collections import OrderedDict
from collections.abc import Iterable

import attrs


@attrs.define
class OpenTransactions:
    """`first_unstable_offset` is where the first of them begins; None if there is none."""

    first_unstable_offset: int | None = attrs.field(default=None, init=False)
    # first offset -> producer id; ascending. Of a plain dict that is emptied from its front, the
    # first entry is found by walking over all that were there.
    _open: OrderedDict[int, int] = attrs.field(factory=OrderedDict, init=False)
    # first offset -> the marker's offset, of those whose marker isn't replicated
    _unreplicated: dict[int, int] = attrs.field(factory=dict, init=False)

    def reset(self, open_ones: Iterable[tuple[int, int]]) -> None:
        """Start over: with these (first offset, producer id), none of them decided."""
        self._open = OrderedDict(sorted(open_ones))
        self._unreplicated = {}
        self._find_first()

    @property
    def oldest_producer_id(self) -> int | None:
        """Whose transaction has been open for longest."""
        return next(iter(self._open.values()), None)

    def begin(self, first_offset: int, producer_id: int) -> None:
        """At the end of the log, so `_open` ascends."""
        self._open[first_offset] = producer_id
        if self.first_unstable_offset is None:
            self.first_unstable_offset = first_offset

    def end(self, first_offset: int, marker_offset: int) -> int:
        """Its marker is written; the last stable offset as soon as the marker is replicated."""
        del self._open[first_offset]
        self._unreplicated[first_offset] = marker_offset
        return next(iter(self._open), marker_offset + 1)

    def on_high_watermark(self, high_watermark: int) -> None:
        """What ended below it is decided for good."""
        if self._unreplicated:
            self._unreplicated = {
                first_offset: marker_offset
                for first_offset, marker_offset in self._unreplicated.items()
                if marker_offset >= high_watermark
            }
            self._find_first()

    def take_back(self, end_offset: int, open_then: Iterable[tuple[int, int]]) -> None:
        """The log ends at `end_offset` again; of those that changed since, these were open there.

        As for `reset`.
        """
        still_open = {first: who for first, who in self._open.items() if first < end_offset}
        self._open = OrderedDict(sorted((still_open | dict(open_then)).items()))
        self._unreplicated = {
            first_offset: marker_offset
            for first_offset, marker_offset in self._unreplicated.items()
            if marker_offset < end_offset
        }
        self._find_first()

    def _find_first(self) -> None:
        first_offsets = [*self._unreplicated, *itertools.islice(self._open, 1)]
        self.first_unstable_offset = min(first_offsets, default=None)
