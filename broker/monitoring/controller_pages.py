"""What the controller is doing, and what it knows, in JSON: no znode has it, and no API of Kafka's.

    /controller/queue     the event under way and since when, those that wait behind it, and the
                          orders on their way to each broker
    /controller/states    each topic's deletion, each partition's and replica's state, as in the
                          tables of coordination.controller.partition_states and .replica_states

Only the controller's broker knows; every other answers 503. A page of states makes way between
topics, so it is no snapshot: what it says of one topic belongs together, and no more. Times are
ages, in milliseconds, for a reader's clock may be another.

    {"broker": 1, "epoch": 5, "topics": [{"topic": "t", "deletion": null, "partitions": [..]}]}
"""

import json
from typing import Any, Final

import trio

from broker.monitoring.http import Page
from coordination.controller.channel import Orders
from coordination.controller.context import ControllerContext, Replica
from coordination.controller.events import CommandAnswered
from coordination.controller.inbox import Item, Question
from coordination.controller.runner import ActiveController
from coordination.values import TopicPartition

CONTENT_TYPE: Final = "application/json"
NOT_HERE: Final = Page(b"this broker is not the controller\n", status=503)

# Answers may gather by the thousands; whoever looks wants to see what is next.
WAITING_TOLD_AT_MOST: Final = 100


def queue_page(controller: ActiveController | None) -> Page:
    if controller is None:
        return NOT_HERE
    under_way = controller.under_way
    document = {
        **_head(controller),
        "under_way": under_way and {**_event(under_way.item), "ms": _age_ms(under_way.at)},
        "waiting_count": controller.waiting,
        "waiting": [_event(each) for each in controller.first_waiting(WAITING_TOLD_AT_MOST)],
        "brokers": [
            _orders(broker_id, each) for broker_id, each in sorted(controller.orders.items())
        ],
    }
    return Page(json.dumps(document).encode(), CONTENT_TYPE)


async def states_page(controller: ActiveController | None) -> Page:
    if controller is None:
        return NOT_HERE
    context = controller.context
    topics = []
    for topic in sorted(context.topics):
        await trio.lowlevel.checkpoint()
        if topic in context.topics:  # it may have gone meanwhile
            topics.append(json.dumps(_topic(context, topic)))
    head = json.dumps(_head(controller)).removesuffix("}")
    return Page(f'{head}, "topics": [{", ".join(topics)}]}}'.encode(), CONTENT_TYPE)


def _head(controller: ActiveController) -> dict[str, Any]:
    return {"broker": controller.context.controller_id, "epoch": controller.epoch}


def _event(item: Item) -> dict[str, Any]:
    """Its name; of an answer also which broker gave it, and to what."""
    if isinstance(item, Question):
        return {"event": type(item.request).__name__, "broker": None, "command": None}
    if isinstance(item, CommandAnswered):
        command = _command_name(item.command)
        return {"event": "CommandAnswered", "broker": item.broker_id, "command": command}
    return {"event": type(item).__name__, "broker": None, "command": None}


def _orders(broker_id: int, orders: Orders) -> dict[str, Any]:
    is_asked = orders.asked is not None
    return {
        "broker": broker_id,
        "waiting_count": orders.waiting,
        "asked": _command_name(orders.asked) if is_asked else None,
        "ms": _age_ms(orders.since) if is_asked else None,
        "attempts": orders.attempts if is_asked else None,
    }


def _command_name(command: object) -> str:
    """As the request is called on the wire: LeaderAndIsr, UpdateMetadata, StopReplica."""
    return type(command).__name__.removesuffix("Command")


def _age_ms(at: float) -> int:
    return round((trio.current_time() - at) * 1000)


def _topic(context: ControllerContext, topic: str) -> dict[str, Any]:
    return {
        "topic": topic,
        "deletion": _deletion(context, topic),
        "partitions": [_partition(context, each) for each in context.partitions_of_topic(topic)],
    }


def _deletion(context: ControllerContext, topic: str) -> str | None:
    """Waiting for a reassignment's end, asked for, held up by a replica, or started."""
    for told, topics in (
        ("waiting", context.deletions_waiting),
        ("ineligible", context.topics_ineligible_for_deletion),
        ("started", context.topics_with_deletion_started),
        ("wanted", context.topics_to_be_deleted),
    ):
        if topic in topics:
            return told
    return None


def _partition(context: ControllerContext, partition: TopicPartition) -> dict[str, Any]:
    led = context.leadership.get(partition)
    return {
        "partition": partition.partition,
        "state": context.partition_state(partition).value,
        "leader": led and led.leader,
        "leader_epoch": led and led.leader_epoch,
        "isr": list(led.isr) if led else [],
        "reassigning": partition in context.being_reassigned,
        "replicas": [
            {"broker": each.broker_id, "state": context.replica_state(each).value}
            for each in (
                Replica(partition, broker) for broker in context.assignment(partition).replicas
            )
        ],
    }
