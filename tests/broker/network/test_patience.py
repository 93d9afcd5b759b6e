"""How long a client may be silent: told by one task, whatever happens in between."""

import pytest
import trio
import trio.testing

from broker.network.patience import Patience

LONGEST_S = 10.0


async def lost_after_s(patience: Patience) -> float:
    began_s = trio.current_time()
    with trio.fail_after(1000):
        await patience.is_lost()
    return trio.current_time() - began_s


async def test_a_silent_client(autojump_clock: trio.testing.MockClock) -> None:
    patience = Patience(LONGEST_S)
    patience.for_request_since_s = trio.current_time()
    assert await lost_after_s(patience) == pytest.approx(LONGEST_S)
    assert not patience.is_lost_for_reading


async def test_one_who_does_not_read(autojump_clock: trio.testing.MockClock) -> None:
    patience = Patience(LONGEST_S)
    patience.for_reading_since_s = trio.current_time() - 4
    assert await lost_after_s(patience) == pytest.approx(6)
    assert patience.is_lost_for_reading


async def test_one_who_is_heard_of_in_between(autojump_clock: trio.testing.MockClock) -> None:
    """And from whom nothing is expected for a while."""
    patience = Patience(LONGEST_S)
    patience.for_request_since_s = trio.current_time()

    async def hear() -> None:
        await trio.sleep(7)
        patience.for_request_since_s = None
        await trio.sleep(50)
        patience.for_request_since_s = trio.current_time()
        await trio.sleep(9)
        patience.for_request_since_s = trio.current_time()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(hear)
        assert await lost_after_s(patience) == pytest.approx(7 + 50 + 9 + LONGEST_S)


async def test_nobody_is_waited_for(autojump_clock: trio.testing.MockClock) -> None:
    with trio.move_on_after(10 * LONGEST_S) as scope:
        await Patience(LONGEST_S).is_lost()
    assert scope.cancelled_caught
