"""The table of event kinds and the code that records them say the same."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from broker.event_kinds import KINDS
from coordination.controller.story import state_facts
from coordination.values import LeaderAndIsr, TopicPartition

ROOT = Path(__file__).parents[2]
# What a recorder is called where it is used; Record is the controller's effect.
RECORDERS = {"record", "recorder", "_recorder", "headline", "events", "Record"}
SPREAD = {"state_facts": set(state_facts(TopicPartition("t", 0), LeaderAndIsr(1, 0, (1,), 1, 0)))}


@pytest.mark.long
def test_every_recorded_kind_and_fact_is_in_the_table() -> None:
    recorded = _recordings()
    assert recorded, "no recording was found: is a recorder called something else now?"
    undocumented = {
        (kind, *sorted(facts - set(KINDS.get(kind, ()))), where)
        for kind, facts, where in recorded
        if kind not in KINDS or not facts <= set(KINDS[kind])
    }
    assert undocumented == set()


def test_every_kind_in_the_table_is_recorded_with_all_its_facts() -> None:
    recorded: dict[str, set[str]] = {}
    for kind, facts, _ in _recordings():
        recorded.setdefault(kind, set()).update(facts)
    assert {kind: set(facts) for kind, facts in KINDS.items()} == recorded


@cache
def _recordings() -> list[tuple[str, set[str], str]]:
    """(kind, facts, file) of each call of a recorder with a literal kind."""
    recordings = []
    for package in ("broker", "coordination"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if (
                    isinstance(node, ast.Call)
                    and node.args
                    and _name(node.func) in RECORDERS
                    and isinstance(node.args[0], ast.Constant)
                    and isinstance(node.args[0].value, str)
                ):
                    where = str(path.relative_to(ROOT))
                    recordings.append((node.args[0].value, set(_facts(node)), where))
    return recordings


def _facts(call: ast.Call) -> Iterator[str]:
    for keyword in call.keywords:
        if keyword.arg is None:
            assert isinstance(keyword.value, ast.Call)
            yield from SPREAD[_name(keyword.value.func)]
        elif keyword.arg != "cause":
            yield keyword.arg
    for argument in call.args[1:]:
        if isinstance(argument, ast.Dict):
            yield from (key.value for key in argument.keys if isinstance(key, ast.Constant))


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
