"""Medians and ratios of what was measured."""

import statistics
from collections import defaultdict
from collections.abc import Iterable

import attrs

from tests.bench.contenders import Kind
from tests.bench.figures import Figure


@attrs.frozen
class Measured:
    """One figure of one contender in one round."""

    kind: Kind
    figure: Figure


@attrs.frozen
class Row:
    """A figure of both, over all rounds. `ratio` is zbroker's median to Kafka's."""

    workload: str
    what: str
    unit: str
    more_is_better: bool
    zbroker_rounds: tuple[float, ...]
    kafka_rounds: tuple[float, ...]

    @property
    def zbroker(self) -> float:
        return statistics.median(self.zbroker_rounds)

    @property
    def kafka(self) -> float:
        return statistics.median(self.kafka_rounds)

    @property
    def ratio(self) -> float:
        if self.kafka:
            return self.zbroker / self.kafka
        return float("inf") if self.zbroker else 1.0


def rows(measured: Iterable[Measured]) -> list[Row]:
    """In the order in which the figures first came; what only one of the two gave is left out."""
    values: dict[tuple[str, str], dict[Kind, list[float]]]
    values = defaultdict(lambda: {"zbroker": [], "kafka": []})
    figures: dict[tuple[str, str], Figure] = {}
    for each in measured:
        key = each.figure.workload, each.figure.what
        figures.setdefault(key, each.figure)
        values[key][each.kind].append(each.figure.value)
    return [
        Row(
            *key,
            figures[key].unit,
            figures[key].more_is_better,
            tuple(of["zbroker"]),
            tuple(of["kafka"]),
        )
        for key, of in values.items()
        if of["zbroker"] and of["kafka"]
    ]
