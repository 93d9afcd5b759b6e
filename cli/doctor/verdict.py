"""Looks again before anything is called broken: what is on its way looks different the next time.

    look ──► examine ──► findings that the last `LOOKS` looks have, all of them ──► they count

Two looks are the least, for some checks compare one with the one before; a third one is taken if
something seems broken in both. Who wants more looks for longer: what stays for `LOOKS` looks
anywhere in that time counts. The last look's values are shown, and what it couldn't see.
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
            self.counting |= {each: self.last[-1][each] for each in self._in_all()}

    @property
    def is_suspicious(self) -> bool:
        """Whether one more look will tell."""
        return len(self.last) < LOOKS and any(each not in self.counting for each in self._in_all())

    def _in_all(self) -> list[Finding]:
        looks = [self.last[-1]] if self.check.at_once else list(self.last)
        return [each for each in self.last[-1] if all(each in look for look in looks)]


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
        is_over = looks >= LEAST_LOOKS and trio.current_time() >= until
        if is_over and not any(each.is_suspicious for each in evidence):
            return Diagnosis(
                tuple(
                    attrs.evolve(verdict, broken=tuple(its.counting.values()))
                    for its, verdict in zip(evidence, verdicts, strict=True)
                ),
                looks,
            )
        await trio.sleep(BETWEEN_LOOKS_SECONDS)
