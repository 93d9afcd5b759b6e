"""Looks again before anything is called broken: what is on its way looks different the next time.

    look ──► examine ──► findings that `LOOKS` looks have, one after the other ──► they count

Two looks are the least, for some checks compare one with the one before. The last one has nothing
that may yet come to count, unless there's always something new: then `MOST_LOOKS` are enough. Who
looks for longer has what stayed for `LOOKS` looks anywhere in that time. Shown are the newest
values of what counts, and what the last look couldn't see.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Literal

import attrs
import trio

from cli.doctor.checks.looking import Finding, Look
from cli.doctor.checks.table import CHECKS, Check
from cli.doctor.facts import Facts

# A change is told to all brokers within milliseconds, an election takes some hundred.
BETWEEN_LOOKS_SECONDS = 2.0
LOOKS = 3
LEAST_LOOKS = 2
MOST_LOOKS = 6

Result = Literal["ok", "broken", "not looked at"]


@attrs.frozen
class Verdict:
    """What came of one check."""

    check: Check
    broken: tuple[Finding, ...]
    unseen: tuple[str, ...]
    seen: int

    @property
    def result(self) -> Result:
        if self.broken:
            return "broken"
        return "not looked at" if self.unseen and not self.seen else "ok"


@attrs.frozen
class Diagnosis:
    """The verdicts, in the order of the checks, after so many looks."""

    verdicts: tuple[Verdict, ...]
    looks: int

    @property
    def broken(self) -> int:
        """How many checks are."""
        return sum(each.result == "broken" for each in self.verdicts)


def examine(facts: Facts) -> list[Verdict]:
    """All checks on one look."""
    verdicts = []
    for check in CHECKS:
        look = Look()
        check.run(facts, look)
        verdicts.append(
            Verdict(check, tuple(dict.fromkeys(look.broken)), tuple(look.unseen), look.seen)
        )
    return verdicts


@attrs.define
class _Evidence:
    """The last looks' findings of one check, and those that count."""

    check: Check
    last: deque[dict[Finding, Finding]] = attrs.field(factory=lambda: deque(maxlen=LOOKS))
    counting: dict[Finding, Finding] = attrs.field(factory=dict)

    def add(self, broken: Iterable[Finding]) -> None:
        self.last.append({each: each for each in broken})
        if self.check.at_once or len(self.last) == LOOKS:
            looks = [self.last[-1]] if self.check.at_once else list(self.last)
            newest = looks[-1]
            self.counting |= {
                each: newest[each] for each in newest if all(each in look for look in looks)
            }

    @property
    def is_open(self) -> bool:
        """Whether something was seen of which more looks will tell whether it counts."""
        return any(each not in self.counting for each in self.last[-1])


async def diagnose(gather: Callable[[], Awaitable[Facts]], *, seconds: float = 0) -> Diagnosis:
    """Look for so long; at least twice, and until it's sure of what it saw."""
    until = trio.current_time() + seconds
    evidence = [_Evidence(check) for check in CHECKS]
    before: Facts | None = None
    looks = 0
    while True:
        facts = await gather()
        verdicts = examine(attrs.evolve(facts, before=before))
        before = facts
        looks += 1
        for its, verdict in zip(evidence, verdicts, strict=True):
            its.add(verdict.broken)
        is_sure = looks >= MOST_LOOKS or not any(each.is_open for each in evidence)
        if looks >= LEAST_LOOKS and trio.current_time() >= until and is_sure:
            return Diagnosis(
                tuple(
                    attrs.evolve(verdict, broken=tuple(its.counting.values()))
                    for its, verdict in zip(evidence, verdicts, strict=True)
                ),
                looks,
            )
        await trio.sleep(BETWEEN_LOOKS_SECONDS)
