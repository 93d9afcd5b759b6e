"""The report as text: each workload's figures, and beside those that have a goal the verdict."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby

from tests.bench.goals import Verdict, goal_of
from tests.bench.report import Row


def table(found: Sequence[Row], about: Mapping[str, str]) -> str:
    """`about` says of each workload in a line what it is."""
    lines = [f"{'':28} {'zbroker':>10} {'Kafka':>10} {'ratio':>8}"]
    for workload, its_rows in groupby(found, key=lambda row: row.workload):
        lines += ["", f"{workload}: {about[workload]}"]
        lines += map(_line, its_rows)
    return "\n".join([*lines, "", _summary(found)])


def _line(row: Row) -> str:
    unit = f"{row.unit}, " if row.unit else ""
    wish = "more is better" if row.more_is_better else "less is better"
    line = f"  {row.what:26} {row.zbroker:10.2f} {row.kafka:10.2f} {row.ratio:7.2f}x  {unit}{wish}"
    goal = goal_of(row)
    if goal is None:
        return line
    own = " of its own value" if goal.is_of_value else ""
    bounds = f"goal {goal.goal:g}x, at least {goal.at_least:g}x{own}"
    return f"{line}   [{goal.verdict(row).value.upper()}: {bounds}]"


def _summary(found: Sequence[Row]) -> str:
    judged = [(goal, row) for row in found if (goal := goal_of(row)) is not None]
    counts = Counter(goal.verdict(row) for goal, row in judged)
    words = ", ".join(f"{counts[verdict]} {verdict.value}" for verdict in Verdict)
    rounds = min((len(row.zbroker_rounds) for row in found), default=0)
    return f"{len(judged)} figures with a goal: {words}; medians of {rounds} rounds."
