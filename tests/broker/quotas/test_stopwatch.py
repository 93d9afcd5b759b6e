"""The time of what is computed, not of what is waited for; and the work notices nothing of it."""

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
