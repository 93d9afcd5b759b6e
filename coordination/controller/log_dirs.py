"""A broker has lost a log directory, not its life: the replicas in it go offline.

    /log_dir_event_notification/log_dir_event_N   "a directory of broker 1 has failed"
      └─ LeaderAndIsr to broker 1, of all that runs on it; nothing in it is new
           ├─ KAFKA_STORAGE_ERROR for a partition: its replica there is offline. Leaders move away,
           │  it leaves its ISR, it is told to stop, and metadata names it as offline
           ├─ 0 for one that was offline: it is back, is told what it missed, and where nobody
           │  could lead there is an election (Kafka waits for the next change of brokers)
           └─ any other answer: it runs as before

A broker may answer so to any LeaderAndIsr, also without a notification: to the first one of a
new controller, which begins its term with asking everybody. What is offline is remembered until
the broker's next life begins, or it says of a partition that it has it again.

Source: kafka.controller.KafkaController.{processLogDirEventNotification,onBrokerLogDirFailure,
processLeaderAndIsrResponseReceived}, KIP-112.
"""

from coordination.controller import broker_changes, deletion, partition_changes, replica_changes
from coordination.controller.commands import CommandAnswered
from coordination.controller.context import ControllerContext, Replica
from coordination.controller.replica_states import ReplicaState
from coordination.controller.story import (
    Story,
    headline,
    list_children,
    persist,
    read,
    record_bad_znode,
)
from coordination.store import Delete
from coordination.values import TopicPartition
from coordination.znodes import BadZnode, decode_log_dir_event, paths

__all__ = ["drop_log_dir_events", "leader_and_isr_answered", "log_dir_events_notified"]

KAFKA_STORAGE_ERROR = 56
"""The wire's number for "the disk that holds this replica has failed"."""


def drop_log_dir_events(context: ControllerContext) -> Story[None]:
    """When a term begins: all brokers are asked anyway."""
    yield from _delete(context, (yield from _list_events()))


def log_dir_events_notified(context: ControllerContext) -> Story[None]:
    """Ask the brokers that lost a directory what is left."""
    events = yield from _list_events()
    nodes = yield from read(events)
    failed: set[int] = set()
    for path, node in zip(events, nodes, strict=True):
        try:
            if node is not None:
                failed.add(decode_log_dir_event(path, node))
        except BadZnode as error:
            yield from record_bad_znode(error)
    asked = sorted(failed & context.brokers.keys())
    if asked:
        yield from headline("log_dir.failed", brokers=asked)
        running = [
            replica
            for replica in context.replicas_on(asked)
            if context.replica_state(replica) is ReplicaState.ONLINE
        ]
        yield from replica_changes.bring_online(context, running)
    yield from _delete(context, events)


def leader_and_isr_answered(context: ControllerContext, answer: CommandAnswered) -> Story[None]:
    """Take the replicas offline whose directory has failed, and those back that have one again.

    An answer from a broker's earlier life says nothing about this one.
    """
    broker_id = answer.broker_id
    broker = context.brokers.get(broker_id)
    if broker is None or broker.epoch != answer.command.broker_epoch or answer.error_code:
        return
    known = context.replicas_on_offline_dirs.setdefault(broker_id, set())
    back = known & {partition for partition, error in answer.partition_errors.items() if error == 0}
    known -= back
    failed = {
        partition
        for partition, error in answer.partition_errors.items()
        if error == KAFKA_STORAGE_ERROR and _is_assigned(context, partition, broker_id)
    } - known
    if failed:
        known |= failed
        names = [str(partition) for partition in sorted(failed)]
        yield from headline("replicas.offline", broker_id=broker_id, partitions=names)
        replicas = [Replica(partition, broker_id) for partition in sorted(failed)]
        yield from broker_changes.replicas_become_offline(
            context, replicas, why=f"a log directory of broker {broker_id} failed"
        )
    if back:
        yield from _come_back(
            context, [Replica(partition, broker_id) for partition in sorted(back)]
        )


def _come_back(context: ControllerContext, replicas: list[Replica]) -> Story[None]:
    names = [str(replica.partition) for replica in replicas]
    yield from headline("replicas.online", broker_id=replicas[0].broker_id, partitions=names)
    waiting = [
        replica
        for replica in replicas
        if context.replica_state(replica)
        in (ReplicaState.OFFLINE, ReplicaState.DELETION_INELIGIBLE)
    ]
    yield from replica_changes.bring_online(context, waiting)
    yield from partition_changes.trigger_online(context)
    yield from deletion.resume_for(context, {replica.partition.topic for replica in replicas})


def _is_assigned(context: ControllerContext, partition: TopicPartition, broker_id: int) -> bool:
    """The topic may have been deleted, or the replica moved, while the broker answered."""
    assignment = context.topics.get(partition.topic, {}).get(partition.partition)
    return assignment is not None and broker_id in assignment.replicas


def _list_events() -> Story[list[str]]:
    names = yield from list_children(paths.LOG_DIR_EVENT_NOTIFICATION, watch=True)
    return [f"{paths.LOG_DIR_EVENT_NOTIFICATION}/{name}" for name in names]


def _delete(context: ControllerContext, events: list[str]) -> Story[None]:
    yield from persist(context, [[Delete(path)] for path in events])
