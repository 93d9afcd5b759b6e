"""What follows from a partition's role, when the partition is a coordinator's memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from broker.broker import Broker
from broker.events import Event, EventLog
from broker.groups.offsets_log import OFFSETS_TOPIC
from broker.transactions.transactions_log import TRANSACTIONS_TOPIC
from broker.wire.messages import stop_replica as sr
from tests.broker.support import call, lead, make_coordinators_topic, open_broker, tp

LOADED = {OFFSETS_TOPIC: "group.loaded", TRANSACTIONS_TOPIC: "transaction.loaded"}
UNLOADED = {OFFSETS_TOPIC: "group.unloaded", TRANSACTIONS_TOPIC: "transaction.unloaded"}

both = pytest.mark.parametrize("topic", [OFFSETS_TOPIC, TRANSACTIONS_TOPIC])


@asynccontextmanager
async def coordinating_broker(directory: Path) -> AsyncIterator[Broker]:
    async with open_broker(directory) as broker, trio.open_nursery() as nursery:
        await nursery.start(broker.groups.run)
        await nursery.start(broker.transactions.run)
        for topic in (OFFSETS_TOPIC, TRANSACTIONS_TOPIC):
            await make_coordinators_topic(broker, topic)
        yield broker
        nursery.cancel_scope.cancel()


def events(broker: Broker, kind: str) -> list[Event]:
    assert isinstance(broker.events, EventLog)
    return [event for event in broker.events.recent if event.kind == kind]


def causes(broker: Broker, event: Event) -> list[str]:
    """What led to it, the nearest first."""
    assert isinstance(broker.events, EventLog)
    by_id = {each.id: each for each in broker.events.recent}
    kinds = []
    while event.cause is not None:
        event = by_id[event.cause]
        kinds.append(event.kind)
    return kinds


async def stop(broker: Broker, partition: str, leader_epoch: int, *, delete: bool) -> None:
    target = tp(partition)
    state = sr.StopReplicaPartitionState(
        partition_index=target.partition, leader_epoch=leader_epoch, delete_partition=delete
    )
    request = sr.StopReplicaRequest(
        controller_id=1,
        controller_epoch=1,
        broker_epoch=-1,
        topic_states=[sr.StopReplicaTopicState(topic_name=target.topic, partition_states=[state])],
    )
    await call(broker, request, 4)


@both
async def test_its_loading_and_unloading_have_the_role_as_their_cause(
    tmp_path: Path, topic: str, autojump_clock: MockClock
) -> None:
    async with coordinating_broker(tmp_path) as broker:
        await lead(broker, f"{topic}-0", replicas=(1, 2))
        await wait_all_tasks_blocked()
        [loaded] = events(broker, LOADED[topic])
        assert causes(broker, loaded) == ["partition.role", "control.leader_and_isr"]
        await lead(broker, f"{topic}-0", (2,), (1, 2), leader=2, leader_epoch=1)
        [unloaded] = events(broker, UNLOADED[topic])
        assert causes(broker, unloaded) == ["partition.role", "control.leader_and_isr"]
        await lead(broker, f"{topic}-0", replicas=(1, 2), leader_epoch=2)
        await wait_all_tasks_blocked()
        await stop(broker, f"{topic}-0", 2, delete=False)
        [_, unloaded] = events(broker, UNLOADED[topic])
        assert causes(broker, unloaded) == ["partition.stopped", "control.stop_replica"]


@both
async def test_a_topic_that_is_deleted_and_made_again_is_coordinated(
    tmp_path: Path, topic: str, autojump_clock: MockClock
) -> None:
    """Its epochs begin at 0 again."""
    async with coordinating_broker(tmp_path) as broker:
        await lead(broker, f"{topic}-0", leader_epoch=3)
        await wait_all_tasks_blocked()
        await stop(broker, f"{topic}-0", 3, delete=True)
        assert len(events(broker, UNLOADED[topic])) == 1
        await lead(broker, f"{topic}-0", leader_epoch=0)
        await wait_all_tasks_blocked()
        assert [event.facts["leader_epoch"] for event in events(broker, LOADED[topic])] == [3, 0]
