"""`--until EXPR`: what it says, and what it does not understand."""

from typing import Any

import click
import pytest

from cli.commands.conditions import Condition, Until

FACTS: dict[str, Any] = {
    "controller": None,
    "count": 3,
    "brokers": [{"id": 1, "rack": "a"}, {"id": 2, "rack": "a"}],
    "topics": [
        {"name": "t", "partitions": ({"isr": [1, 2], "under": False}, {"isr": [1], "under": True})},
        {"name": "u", "partitions": []},
    ],
}


def parsed(text: str) -> Condition:
    return Until().convert(text, None, None)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("count == 3", True),
        ("count != 3", False),
        ("count>=3 and count <= 3", True),
        ("count > 3", False),
        ("controller == null", True),
        ("controller != null", False),
        ("controller < 5", False),
        ("brokers.rack == a", True),
        ("brokers.rack == 'a' and brokers.id < 3", True),
        ('brokers.rack == "a"', True),
        ("brokers.id == 1", False),
        ("count(brokers) == 2", True),
        ("count(nothing) == 0", True),
        ("nothing == 0", False),
        ("nothing != 0", False),
        ("topics.partitions.under == false", False),
        ("topics.partitions.isr == 1", False),
        ("count(topics.partitions.isr) == 3", True),
        ("topics.name != v", True),
        ("brokers.rack > 1", False),
    ],
)
def test_what_holds(text: str, holds: bool) -> None:
    assert parsed(text).holds(FACTS) is holds


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("count == 3 and brokers.id == 1", "brokers.id == 1: it is 2"),
        ("nothing == 0", "nothing == 0: there is no nothing"),
        ("count(brokers) >= 3", "count(brokers) >= 3: it is 2"),
        ("controller != null", "controller != null: it is null"),
    ],
)
def test_what_is_not_so(text: str, why: str) -> None:
    assert parsed(text).unmet(FACTS) == why


@pytest.mark.parametrize(
    "text", ["", "count", "count =", "= 3", "count(x == 3", "a == 1 and", "3 == a"]
)
def test_what_is_no_condition(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is not PATH OP VALUE"):
        parsed(text)
