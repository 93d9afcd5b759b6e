"""What is on its way isn't broken: findings count if they stay."""

import pytest
import trio
from trio.testing import MockClock

from cli.doctor.facts import Facts
from cli.doctor.verdict import BETWEEN_LOOKS_SECONDS, MAX_LOOKS, diagnose
from tests.cli.doctor.golden import HEALTHY, cached, replica


class Looks:
    """Gives one look after the other, the last one again and again."""

    def __init__(self, *facts: Facts) -> None:
        self._facts = list(facts)
        self.taken = 0

    async def gather(self) -> Facts:
        facts = self._facts[min(self.taken, len(self._facts) - 1)]
        self.taken += 1
        return facts


@pytest.mark.parametrize(
    ("looks", "taken"),
    [
        pytest.param([HEALTHY], 1, id="healthy at once"),
        pytest.param([cached(leader=3)(HEALTHY), HEALTHY], 2, id="a change that arrives"),
        pytest.param(
            [cached(leader=3)(HEALTHY), cached(leader_epoch=4)(HEALTHY)], 2, id="changes in a row"
        ),
    ],
)
async def test_what_passes_is_not_broken(
    looks: list[Facts], taken: int, autojump_clock: MockClock
) -> None:
    seen = Looks(*looks)
    diagnosis = await diagnose(seen.gather)
    assert {each.result for each in diagnosis.verdicts} == {"ok"}
    assert diagnosis.broken == 0
    assert diagnosis.looks == seen.taken == taken
    assert trio.current_time() == (taken - 1) * BETWEEN_LOOKS_SECONDS


async def test_what_stays_is_broken(autojump_clock: MockClock) -> None:
    """Offsets move between the looks: they are values, and the last ones are told."""
    seen = Looks(*(replica(log_end_offset=each)(HEALTHY) for each in (97, 98, 99)))
    diagnosis = await diagnose(seen.gather)
    verdicts = {each.check.name: each for each in diagnosis.verdicts}
    assert diagnosis.broken == 1
    assert diagnosis.looks == seen.taken == MAX_LOOKS
    assert verdicts["high-watermark"].result == "broken"
    assert [dict(each.values) for each in verdicts["high-watermark"].broken] == [
        {"log_end_offset": 99, "high_watermark": 100}
    ]
    assert {each.result for name, each in verdicts.items() if name != "high-watermark"} == {"ok"}
