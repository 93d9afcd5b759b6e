"""Events reach every reader in order, and nobody who publishes ever waits."""

import pytest
import trio

from coordination.store import (
    Lost,
    Reconnected,
    SessionLost,
    StoreEvent,
    Suspended,
    WatchEvent,
)
from coordination.subscriptions import Subscriptions, until_change


def event(number: int) -> StoreEvent:
    return WatchEvent("data", f"/n{number}")


async def test_everyone_gets_everything_from_now_on() -> None:
    subscriptions = Subscriptions()
    with subscriptions.subscribe() as early:
        subscriptions.publish(event(1))
        with subscriptions.subscribe() as late:
            subscriptions.publish(event(2))
            subscriptions.close()
            assert [each async for each in late] == [event(2)]
        assert [each async for each in early] == [event(1), event(2)]


async def test_who_has_left_disturbs_nobody() -> None:
    subscriptions = Subscriptions()
    with subscriptions.subscribe():
        pass
    with subscriptions.subscribe() as reader:
        subscriptions.publish(event(1))
        assert await reader.receive() == event(1)


async def test_who_reads_too_slowly_comes_to_an_end_and_the_others_go_on() -> None:
    subscriptions = Subscriptions(size=2)
    with subscriptions.subscribe() as slow, subscriptions.subscribe() as quick:
        for number in range(5):
            subscriptions.publish(event(number))
            assert await quick.receive() == event(number)
        assert [each async for each in slow] == [event(0), event(1)]


@pytest.mark.parametrize("telling", [WatchEvent("deleted", "/n2"), Reconnected()])
async def test_until_change_passes_over_what_does_not_concern_it(telling: StoreEvent) -> None:
    subscriptions = Subscriptions()
    with subscriptions.subscribe() as events:
        for each in (event(1), Suspended(), telling, event(3)):
            subscriptions.publish(each)
        await until_change(events, "/n2")
        assert events.receive_nowait() == event(3)
        with pytest.raises(trio.WouldBlock):
            events.receive_nowait()


async def test_until_change_ends_with_the_session() -> None:
    subscriptions = Subscriptions()
    with subscriptions.subscribe() as events:
        subscriptions.publish(Lost())
        subscriptions.close()
        with pytest.raises(SessionLost):
            await until_change(events, "/n2")
