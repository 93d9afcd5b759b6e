"""A broker asks to stop: its leaders move away first, so that nobody waits for a timeout.

From the moment of asking the broker is no candidate for a leader or an ISR, yet it still serves:
a leader on it moves to another member of the ISR, and learns of it only after ZooKeeper and the
new leader do; a follower on it stops and leaves the ISR. A partition with one replica can move
nowhere and is not counted; one whose ISR is this broker alone stays, and is what the answer names:
the broker may ask again, or stop all the same.

Source: kafka.controller.KafkaController.doControlledShutdown, KIP-49.
"""

from coordination.controller import partition_changes, replica_changes
from coordination.controller.context import ControllerContext, Replica
from coordination.controller.effects import Reply
from coordination.controller.leader_election import Strategy
from coordination.controller.requests import (
    ControlledShutdown,
    KafkaErrorName,
)
from coordination.controller.story import Story, headline
from coordination.values import UNKNOWN_BROKER_EPOCH, TopicPartition

__all__ = ["controlled_shutdown"]


def controlled_shutdown(context: ControllerContext, request: ControlledShutdown) -> Story[None]:
    leaving = request.broker_id
    registration = context.brokers.get(leaving)
    if registration is None:
        yield Reply(KafkaErrorName.BROKER_NOT_AVAILABLE)
        return
    if UNKNOWN_BROKER_EPOCH != request.broker_epoch < registration.epoch:
        yield Reply(KafkaErrorName.STALE_BROKER_EPOCH)
        return

    context.shutting_down.add(leaving)
    yield from headline("broker.shutting_down", broker_id=leaving, broker_epoch=registration.epoch)
    replicated = _replicated_partitions(context, leaving)
    led = [p for p in replicated if context.leadership[p].leader == leaving]
    followed = [p for p in replicated if context.leadership[p].leader != leaving]
    yield from partition_changes.bring_online(context, led, Strategy.CONTROLLED_SHUTDOWN)
    yield from replica_changes.take_offline(context, [Replica(p, leaving) for p in followed])

    remaining = {
        partition
        for partition in _replicated_partitions(context, leaving)
        if context.leadership[partition].leader == leaving
    }
    yield Reply(remaining)


def _replicated_partitions(context: ControllerContext, broker_id: int) -> list[TopicPartition]:
    """Those on the broker that have another replica and a leader, and are to stay."""
    return [
        partition
        for partition in context.partitions_with_leaders()
        if broker_id in context.assignment(partition).replicas
        and len(context.assignment(partition).replicas) > 1
    ]
