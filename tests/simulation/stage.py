"""What a story is given: an ensemble, a client, and the checker that watches both.

def test_something(tmp_path):
    async def story(stage: Stage) -> None:
        await stage.ensemble.start(1, 2, 3)
        ...
    play(story, tmp_path)
"""

import random
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import attrs
import trio

from coordination.values import TopicPartition
from tests.simulation.checker import CheckedStore, Checker
from tests.simulation.client import Client
from tests.simulation.ensemble import (
    PORT,
    SESSION_TIMEOUT_MS,
    Ensemble,
    host_of,
    open_ensemble,
    wall_clock_ms,
)
from tests.simulation.world import simulate


@attrs.frozen
class Stage:
    ensemble: Ensemble
    client: Client
    checker: Checker
    randomness: random.Random

    def new_client(self, name: str) -> Client:
        """Its own end of the network."""
        brokers = {broker_id: host_of(broker_id) for broker_id in (1, 2, 3, 4)}
        return Client(self.ensemble.network, brokers, PORT, name)

    async def three_brokers(self, controller: int = 1, **topic_configs: str) -> TopicPartition:
        """Start brokers 1 to 3, and make a topic of one partition, led by 1; all follow it."""
        await self.ensemble.start(controller)
        await self.ensemble.start(*sorted({1, 2, 3} - set(self.ensemble.lives)))
        return await self.topic((1, 2, 3), **topic_configs)

    async def topic(self, replicas: tuple[int, ...], **configs: str) -> TopicPartition:
        """Make t-0, led by the first of the replicas, and wait until the others follow."""
        await self.client.create_topic("t", {0: replicas}, **configs)
        await self.checker.settled()
        return TopicPartition("t", 0)


def play(
    story: Callable[[Stage], Awaitable[None]],
    directory: Path,
    seed: int = 1,
    power_may_fail: bool = False,
    directories: int = 1,
    store: type[CheckedStore] = CheckedStore,
    **properties: str,
) -> None:
    """Play the story; at its end, all that it was told is acknowledged must be there."""
    play_it = partial(_play, story, directory, power_may_fail, directories, store, properties)
    simulate(seed, play_it)


async def _play(
    story: Callable[[Stage], Awaitable[None]],
    directory: Path,
    power_may_fail: bool,
    directories: int,
    new_store: type[CheckedStore],
    properties: dict[str, str],
    randomness: random.Random,
) -> None:
    store = new_store(wall_clock_ms, session_timeout_ms=SESSION_TIMEOUT_MS)
    opened = open_ensemble(directory, randomness, store, power_may_fail, directories, **properties)
    async with opened as ensemble:
        brokers = {broker_id: host_of(broker_id) for broker_id in (1, 2, 3, 4)}
        client = Client(ensemble.network, brokers, PORT)
        stage = Stage(ensemble, client, Checker(ensemble), randomness)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stage.checker.run)
            await story(stage)
            nursery.cancel_scope.cancel()
        stage.checker.look()
        stage.checker.check_acknowledged(client.acknowledged)
