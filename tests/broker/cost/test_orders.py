"""What the controller says of one partition, and a fetch session's next fetch."""

from pathlib import Path

import attrs
import pytest
from trio.testing import MockClock

from tests.broker.cost.counting import Work, counted, home, same, same_steps
from tests.broker.cost.test_requests import fetch
from tests.broker.support import call, know, lead, open_broker


@pytest.mark.long
async def test_orders_about_one_partition(tmp_path: Path) -> None:
    async def works(partitions: int) -> list[Work]:
        async with open_broker(home(tmp_path, partitions)) as broker:
            names = [f"t{n}-0" for n in range(partitions)]
            await know(broker, (1, 2), [(name, 1, (1,)) for name in names])
            for name in names:
                await lead(broker, name)
            for epoch in (1, 2):  # the first time learns
                with counted() as leading:
                    await lead(broker, "t0-0", leader_epoch=epoch)
                with counted() as new:
                    await lead(broker, f"new{epoch}-0")
                with counted() as told:
                    await know(broker, (1, 2), [("t0-0", 1, (1,))], leader_epoch=epoch)
            return [leading, new, told]

    few, many = await works(10), await works(1_000)
    for less, more in zip(few, many, strict=True):
        same_steps(less, more)  # the cluster's tables are copied whole, by one call each


@pytest.mark.long
async def test_a_fetch_session_among_others(tmp_path: Path, autojump_clock: MockClock) -> None:
    async def work(sessions: int) -> Work:
        async with open_broker(home(tmp_path, sessions)) as broker:
            await lead(broker, "t-0")
            asked = attrs.evolve(fetch("t-0", 0), max_wait_ms=0, session_epoch=0)
            begun = [await call(broker, asked, 12) for _ in range(sessions)]
            for epoch in (1, 2):
                following = attrs.evolve(
                    asked, session_id=begun[0].session_id, session_epoch=epoch, topics=[]
                )
                with counted() as done:
                    answer = await call(broker, following, 12)
                assert (answer.error_code, answer.responses) == (0, [])
            return done

    few, many = await work(10), await work(900)
    same(few, many)
