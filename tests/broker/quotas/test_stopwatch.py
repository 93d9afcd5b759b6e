"""The time of what is computed, not of what is waited for; and the work notices nothing of it."""

import gc
import weakref
from collections.abc import Iterator
from contextlib import suppress
from types import coroutine

import pytest
import trio

from broker.quotas.stopwatch import Stopwatch


async def test_waiting_takes_no_time(autojump_clock: trio.testing.MockClock) -> None:
    now_s = [0.0]

    async def work() -> str:
        now_s[0] += 2
        await trio.sleep(100)
        now_s[0] += 3
        return "done"

    async def others() -> None:
        now_s[0] += 1000

    watch = Stopwatch(lambda: now_s[0])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(others)
        assert await watch.time(work()) == "done"
    assert watch.busy_s == 5


async def test_errors_and_cancellation_pass_through() -> None:
    async def failing() -> None:
        await trio.lowlevel.checkpoint()
        raise ValueError("of the work")

    async def patient() -> str:
        try:
            await trio.sleep_forever()
        finally:
            tidied.append(True)

    tidied: list[bool] = []
    watch = Stopwatch(lambda: 0.0)
    with pytest.raises(ValueError, match="of the work"):
        await watch.time(failing())
    with trio.move_on_after(0) as scope:
        await watch.time(patient())
    assert scope.cancelled_caught
    assert tidied == [True]


def test_what_was_thrown_into_the_work_is_not_kept() -> None:
    """Every handler that's cancelled would leave its frames to the garbage collector."""

    class Held:
        pass

    @coroutine
    def waiting(held: Held) -> Iterator[None]:
        yield

    held = Held()
    seen = weakref.ref(held)
    work = Stopwatch(lambda: 0.0).time(waiting(held))
    gc.collect()
    gc.disable()
    try:
        work.send(None)
        with suppress(ValueError):
            work.throw(ValueError())
        del work, held
        assert seen() is None
    finally:
        gc.enable()
