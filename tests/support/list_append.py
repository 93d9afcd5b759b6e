"""Histories of transactions that append to lists, and what is wrong with them.

A key is a partition, its list the partition's committed records. Transactions append unique values
to several keys and are committed, aborted, or end in nobody knows what; meanwhile readers read all
lists whole. The idea is Elle's (Kingsbury and Alvaro, VLDB 2020, https://arxiv.org/abs/2003.10554),
the anomalies are those that Jepsen met in Redpanda (https://jepsen.io/analyses/redpanda-21.10.1):

    aborted read (G1a)     a reader saw a value of a transaction that was aborted
    duplicate write        a value is in a list twice
    unknown value          ... or one that nobody appended
    lost write             a committed value is missing in the end
    partial transaction    some of a transaction's values are there, and others not: of one that
                           ended unknown too (in the end; in one list, at any time)
    disorder               a transaction's values of one key are not in the order of its appends, or
                           those of one that began after another was committed are before its own
    stale read, rewritten  of two reads, neither list of a key begins with the other; or the later
                           read's is the shorter one

What is *not* an anomaly, because Kafka's transactions don't promise it: a reader sees one list's
part of a transaction before another's (markers arrive partition by partition, and after the
producer's answer), and transactions that run at the same time may interleave in one order on one
key and in the other on another (Elle's G0: writes take no locks).

Times are of one monotonic clock.
"""

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

import attrs

Outcome = Literal["committed", "aborted", "unknown"]
Lists = Mapping[int, Sequence[str]]


@attrs.frozen
class Transaction:
    """What one transaction appended: (key, value) in its order; values are unique in a history."""

    appends: tuple[tuple[int, str], ...]
    outcome: Outcome
    began_at_s: float
    ended_at_s: float

    def values(self, key: int) -> list[str]:
        return [value for at, value in self.appends if at == key]

    @property
    def keys(self) -> set[int]:
        return {key for key, _ in self.appends}


@attrs.frozen
class Read:
    """All lists, as one reader saw them between two moments."""

    lists: Lists
    began_at_s: float
    ended_at_s: float


def anomalies(transactions: Sequence[Transaction], reads: Sequence[Read]) -> list[str]:
    """What is wrong, in words. The last read must have begun when all transactions had ended."""
    assert reads[-1].began_at_s >= max(each.ended_at_s for each in transactions)
    of_value = {value: each for each in transactions for _, value in each.appends}
    found: list[str] = []
    for read in reads:
        for key, values in read.lists.items():
            found += _in_one_list(key, values, of_value)
    found += _lost_or_partial(transactions, reads[-1].lists)
    found += _out_of_order_in_time(transactions, reads[-1].lists)
    for earlier, later in itertools.combinations(sorted(reads, key=lambda r: r.ended_at_s), 2):
        found += _rewritten(earlier, later)
    return sorted(set(found))


def _in_one_list(
    key: int, values: Sequence[str], of_value: Mapping[str, Transaction]
) -> Iterator[str]:
    for value, count in Counter(values).items():
        if count > 1:
            yield f"duplicate write: {value} is {count} times in list {key}"
        if value not in of_value or (key, value) not in of_value[value].appends:
            yield f"unknown value: {value} in list {key}"
        elif of_value[value].outcome == "aborted":
            yield f"aborted read: {value} in list {key}"
    there = set(values)
    seen: dict[int, list[str]] = {}
    for value in dict.fromkeys(values):
        if value in of_value:
            seen.setdefault(id(of_value[value]), []).append(value)
    for own in seen.values():
        wanted = of_value[own[0]].values(key)
        if set(wanted) - there:
            yield f"partial transaction: {own} without {set(wanted) - there} in list {key}"
        elif own != wanted:
            yield f"disorder: {own} instead of {wanted} in list {key}"


def _lost_or_partial(transactions: Sequence[Transaction], final: Lists) -> Iterator[str]:
    there = {(key, value) for key, values in final.items() for value in values}
    for each in transactions:
        missing = [append for append in each.appends if append not in there]
        if each.outcome == "committed" and missing:
            yield f"lost write: {missing}"
        elif missing and len(missing) < len(each.appends):
            yield f"partial transaction: {missing} of {each.appends} are missing"


def _out_of_order_in_time(transactions: Sequence[Transaction], final: Lists) -> Iterator[str]:
    """Nothing was committed before something that stands further ahead in its list began."""
    of_value = {value: each for each in transactions for _, value in each.appends}
    for key, values in final.items():
        began_at_s, first_later = float("-inf"), ""
        for value in values:
            each = of_value.get(value)
            if each is None:
                continue
            if each.outcome == "committed" and each.ended_at_s < began_at_s:
                yield f"disorder: {value} is behind {first_later}, which began later, in list {key}"
            if each.began_at_s > began_at_s:
                began_at_s, first_later = each.began_at_s, value


def _rewritten(earlier: Read, later: Read) -> Iterator[str]:
    """`earlier` ended first; the reads may have overlapped."""
    for key, before in earlier.lists.items():
        after = later.lists[key]
        common = min(len(before), len(after))
        if list(before[:common]) != list(after[:common]):
            yield f"rewritten: list {key} has changed below position {common}"
        elif len(after) < len(before) and later.began_at_s > earlier.ended_at_s:
            yield f"stale read: list {key} had {len(before)} values, and then {len(after)}"
