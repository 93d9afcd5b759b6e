"""Row 22: topics that are made and deleted in a tight loop end up half made or half deleted.

Source: KAFKA-6098 (https://github.com/apache/kafka/pull/7343).

Provoked by clients of all brokers that make and delete the same few topics as fast as they can,
with sessions of the controller expiring meanwhile; by a controller alone, in the same loop; and by
the two moments in which a request for deletion overtakes the news of its topic. Errors must be such
as pass, and in the end nothing is left of any topic: in ZooKeeper, in memory, on disk.
"""

from collections import Counter
from pathlib import Path

import attrs
import pytest
import trio

from broker.network.peers import PeerUnavailable
from broker.wire.errors import ErrorCode
from coordination.controller import effects as eff
from coordination.controller.events import (
    Answer,
)
from coordination.store import Create
from coordination.values import TopicPartition
from coordination.znodes import paths
from tests.failures.interrupted import InterruptedWorld, three_brokers
from tests.golden.controller_world import topic_data
from tests.simulation.client import PASSING, Client
from tests.simulation.ensemble import host_of
from tests.simulation.stage import Stage, play

TOPICS = ("apples", "pears")
ROUNDS = 8

# What may come of it, besides what every client asks again for.
EXPECTED = PASSING | {
    ErrorCode.NONE,
    ErrorCode.TOPIC_ALREADY_EXISTS,
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ErrorCode.REQUEST_TIMED_OUT,
}


def test_a_controller_alone() -> None:
    world = three_brokers("controller 1")
    for _ in range(20):
        world.script("topic orders 0=1,2 1=2", "delete-topic orders", "answer 1", "answer 2")
        assert world.tree.children(paths.TOPICS) == []
    context = world.controllers[1].context
    assert context.topics == {}
    assert context.leadership == {}


def test_a_request_for_deletion_that_is_heard_of_before_its_topic() -> None:
    """Another topic's deletion is still waiting to be looked at, so that this one is seen early."""
    world = three_brokers("controller 1")
    world.script("hold delete-topic nowhere", "hold topic orders 0=1,2", "delete-topic orders")
    world.script("answer 1", "answer 2")
    assert world.tree.children(paths.DELETE_TOPICS) == []
    assert world.tree.children(paths.TOPICS) == []


def test_a_topic_made_and_to_be_deleted_between_two_looks_of_a_new_controller() -> None:
    @attrs.define
    class BusyWorld(InterruptedWorld):
        def carry_out(self, effect: eff.Effect) -> Answer:
            answer = super().carry_out(effect)
            if effect == eff.ListChildren(paths.TOPICS, watch=True) and self.topic_count == 0:
                self.topic_count = 1
                self.change(Create(paths.topic("orders"), topic_data("orders", None, {"0": "1,2"})))
                self.change(Create(paths.delete_topic("orders")))
            return answer

    world = BusyWorld()
    world.script("broker 1", "broker 2", "controller 1", "answer 1", "answer 2")
    assert world.topic_count == 1
    assert world.tree.children(paths.DELETE_TOPICS) == []
    assert world.tree.children(paths.TOPICS) == []


@pytest.mark.long
@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(seed, marks=pytest.mark.matrix) for seed in range(100, 120))]
)
def test_all_brokers(tmp_path: Path, seed: int) -> None:
    play(story, tmp_path, seed)


async def story(stage: Stage) -> None:
    ensemble = stage.ensemble
    await ensemble.start(1, 2, 3)
    answers: Counter[ErrorCode] = Counter()
    working = 3
    async with trio.open_nursery() as nursery:

        async def work(client: Client) -> None:
            nonlocal working
            await make_and_delete(stage, client, answers)
            working -= 1

        for broker_id in (1, 2, 3):
            client = stage.new_client(f"client-{broker_id}")
            # Its own broker is the first that it asks.
            client.brokers = dict(sorted(client.brokers.items(), key=lambda b: b[0] != broker_id))
            nursery.start_soon(work, client)
        while working:
            await trio.sleep(stage.randomness.uniform(1, 5))
            if ensemble.controller is not None:
                ensemble.expire(ensemble.controller.broker_id)
    assert answers.keys() <= EXPECTED
    assert answers[ErrorCode.NONE] > ROUNDS

    await ensemble.until(lambda: ensemble.controller is not None, "there is a controller")
    for topic in stage.ensemble.store.tree.children(paths.TOPICS):  # whose deletion was not asked
        await stage.client.delete_topic(topic)
    await ensemble.until(lambda: not left_over(stage), "nothing is left over")


async def make_and_delete(stage: Stage, client: Client, answers: Counter[ErrorCode]) -> None:
    for number in range(ROUNDS):
        topic = stage.randomness.choice(TOPICS)
        replicas = tuple(stage.randomness.sample((1, 2, 3), 3))
        try:
            answers[await client.try_create_topic(topic, {0: replicas})] += 1
            value = f"{client.name} {number}"
            produced = await client.produce(TopicPartition(topic, 0), value, acks=1)
            answers[produced.error] += 1
            answers[await client.try_delete_topic(topic)] += 1
        except PeerUnavailable:
            await trio.sleep(0.1)


def left_over(stage: Stage) -> list[str]:
    """Whatever still has the name of one of the topics."""
    tree = stage.ensemble.store.tree
    parents = (paths.TOPICS, paths.DELETE_TOPICS, paths.config("topics"))
    found = [f"{parent}/{name}" for parent in parents for name in tree.children(parent)]
    for broker in stage.ensemble.brokers():
        found += [f"{broker.broker_id}: {tp}" for tp in broker.replicas.partitions]
        found += [f"{broker.broker_id} knows {topic}" for topic in broker.metadata.current.topics]
        directory = stage.ensemble.directory / host_of(broker.broker_id)
        found += [str(path) for path in directory.iterdir() if path.name.startswith(TOPICS)]
    return found
