"""A follower's fetcher and its leader: work for what moves, none for what they also have."""

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from tests.broker.cost.counting import Work, counted, home, same_steps
from tests.broker.replica.support import batch
from tests.broker.replica.test_fetcher import Pair, pair

FEW, MANY = 10, 500


async def copied(directory: Path, partitions: int) -> tuple[Work, Work]:
    """Of both brokers together: four idle rounds, and a record from its append to its
    commit on either side; with so many partitions more."""
    async with pair(directory) as two:
        await two.roles("t-0", *(f"idle-{n}" for n in range(partitions)))
        await one_record(two)
        two.fetches.clear()
        await two.until(lambda: len(two.fetches) == 1)
        with counted() as idling:
            await trio.sleep(2.25)  # each lasts for half a second
        assert len(two.fetches) == 5
        await one_record(two)
        with counted() as copying:
            await one_record(two)
        return idling, copying


async def one_record(two: Pair) -> None:
    info = two.ours().append_as_leader(batch("a"), 1, 0.0)
    await two.until(lambda: two.theirs().high_watermark == info.end_offset)


@pytest.mark.long
async def test_a_fetchers_rounds(tmp_path: Path, autojump_clock: MockClock) -> None:
    few, many = await copied(home(tmp_path, "few"), FEW), await copied(home(tmp_path, "many"), MANY)
    for less, more in zip(few, many, strict=True):
        same_steps(less, more)
