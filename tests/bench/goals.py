"""What is asked of zbroker beside Kafka: each row of the report that has a goal, and how it stands.

A goal is a ratio, zbroker's median to Kafka's in the same run; one row, the limit, is judged by
zbroker's own value, which is a ratio already: of a plain `sendfile` loop's throughput.

        more is better    0 ─── missed ─── at least ─── at least ─── goal ─── goal ───▶
        less is better    0 ─── goal ─── goal ─── at least ─── at least ─── missed ──▶
"""

from enum import Enum

import attrs

from tests.bench.report import Row


class Verdict(Enum):
    GOAL = "goal"
    AT_LEAST = "at least"
    MISSED = "missed"


@attrs.frozen
class Goal:
    """Holds for one figure, `what`, of each of the workloads."""

    workloads: tuple[str, ...]
    what: str
    goal: float
    at_least: float
    is_of_value: bool = False  # of zbroker's own value, not of the ratio to Kafka

    def judged(self, row: Row) -> float:
        return row.zbroker if self.is_of_value else row.ratio

    def verdict(self, row: Row) -> Verdict:
        sign = 1 if row.more_is_better else -1
        judged = sign * self.judged(row)
        if judged >= sign * self.goal:
            return Verdict.GOAL
        return Verdict.AT_LEAST if judged >= sign * self.at_least else Verdict.MISSED


GOALS: tuple[Goal, ...] = (
    Goal(("w1", "w2", "w5", "w8-lz4", "w8-zstd"), "throughput", 1.7, 1.3),
    Goal(("w3", "w9"), "throughput", 1.2, 1.0),
    Goal(("w4",), "acknowledged p99", 0.5, 1.0),
    Goal(("w4",), "consumed p99", 0.5, 1.0),
    Goal(("w1", "w2", "w5"), "broker CPU", 0.25, 0.4),
    Goal(("w11-memory",), "resident", 0.2, 0.35),
    Goal(("w11-start",), "first record", 0.3, 0.5),
    Goal(("w11-controller",), "failover", 0.5, 1.0),
    Goal(("w11-leader",), "next acknowledgement", 0.5, 1.0),
    Goal(("limit",), "of sendfile", 0.8, 0.6, is_of_value=True),
)


def goal_of(row: Row) -> Goal | None:
    """The goal that judges this row; most rows have none."""
    for goal in GOALS:
        if row.workload in goal.workloads and row.what == goal.what:
            return goal
    return None
