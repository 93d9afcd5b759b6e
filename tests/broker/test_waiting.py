"""Waiting for a partition to move: nothing is missed, nothing is left behind."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from broker.waiting import Due, Movement, wait_until


async def test_what_is_so_already_is_not_waited_for(autojump_clock: MockClock) -> None:
    assert await wait_until(lambda: True, [], 10)
    assert trio.current_time() == 0


async def test_any_of_the_movements_wakes_and_it_looks_again(autojump_clock: MockClock) -> None:
    movements = [Movement(), Movement()]
    looked: list[int] = []
    found: list[bool] = []

    def third_look() -> bool:
        looked.append(1)
        return len(looked) == 3

    async def wait() -> None:
        found.append(await wait_until(third_look, movements, 10))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await wait_all_tasks_blocked()
        movements[0].happened()
        await wait_all_tasks_blocked()
        assert not found
        movements[1].happened()
        movements[0].happened()
    assert found == [True]
    assert trio.current_time() == 0


async def test_at_the_deadline_it_looks_a_last_time(autojump_clock: MockClock) -> None:
    movement = Movement()
    assert not await wait_until(lambda: False, [movement], 5)
    assert await wait_until(lambda: trio.current_time() >= 10, [movement], 5)
    assert trio.current_time() == 10


@pytest.mark.parametrize("timeout_s", [0, -0.001, -(2**31)])
async def test_without_any_time_it_looks_and_does_not_wait(
    autojump_clock: MockClock, timeout_s: float
) -> None:
    assert not await wait_until(lambda: False, [Movement()], timeout_s)
    assert trio.current_time() == 0


async def test_a_wait_that_ends_takes_its_event_back_out(autojump_clock: MockClock) -> None:
    movements = [Movement(), Movement()]
    await wait_until(lambda: False, movements, 1)
    with trio.move_on_after(1):
        await wait_until(lambda: False, movements, 100)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait_until, lambda: bool(movements[0]), movements, 100)
    assert all(not movement._events for movement in movements)


def test_what_is_watched_is_due_each_time_that_it_moves_until_it_is_unwatched() -> None:
    due: Due[str] = Due()
    movements = {name: Movement() for name in "abc"}
    for name, movement in movements.items():
        movement.watch(due, name, rings=False)
    for name in "cac":
        movements[name].happened()
    assert list(due.items) == ["c", "a"]
    due.to_the_back("c")
    assert list(due.items) == ["a", "c"]
    due.unmark("a")
    movements["b"].unwatch(due)
    movements["b"].happened()
    assert list(due.items) == ["c"]
    movements["a"].happened()
    assert list(due.items) == ["c", "a"]


async def test_only_a_mark_that_rings_wakes(autojump_clock: MockClock) -> None:
    due: Due[str] = Due()
    silent, loud = Movement(), Movement()
    silent.watch(due, "silent", rings=False)
    loud.watch(due, "loud", rings=True)
    loud.happened()  # nobody waits yet: it's not remembered
    with trio.move_on_after(5) as waiting:
        await due.rung()
    assert waiting.cancelled_caught

    async with trio.open_nursery() as nursery:
        nursery.start_soon(due.rung)
        await wait_all_tasks_blocked()
        silent.happened()
        await wait_all_tasks_blocked()
        assert len(nursery.child_tasks) == 1
        loud.happened()
