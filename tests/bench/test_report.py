"""Medians, ratios, verdicts, and what is printed of them."""

import pytest

from tests.bench.contenders import Kind
from tests.bench.figures import Figure
from tests.bench.goals import GOALS, Verdict, goal_of
from tests.bench.report import Measured, Row, rows
from tests.bench.suites import WORKLOADS, chosen
from tests.bench.table import table

ABOUT = {name: workload.about for name, workload in WORKLOADS.items()}


def measured(kind: Kind, *values: float) -> list[Measured]:
    return [
        Measured(kind, Figure("w1", "throughput", value, "MB/s", more_is_better=True))
        for value in values
    ]


def row(workload: str, what: str, zbroker: float, kafka: float, more_is_better: bool) -> Row:
    return Row(workload, what, "", more_is_better, (zbroker,), (kafka,))


def test_what_counts_is_the_median_of_the_rounds() -> None:
    [found] = rows([*measured("zbroker", 90.0, 170.0, 171.0), *measured("kafka", 100.0, 10, 110)])
    assert (found.zbroker, found.kafka, found.ratio) == (170.0, 100.0, 1.7)
    assert found.kafka_rounds == (100.0, 10, 110)


def test_a_figure_of_one_contender_only_is_no_row() -> None:
    assert rows(measured("zbroker", 1.0)) == []


def test_a_ratio_to_nothing_is_infinite_and_of_nothing_to_nothing_one() -> None:
    assert row("w7", "idle CPU", 0.1, 0.0, False).ratio == float("inf")
    assert row("w7", "idle CPU", 0.0, 0.0, False).ratio == 1.0


@pytest.mark.parametrize(
    ("zbroker", "verdict"),
    [(171, Verdict.GOAL), (169, Verdict.AT_LEAST), (131, Verdict.AT_LEAST), (129, Verdict.MISSED)],
)
def test_more_throughput_is_better(zbroker: float, verdict: Verdict) -> None:
    found = row("w1", "throughput", zbroker, 100.0, True)
    goal = goal_of(found)
    assert goal is not None
    assert goal.verdict(found) is verdict


@pytest.mark.parametrize(
    ("zbroker", "verdict"),
    [(5.0, Verdict.GOAL), (5.1, Verdict.AT_LEAST), (10.0, Verdict.AT_LEAST), (11, Verdict.MISSED)],
)
def test_less_latency_is_better_and_a_goal_that_is_just_met_is_met(
    zbroker: float, verdict: Verdict
) -> None:
    found = row("w4", "acknowledged p99", zbroker, 10.0, False)
    goal = goal_of(found)
    assert goal is not None
    assert goal.verdict(found) is verdict


def test_the_limit_is_judged_by_its_own_value() -> None:
    found = row("limit", "of sendfile", 0.7, 0.1, True)
    goal = goal_of(found)
    assert goal is not None
    assert goal.verdict(found) is Verdict.AT_LEAST


def test_most_figures_have_no_goal() -> None:
    assert goal_of(row("w2", "switches, voluntary", 1.0, 1.0, False)) is None


def test_each_goal_names_workloads_that_there_are_and_asks_more_than_at_least() -> None:
    for goal in GOALS:
        assert set(goal.workloads) <= WORKLOADS.keys()
        assert goal.goal != goal.at_least


def test_the_table_says_what_was_reached_beside_what_was_asked() -> None:
    text = table(
        [
            row("w1", "throughput", 150.0, 100.0, True),
            row("w1", "p99", 1.0, 2.0, False),
            row("w3", "throughput", 99.0, 100.0, True),
        ],
        ABOUT,
    )
    lines = text.split("\n")
    assert lines[2] == "w1: produce 1,000 B, acks=1, RF 1, 128 KiB batches"
    assert "1.50x" in lines[3]
    assert "[AT LEAST: goal 1.7x, at least 1.3x]" in lines[3]
    assert lines[4].endswith("less is better")
    assert "[MISSED: goal 1.2x, at least 1x]" in lines[7]
    assert lines[-1] == "2 figures with a goal: 0 goal, 1 at least, 1 missed; medians of 1 rounds."


def test_workloads_are_chosen_by_their_names_and_their_suites() -> None:
    assert [(name, len(suite)) for name, suite in chosen(("w5", "w1", "groups")).items()] == [
        ("life", 2),
        ("groups", 1),
    ]
    assert [workload.name for workload in chosen(("w5", "w1"))["life"]] == ["w1", "w5"]
