"""What is on its way isn't broken: findings count if they stay."""

import pytest
import trio
from trio.testing import MockClock

from cli.doctor.facts import Facts
from cli.doctor.verdict import BETWEEN_LOOKS_SECONDS, LOOKS, MOST_LOOKS, diagnose
from tests.cli.doctor.golden import HEALTHY, cached, logs, replica, znodes


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
        pytest.param([HEALTHY], 2, id="healthy at once"),
        pytest.param([cached(leader=3)(HEALTHY), HEALTHY], 2, id="a change that arrives"),
        pytest.param(
            [*(cached(leader_epoch=each)(HEALTHY) for each in (1, 2, 3)), HEALTHY],
            4,
            id="changes in a row",
        ),
        pytest.param(
            [cached(leader_epoch=each)(HEALTHY) for each in range(10, 30)],
            MOST_LOOKS,
            id="changes without end",
        ),
        pytest.param(
            [cached(leader=3)(HEALTHY), cached(leader=3)(HEALTHY), HEALTHY], 3, id="a slow change"
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
    assert diagnosis.looks == seen.taken == LOOKS
    assert verdicts["high-watermark"].result == "broken"
    assert [dict(each.values) for each in verdicts["high-watermark"].broken] == [
        {"log_end_offset": 99, "high_watermark": 100}
    ]
    assert {each.result for name, each in verdicts.items() if name != "high-watermark"} == {"ok"}


async def test_what_comes_late_and_stays_is_broken(autojump_clock: MockClock) -> None:
    ill = cached(leader=3)(HEALTHY)
    seen = Looks(cached(leader=2)(HEALTHY), ill)
    assert (await diagnose(seen.gather)).broken == 1
    assert seen.taken == 1 + LOOKS


async def test_what_goes_back_is_broken_at_once(autojump_clock: MockClock) -> None:
    seen = Looks(HEALTHY, znodes(controller_epoch=2)(HEALTHY), HEALTHY)
    diagnosis = await diagnose(seen.gather)
    broken = {each.check.name: each.broken for each in diagnosis.verdicts if each.broken}
    assert broken.keys() == {"history"}
    assert [each.what for each in broken["history"]] == ["has gone back from 3 to 2"]


async def test_looking_for_longer(autojump_clock: MockClock) -> None:
    """What stayed for some looks was broken, though it was well before, and is again."""
    ill = cached(leader=3)(HEALTHY)
    seen = Looks(HEALTHY, logs(high_watermark=101)(HEALTHY), *[ill] * LOOKS, HEALTHY)
    diagnosis = await diagnose(seen.gather, seconds=10 * BETWEEN_LOOKS_SECONDS)
    assert diagnosis.looks == 11
    broken = {each.check.name for each in diagnosis.verdicts if each.broken}
    assert broken == {"caches", "history"}
