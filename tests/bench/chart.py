"""The judged rows as a picture: zbroker to Kafka, on a logarithmic axis, with the goals.

A bar begins at 1, where both are the same. To the right is more, to the left is less; which of them
is wished for, the goal's mark shows.
"""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure as Picture
from matplotlib.ticker import FuncFormatter, LogLocator

from tests.bench.goals import Verdict, goal_of
from tests.bench.report import Row

COLOURS = {Verdict.GOAL: "#2a9d5c", Verdict.AT_LEAST: "#e0a526", Verdict.MISSED: "#c8443c"}
LEAST_RATIO = 0.01  # a logarithm needs more than nothing

mpl.use("agg")  # no window is opened


def draw(path: Path, found: Sequence[Row], title: str) -> None:
    """Write a PNG. Rows without a goal are not drawn."""
    judged = [(row, goal) for row in found if (goal := goal_of(row)) is not None]
    picture = Picture(figsize=(9, 1.4 + 0.38 * len(judged)), layout="constrained")
    axes = picture.subplots()
    axes.set_xscale("log")
    for position, (row, goal) in enumerate(judged):
        ratio = max(LEAST_RATIO, goal.judged(row))
        colour = COLOURS[goal.verdict(row)]
        axes.barh(position, ratio - 1, left=1, color=colour, height=0.6)
        axes.vlines([goal.goal], position - 0.42, position + 0.42, color="black", linewidth=2)
        axes.vlines([goal.at_least], position - 0.42, position + 0.42, color="grey", linewidth=1.5)
        beside = (1.01, position)
        axes.annotate(f"{ratio:.2f}×", beside, None, axes.get_yaxis_transform(), va="center")
    names = [
        f"{row.workload}: {row.what}" + (" (sendfile = 1)" if goal.is_of_value else "")
        for row, goal in judged
    ]
    axes.set_yticks(range(len(judged)), names, fontsize=8)
    axes.invert_yaxis()
    axes.axvline(1, color="black", linewidth=0.8)
    low, high = axes.get_xlim()
    axes.set_xlim(min(low, 0.1) * 0.7, max(high, 2.0) * 1.4)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×"))
    axes.set_xlabel("zbroker to Kafka   (black: goal, grey: at least)", fontsize=8)
    axes.set_title(title, fontsize=10)
    picture.savefig(path, dpi=120)
