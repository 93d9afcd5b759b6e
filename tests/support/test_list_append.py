"""The checker finds each anomaly where it was planted, and none in what Kafka allows."""

import pytest

from tests.support.list_append import Outcome, Read, Transaction, anomalies


def transaction(
    appends: str, outcome: Outcome = "committed", began: float = 0.0, ended: float = 1.0
) -> Transaction:
    """`"0:a 1:b"` appends a to list 0 and b to list 1."""
    pairs = [each.split(":") for each in appends.split()]
    return Transaction(tuple((int(key), value) for key, value in pairs), outcome, began, ended)


def read(zero: str, one: str = "", began: float = 9.0, ended: float = 10.0) -> Read:
    return Read({0: zero.split(), 1: one.split()}, began, ended)


A = transaction("0:a1 0:a2 1:a3")
B = transaction("0:b1 1:b2")


def test_a_history_without_one() -> None:
    early = read("a1", began=0.2, ended=0.3)  # can't be: a2 is missing
    assert anomalies([A, B], [read("a1 b1 a2", "b2 a3")]) == [], "interleaved, G0"
    assert anomalies([A, B], [read("", "a3", 1.1, 1.2), read("a1 a2 b1", "a3 b2")]) == []
    assert anomalies([A], [early, read("a1 a2", "a3")]) != []
    unknown = transaction("0:u1 1:u2", "unknown")
    assert anomalies([A, unknown], [read("a1 a2", "a3")]) == []
    assert anomalies([A, unknown], [read("a1 a2 u1", "a3 u2")]) == []


@pytest.mark.parametrize(
    ("expected", "transactions", "reads"),
    [
        ("aborted read", [A, transaction("0:x", "aborted")], [read("a1 x a2", "a3")]),
        ("aborted read", [A, transaction("0:x", "aborted")],
         [read("x", began=0.1, ended=0.2), read("a1 a2", "a3")]),
        ("duplicate write", [A], [read("a1 a2 a1", "a3")]),
        ("unknown value", [A], [read("a1 a2 z", "a3")]),
        ("unknown value", [A], [read("a1 a2", "a3 a1")]),
        ("lost write", [A, B], [read("a1 a2 b1", "a3")]),
        ("partial transaction", [A, B], [read("a1 b1", "a3 b2")]),
        ("partial transaction", [A, transaction("0:u1 1:u2", "unknown")],
         [read("a1 a2 u1", "a3")]),
        ("disorder", [A], [read("a2 a1", "a3")]),
        ("disorder", [A, transaction("0:c", began=2, ended=3)], [read("c a1 a2", "a3")]),
        ("stale read", [A], [read("a1 a2", "a3", 2, 3), read("", "a3", 4, 5), read("a1 a2", "a3")]),
        ("rewritten", [A, B], [read("a1 a2 b1", "a3 b2", 2, 3), read("b1 a1 a2", "a3 b2")]),
    ],
)  # fmt: skip
def test_each_is_found(expected: str, transactions: list[Transaction], reads: list[Read]) -> None:
    assert any(expected in each for each in anomalies(transactions, reads))
