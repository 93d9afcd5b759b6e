"""Row 33: what ZooKeeper answers to a read may be old, and somebody decides by it.

Source: Jepsen's ZooKeeper (https://aphyr.com/posts/291-jepsen-zookeeper): reads are served by the
server that a session is connected to, which may lag; even sync and read is not linearizable.

Provoked by servers that are up to seconds behind, each session's by another lag: for an election,
for a controller whose cluster changes behind its back, and for a whole ensemble, in stories of one
thing after the other and in random ones. Everything is decided by conditional writes, so nothing
but time is lost.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest
import trio

from coordination.election import elect
from coordination.store import NoNode
from coordination.values import TopicPartition
from coordination.znodes import paths
from tests.failures.lagging_store import LaggingStore
from tests.simulation import chance
from tests.simulation.looking import T0, controller, state
from tests.simulation.stage import Stage, play

LAGS_S = [0.5, 2.0, 0.0, 1.0, 3.0]

LaggingStory = Callable[[Stage, LaggingStore], Awaitable[None]]


def test_reads_are_old_and_writes_are_not(tmp_path: Path) -> None:
    """The store itself: so that the stories below are about something."""

    async def story(stage: Stage, store: LaggingStore) -> None:
        store.lags_s = [2.0]
        one, two = [await store.open_session() for _ in range(2)]
        await one.create("/a", b"1")
        assert (await one.get("/a")).data == b"1"
        with pytest.raises(NoNode):
            await two.get("/a")
        await trio.sleep(2.1)
        with two.subscribe() as events:
            assert (await two.get("/a", watch=True)).data == b"1"
            await one.set("/a", b"2", version=0)
            asked_s = trio.current_time()
            await events.receive()
            assert trio.current_time() == pytest.approx(asked_s + 2)
        await one.set("/a", b"3")
        assert (await two.get("/a")).data == b"2"
        await two.create("/b")
        assert (await two.get("/a")).data == b"3"

    play_lagging(story, tmp_path)


def test_two_who_both_see_no_controller(tmp_path: Path) -> None:
    async def story(stage: Stage, store: LaggingStore) -> None:
        store.lags_s = [3.0]
        one, two = [await store.open_session() for _ in range(2)]
        elected = await elect(one, 1, lambda: 0)
        assert elected is not None
        assert await two.exists(paths.CONTROLLER) is None
        assert await elect(two, 2, lambda: 0) is None
        assert (await two.get(paths.CONTROLLER_EPOCH)).stat.version == elected.epoch_version

    play_lagging(story, tmp_path)


@pytest.mark.long
def test_an_ensemble_in_which_each_knows_something_else(tmp_path: Path) -> None:
    async def story(stage: Stage, store: LaggingStore) -> None:
        ensemble = stage.ensemble
        await stage.three_brokers(min_insync_replicas="2", segment_bytes="2000")
        for broker in ensemble.brokers():  # a topic's config is as old as the topic
            assert broker.replicas.partitions[T0].log.config.segment_bytes == 2000
        producer = await stage.client.producer()
        await producer.send(T0, "first")
        await ensemble.crash(controller(stage))
        await producer.send(T0, "without a controller")
        [dead] = {1, 2, 3} - set(ensemble.lives)
        await ensemble.start(dead)
        await stage.checker.settled()
        await ensemble.stop(state(stage).leader)
        await producer.send(T0, "without the leader")
        [stopped] = {1, 2, 3} - set(ensemble.lives)
        await ensemble.start(stopped)
        await stage.checker.settled()
        await stage.client.delete_topic("t")
        await ensemble.until(lambda: not store.tree.children(paths.TOPICS), "it is deleted")
        await stage.client.create_topic("t", {0: (3, 1, 2)})
        await stage.client.produce(TopicPartition("t", 0), "anew")
        await stage.checker.settled()

    play_lagging(story, tmp_path)


@pytest.mark.parametrize(
    ("seed", "steps"),
    [(1, 8), *(pytest.param(seed, 25, marks=pytest.mark.matrix) for seed in range(100, 140))],
)
@pytest.mark.long
def test_random_stories(tmp_path: Path, seed: int, steps: int) -> None:
    async def story(stage: Stage, store: LaggingStore) -> None:
        await chance.story(stage, steps)

    play_lagging(story, tmp_path, seed, **chance.QUICK)


def play_lagging(story: LaggingStory, directory: Path, seed: int = 1, **properties: str) -> None:
    """Play the story with a LaggingStore, whose servers run as long as it does."""
    play(partial(_with_servers, story), directory, seed, store=LaggingStore, **properties)


async def _with_servers(story: LaggingStory, stage: Stage) -> None:
    store = stage.ensemble.store
    assert isinstance(store, LaggingStore)
    store.lags_s = LAGS_S
    async with trio.open_nursery() as store.servers:
        await story(stage, store)
        # Brokers that still run at the story's end may open sessions.
        await stage.ensemble.crash(*stage.ensemble.lives)
        store.servers.cancel_scope.cancel()
