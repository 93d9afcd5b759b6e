"""A partition moves to other brokers while it is written to: nothing is lost, nothing is left.

The checker looks on all the time; what stands here is what a story is about.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from coordination.values import PartitionAssignment, TopicPartition
from tests.simulation.reassigning import (
    assignment,
    is_over,
    reassign,
    replica_directories,
    under_way,
)
from tests.simulation.stage import Stage, play

T0 = TopicPartition("t", 0)


@pytest.mark.long
def test_a_partition_moves_under_load(tmp_path: Path) -> None:
    """From 1 and 2 to 3 and 4, and home again."""

    async def story(stage: Stage) -> None:
        await two_of_four(stage)
        async with load(stage):
            for replicas in ((3, 4), (2, 1)):
                await reassign(stage.client, T0, replicas)
                await finished(stage, replicas)
                assert await stage.client.leader(T0) == replicas[0]
        await stage.checker.settled()
        assert await under_way(stage.client) == {}

    play(story, tmp_path)


@pytest.mark.long
def test_a_new_broker_dies_on_the_way(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await two_of_four(stage, controller=2)
        async with load(stage):
            stage.ensemble.cut(1, 4)  # so that it cannot be in sync before it dies
            await reassign(stage.client, T0, (3, 4))
            await stage.ensemble.crash(4)
            await stage.ensemble.until(lambda: "4" not in live(stage), "its session ends")
            assert await under_way(stage.client) == {T0: ([3, 4], [1, 2])}
            stage.ensemble.heal()
            await stage.ensemble.start(4)
            await finished(stage, (3, 4))
        await stage.checker.settled()

    play(story, tmp_path)


@pytest.mark.long
def test_the_leader_dies_on_the_way(tmp_path: Path) -> None:
    """Its replica is not its any more when it is back: it keeps the files, and serves nothing."""

    async def story(stage: Stage) -> None:
        await two_of_four(stage, controller=4)
        async with load(stage):
            await reassign(stage.client, T0, (3, 4))
            await stage.ensemble.crash(1)
            await stage.ensemble.until(lambda: is_over(stage.ensemble, T0), "it goes on", 60)
            await stage.ensemble.start(1)
        await stage.checker.settled()
        assert assignment(stage.ensemble, T0) == PartitionAssignment((3, 4))
        assert T0 not in stage.ensemble.broker(1).replicas.partitions

    play(story, tmp_path)


@pytest.mark.long
def test_the_controller_dies_on_the_way(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await two_of_four(stage, controller=2)
        async with load(stage):
            stage.ensemble.cut(1, 3)
            await reassign(stage.client, T0, (3, 4))
            await stage.ensemble.crash(2)
            stage.ensemble.heal()
            await stage.ensemble.until(lambda: is_over(stage.ensemble, T0), "another goes on", 60)
            await stage.ensemble.start(2)
        await stage.checker.settled()
        assert assignment(stage.ensemble, T0) == PartitionAssignment((3, 4))

    play(story, tmp_path)


async def two_of_four(stage: Stage, controller: int = 1) -> None:
    """Brokers 1 to 4, and t-0 on 1 and 2."""
    await stage.ensemble.start(controller)
    await stage.ensemble.start(*sorted({1, 2, 3, 4} - {controller}))
    await stage.topic((1, 2))


@asynccontextmanager
async def load(stage: Stage) -> AsyncIterator[None]:
    """A producer that goes on all along, with each record until it is acknowledged."""
    client = stage.new_client("load")
    ended = trio.Event()

    async def produce() -> None:
        producer = await client.producer()
        number = 0
        while not ended.is_set():
            await producer.send(T0, f"{number}")
            number += 1
            await trio.sleep(0.05)
        stage.client.acknowledged.extend(client.acknowledged)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(produce)
        yield
        ended.set()


async def finished(stage: Stage, replicas: tuple[int, ...]) -> None:
    """It is over, and the replicas that were to go have left no files."""
    ensemble = stage.ensemble
    await ensemble.until(lambda: is_over(ensemble, T0), f"it is on {replicas}", 60)
    assert assignment(ensemble, T0) == PartitionAssignment(replicas)
    await ensemble.until(
        lambda: replica_directories(ensemble, T0) == set(replicas), "the others' files are gone"
    )


def live(stage: Stage) -> list[str]:
    return stage.ensemble.store.tree.children("/brokers/ids")
