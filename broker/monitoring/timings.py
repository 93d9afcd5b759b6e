"""Durations by the thousand: their count, their sum, and quantiles of the newest.

The quantiles are those of the newest 1,024, worked out when they're asked for: under load that is
the last second or so, on a quiet broker the last hour. (Kafka's histograms keep 1,028 of five
minutes, the later the likelier.)

What has many durations at once (the phases of a request) writes them down as one row, which costs
no more than one of them; rows are taken into the columns a hundred at a time, by loops that Python
has in C.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import attrs

from broker.monitoring.text_format import NO_LABELS, Sample

NEWEST: Final = 1024  # a power of two
# Those that Kafka's histograms have.
QUANTILES: Final = (0.5, 0.75, 0.95, 0.98, 0.99, 0.999)
# Rows that wait: a divisor of NEWEST, so that they always fit behind one another.
ROWS_AT_ONCE: Final = 128


@attrs.define(eq=False)
class Timings:
    """In the unit that its user chooses."""

    count: int = attrs.field(default=0, init=False)
    sum: float = attrs.field(default=0.0, init=False)
    _newest: "array[float]" = attrs.field(factory=lambda: array("d", bytes(8 * NEWEST)), init=False)

    def add(self, duration: float) -> None:
        self._newest[self.count % NEWEST] = duration
        self.count += 1
        self.sum += duration

    def add_all(self, durations: Sequence[float]) -> None:
        """As many as `NEWEST` at most."""
        begin = self.count % NEWEST
        room = NEWEST - begin
        self._newest[begin : begin + len(durations)] = array("d", durations[:room])
        self._newest[: len(durations[room:])] = array("d", durations[room:])
        self.count += len(durations)
        self.sum += sum(durations)

    def quantile(self, part: float) -> float:
        """What `part` of the newest are not longer than; NaN of none."""
        return _quantile(self._sorted(), part)

    def samples(self, labels: Mapping[str, str] = NO_LABELS) -> Iterator[Sample]:
        """Those of a summary."""
        newest = self._sorted()
        for part in QUANTILES:
            yield Sample(_quantile(newest, part), {**labels, "quantile": str(part)})
        yield Sample(self.sum, labels, "_sum")
        yield Sample(self.count, labels, "_count")

    def _sorted(self) -> list[float]:
        return sorted(self._newest[: min(self.count, NEWEST)])


def _quantile(ordered: list[float], part: float) -> float:
    if not ordered:
        return float("nan")
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


@attrs.define(eq=False)
class TimingsTable:
    """Rows of durations; `columns()` has the timings of each column."""

    width: int
    _columns: tuple[Timings, ...] = attrs.field(init=False)
    _waiting: list[tuple[float, ...]] = attrs.field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        self._columns = tuple(Timings() for _ in range(self.width))

    def add(self, row: tuple[float, ...]) -> None:
        self._waiting.append(row)
        if len(self._waiting) == ROWS_AT_ONCE:
            self.columns()

    def columns(self) -> tuple[Timings, ...]:
        """With all rows that were added."""
        for column, durations in zip(self._columns, zip(*self._waiting, strict=True), strict=False):
            column.add_all(durations)
        self._waiting.clear()
        return self._columns
