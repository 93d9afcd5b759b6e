"""What a coordinator began is ended, also when it is told to end itself."""

import trio

from broker.coordinators.background import Background


async def test_it_is_open_until_its_last_task_has_ended() -> None:
    background = Background()
    ended = []

    async def last() -> None:
        ended.append("last")

    async def starts_another() -> None:
        try:
            await trio.sleep_forever()
        finally:
            assert background.is_open
            background.start(last)
            ended.append("first")

    assert not background.is_open
    with trio.CancelScope() as scope:
        async with background.running():
            background.start(starts_another)
            await trio.testing.wait_all_tasks_blocked()
            scope.cancel()
    assert ended == ["first", "last"]
    assert not background.is_open
