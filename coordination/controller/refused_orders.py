"""A broker refuses a LeaderAndIsr or a StopReplica as a whole: it is recorded, and not sent again.

What it was told to lead or to follow it does not; whoever reads the trace sees since when, and why.

    LeaderAndIsr                  nothing follows. The error says nothing of any replica: none of
                                  them is taken for offline, or for online
    StopReplica, to delete        the topic's deletion waits for the broker: see `deletion`
    StopReplica, merely to stop   nothing follows

An order is not like what a broker is told of the cluster, which is sent again, all of it
(`refused_metadata`). A stale one is refused because a newer one of another controller, or the
broker's next life, in which it is told all, has come before it. A broker that can't obey now
doesn't answer, and the same order is sent until it does. What is left is a defect, which the same
order would meet again; and each partition's next change is a new order.

Kafka: KafkaController.processLeaderAndIsrResponseReceived, which logs the error and returns.
"""

from coordination.controller.commands import (
    CommandAnswered,
    LeaderAndIsrCommand,
    StopReplicaCommand,
)
from coordination.controller.context import ControllerContext
from coordination.controller.story import Story, headline

__all__ = ["record_refusal"]


def record_refusal(
    context: ControllerContext,
    answer: CommandAnswered,
    command: LeaderAndIsrCommand | StopReplicaCommand,
) -> Story[None]:
    """If it is one, and of this life of the broker."""
    broker = context.brokers.get(answer.broker_id)
    if not answer.error_code or broker is None or broker.epoch != command.broker_epoch:
        return
    kind = "LeaderAndIsr" if isinstance(command, LeaderAndIsrCommand) else "StopReplica"
    yield from headline(
        "order.refused",
        broker_id=answer.broker_id,
        order=kind,
        error_code=answer.error_code,
        partitions=[str(partition) for partition in sorted(command.partitions)],
    )
