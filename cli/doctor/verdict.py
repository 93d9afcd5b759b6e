"""Looks again before anything is called broken: what is on its way looks different the next time.

A finding counts if every look has it. The last look's values are shown, and what it couldn't see.
"""

from collections.abc import Awaitable, Callable
from typing import Literal

import attrs
import trio

from cli.doctor.checks.looking import Finding, Look
from cli.doctor.checks.table import CHECKS, Check
from cli.doctor.facts import Facts

# A change is told to all brokers within milliseconds, an election takes some hundred.
BETWEEN_LOOKS_SECONDS = 2.0
MAX_LOOKS = 3

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


def confirm(before: list[Verdict], now: list[Verdict]) -> list[Verdict]:
    """What is broken now, and was so in the same way before."""
    return [
        attrs.evolve(each, broken=tuple(found for found in each.broken if found in earlier.broken))
        for earlier, each in zip(before, now, strict=True)
    ]


async def diagnose(gather: Callable[[], Awaitable[Facts]]) -> Diagnosis:
    """Look; look again as long as something seems broken, up to `MAX_LOOKS` times."""
    verdicts = examine(await gather())
    looks = 1
    while looks < MAX_LOOKS and any(each.broken for each in verdicts):
        await trio.sleep(BETWEEN_LOOKS_SECONDS)
        verdicts = confirm(verdicts, examine(await gather()))
        looks += 1
    return Diagnosis(tuple(verdicts), looks)
