"""The heap of deadlines."""

import pytest
import trio
from trio.testing import MockClock

from broker.groups.deadlines import Deadline, Deadlines, Kind
from broker.groups.group import Group


def deadline(name: str) -> Deadline:
    return Deadline(Kind.SESSION, GROUP, name)


GROUP = Group("g", state_since_ms=0)


async def test_they_come_in_order(autojump_clock: MockClock) -> None:
    deadlines = Deadlines()
    deadlines.set(deadline("b"), 2_000)
    deadlines.set(deadline("a"), 1_000)
    deadlines.set(deadline("now"), 0)
    assert await deadlines.next_due() == deadline("now")
    assert await deadlines.next_due() == deadline("a")
    assert trio.current_time() == pytest.approx(1)
    assert await deadlines.next_due() == deadline("b")
    assert trio.current_time() == pytest.approx(2)
    assert len(deadlines) == 0


async def test_one_that_is_put_back_comes_once(autojump_clock: MockClock) -> None:
    deadlines = Deadlines()
    for _ in range(10):
        deadlines.set(deadline("a"), 10_000)
        await trio.sleep(1)
    assert await deadlines.next_due() == deadline("a")
    assert trio.current_time() == pytest.approx(19)
    with trio.move_on_after(100) as nothing_more:
        await deadlines.next_due()
    assert nothing_more.cancelled_caught


async def test_one_that_is_brought_forward_comes_then(autojump_clock: MockClock) -> None:
    deadlines = Deadlines()
    deadlines.set(deadline("a"), 10_000)
    deadlines.set(deadline("a"), 1_000)
    assert await deadlines.next_due() == deadline("a")
    assert trio.current_time() == pytest.approx(1)
    deadlines.set(deadline("a"), 20_000)
    assert await deadlines.next_due() == deadline("a")
    assert trio.current_time() == pytest.approx(21)


async def test_one_that_is_cancelled_never_comes(autojump_clock: MockClock) -> None:
    deadlines = Deadlines()
    deadlines.set(deadline("a"), 1_000)
    deadlines.cancel(deadline("a"))
    deadlines.cancel(deadline("never set"))
    deadlines.set(deadline("b"), 5_000)
    assert await deadlines.next_due() == deadline("b")


async def test_a_sooner_one_wakes_who_waits(autojump_clock: MockClock) -> None:
    deadlines = Deadlines()

    async def set_sooner() -> None:
        await trio.sleep(1)
        deadlines.set(deadline("sooner"), 1_000)

    deadlines.set(deadline("later"), 60_000)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(set_sooner)
        assert await deadlines.next_due() == deadline("sooner")
        assert trio.current_time() == pytest.approx(2)
