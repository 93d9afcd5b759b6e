"""Medians, ratios, and where they go."""

import json
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import attrs

from tests.bench.contenders import Kind
from tests.bench.workloads import Figure


@attrs.frozen
class Measured:
    """One figure of one contender in one round."""

    kind: Kind
    figure: Figure


@attrs.frozen
class Row:
    """A figure of both, over all rounds. `ratio` is zbroker's median to Kafka's."""

    name: str
    unit: str
    more_is_better: bool
    zbroker: float
    kafka: float
    zbroker_rounds: tuple[float, ...]
    kafka_rounds: tuple[float, ...]

    @property
    def ratio(self) -> float:
        return self.zbroker / self.kafka if self.kafka else float("inf")


def rows(measured: Iterable[Measured]) -> list[Row]:
    """In the order in which the figures first came."""
    values: dict[str, dict[Kind, list[float]]] = defaultdict(lambda: {"zbroker": [], "kafka": []})
    figures: dict[str, Figure] = {}
    for each in measured:
        figures.setdefault(each.figure.name, each.figure)
        values[each.figure.name][each.kind].append(each.figure.value)
    return [
        Row(
            name,
            figures[name].unit,
            figures[name].more_is_better,
            statistics.median(of["zbroker"]),
            statistics.median(of["kafka"]),
            tuple(of["zbroker"]),
            tuple(of["kafka"]),
        )
        for name, of in values.items()
        if of["zbroker"] and of["kafka"]
    ]


def table(found: Sequence[Row]) -> str:
    lines = [f"{'':36} {'zbroker':>10} {'Kafka':>10}  {'ratio':>6}   unit"]
    for row in found:
        wish = "more is better" if row.more_is_better else "less is better"
        lines.append(
            f"{row.name:36} {row.zbroker:10.2f} {row.kafka:10.2f}  {row.ratio:5.2f}x   "
            f"{row.unit} ({wish})"
        )
    return "\n".join(lines)


def write_json(path: Path, found: Sequence[Row], **about: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {**about, "rows": [{**attrs.asdict(row), "ratio": row.ratio} for row in found]}
    path.write_text(json.dumps(document, indent=1) + "\n")
