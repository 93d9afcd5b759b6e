"""What a workload gives: named numbers that know which way they want to go."""

import math
from collections.abc import Collection

import attrs


@attrs.frozen
class Figure:
    """One number of one contender in one round, as `workload` (w1) and `what` (throughput)."""

    workload: str
    what: str
    value: float
    unit: str
    more_is_better: bool

    @property
    def name(self) -> str:
        return f"{self.workload}: {self.what}"


def latencies(workload: str, what: str, values_ms: Collection[float]) -> list[Figure]:
    """The three that are quoted."""
    return [
        Figure(workload, f"{what} p{percent:g}", percentile(values_ms, percent), "ms", False)
        for percent in (50, 99, 99.9)
    ]


def percentile(values: Collection[float], percent: float) -> float:
    """The least of the values that so many percent of them do not exceed (nearest rank)."""
    if not values:
        raise ValueError("no values")
    rank = math.ceil(round(len(values) * percent / 100, 6))
    return sorted(values)[max(rank, 1) - 1]
