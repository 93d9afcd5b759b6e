"""What the controller tells of its queue and its states."""

import json
from typing import Any

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from broker.monitoring.controller_pages import (
    WAITING_TOLD_AT_MOST,
    queue_page,
    states_page,
)
from broker.monitoring.http import Page
from coordination.controller.channel import Orders
from coordination.controller.commands import (
    CommandAnswered,
    StopReplicaCommand,
    UpdateMetadataCommand,
)
from coordination.controller.context import ControllerContext, Replica
from coordination.controller.events import BrokersChanged, TopicsModified
from coordination.controller.inbox import Inbox
from coordination.controller.partition_states import PartitionState
from coordination.controller.replica_states import ReplicaState
from coordination.controller.requests import ControlledShutdown
from coordination.controller.runner import ActiveController
from coordination.values import (
    LeaderAndIsr,
    PartitionAssignment,
    TopicAssignment,
    TopicPartition,
)

T0 = TopicPartition("t", 0)


def document(page: Page) -> Any:
    assert (page.status, page.content_type) == (200, "application/json")
    return json.loads(page.body)


def known() -> ControllerContext:
    """t-0 on brokers 1 and 2, of which 2 is dead; u is being deleted, and has no leader yet."""
    context = ControllerContext(1, 5, 9)
    for topic, replicas in (("u", (2,)), ("t", (1, 2))):
        context.put_topic(TopicAssignment(topic, None, {0: PartitionAssignment(replicas)}))
    context.leadership[T0] = LeaderAndIsr(1, 3, (1,), 5, 0)
    context.start_partition(T0, PartitionState.ONLINE)
    context.start_replica(Replica(T0, 1), ReplicaState.ONLINE)
    context.start_replica(Replica(T0, 2), ReplicaState.OFFLINE)
    context.topics_to_be_deleted.add("u")
    return context


async def test_the_states_of_topics_partitions_and_replicas() -> None:
    controller = ActiveController(known(), Inbox())
    assert document(await states_page(controller)) == {
        "broker": 1,
        "epoch": 5,
        "topics": [
            {
                "topic": "t",
                "deletion": None,
                "partitions": [
                    {
                        "partition": 0,
                        "state": "OnlinePartition",
                        "leader": 1,
                        "leader_epoch": 3,
                        "isr": [1],
                        "reassigning": False,
                        "replicas": [
                            {"broker": 1, "state": "OnlineReplica"},
                            {"broker": 2, "state": "OfflineReplica"},
                        ],
                    }
                ],
            },
            {
                "topic": "u",
                "deletion": "wanted",
                "partitions": [
                    {
                        "partition": 0,
                        "state": "NonExistentPartition",
                        "leader": None,
                        "leader_epoch": None,
                        "isr": [],
                        "reassigning": False,
                        "replicas": [{"broker": 2, "state": "NonExistentReplica"}],
                    }
                ],
            },
        ],
    }


async def test_a_topic_that_goes_meanwhile_is_left_out() -> None:
    context = known()
    told: list[Any] = []

    async def tell() -> None:
        told.append(document(await states_page(ActiveController(context, Inbox()))))

    async def remove() -> None:
        context.remove_topic("t")
        context.remove_topic("u")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(tell)
        nursery.start_soon(remove)
    assert [each["topic"] for each in told[0]["topics"]] in ([], ["t"])


async def test_what_is_under_way_and_what_waits(autojump_clock: MockClock) -> None:
    inbox = Inbox()
    deaf = UpdateMetadataCommand(1, 5, 9, {}, {}, ())
    since = trio.current_time()
    controller = ActiveController(
        known(), inbox, lambda: {2: Orders(7, deaf, since, 12), 1: Orders()}
    )
    assert document(queue_page(controller))["under_way"] is None
    inbox.put_hint(BrokersChanged())
    await inbox.take()
    inbox.put_hint(TopicsModified(("t",)))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(inbox.ask, ControlledShutdown(2, 9))
        await wait_all_tasks_blocked()
        inbox.put_answer(CommandAnswered(2, StopReplicaCommand(1, 5, 9, {}), 0, {}))
        await trio.sleep(2)
        told = document(queue_page(controller))
        nursery.cancel_scope.cancel()
    assert told == {
        "broker": 1,
        "epoch": 5,
        "under_way": {"event": "BrokersChanged", "broker": None, "command": None, "ms": 2000},
        "waiting_count": 3,
        "waiting": [
            {"event": "TopicsModified", "broker": None, "command": None},
            {"event": "ControlledShutdown", "broker": None, "command": None},
            {"event": "CommandAnswered", "broker": 2, "command": "StopReplica"},
        ],
        "brokers": [
            {"broker": 1, "waiting_count": 0, "asked": None, "ms": None, "attempts": None},
            {
                "broker": 2,
                "waiting_count": 7,
                "asked": "UpdateMetadata",
                "ms": 2000,
                "attempts": 12,
            },
        ],
    }


async def test_a_long_queue_is_not_told_to_its_end() -> None:
    inbox = Inbox()
    for number in range(WAITING_TOLD_AT_MOST + 1):
        inbox.put_hint(TopicsModified((f"t{number}",)))
    told = document(queue_page(ActiveController(known(), inbox)))
    assert told["waiting_count"] == WAITING_TOLD_AT_MOST + 1
    assert len(told["waiting"]) == WAITING_TOLD_AT_MOST


async def test_another_broker_says_that_it_is_not_the_controller() -> None:
    for page in (queue_page(None), await states_page(None)):
        assert (page.status, page.body) == (503, b"this broker is not the controller\n")
