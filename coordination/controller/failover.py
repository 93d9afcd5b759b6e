"""A term begins: read the whole cluster, then set right whatever nobody looked after.

    1  arm the watches by reading, brokers first: nothing that changes from here on is missed
    2  the topics, their ids and assignments, every partition's state, the deletions asked for
    3  all brokers are told of each other, so that they can follow what comes next
    4  replicas: those on live brokers get a LeaderAndIsr with the new controller epoch; those on
       dead ones leave their ISRs
    5  partitions without a living leader get one
    6  deletions are taken up

After a reconnect the term goes on, but every watch is gone: read all again and compare.

Source: kafka.controller.KafkaController.{onControllerFailover,initializeControllerContext},
ReplicaStateMachine.startup, PartitionStateMachine.startup.
"""

from coordination.controller import (
    broker_changes,
    deletion,
    isr_changes,
    partition_changes,
    replica_changes,
    topic_changes,
)
from coordination.controller.batch import RequestBatch
from coordination.controller.context import ControllerContext, Replica
from coordination.controller.effects import OpenChannel
from coordination.controller.partition_states import PartitionState
from coordination.controller.partition_writes import read_states
from coordination.controller.replica_states import ReplicaState
from coordination.controller.story import (
    Story,
    headline,
    list_children,
    persist,
    read,
    record,
    record_bad_znode,
)
from coordination.store import Create, Delete, NodeExists, Set
from coordination.values import TopicPartition
from coordination.znodes import BadZnode, Feature, decode_feature, encode_feature, paths

__all__ = ["begin_term", "watches_lost"]


def begin_term(context: ControllerContext) -> Story[None]:
    yield from headline(
        "controller.failover_began", broker_id=context.controller_id, controller_epoch=context.epoch
    )
    yield from _enable_features(context)
    yield from _drop_isr_change_notifications(context)
    context.brokers = yield from broker_changes.read_brokers(context)
    for broker_id in sorted(context.brokers):
        yield OpenChannel(context.brokers[broker_id])
    without_state = yield from _load_topics(context)
    yield from _load_deletions(context)

    batch = RequestBatch(context)
    batch.update_metadata([])
    yield from batch.send()
    yield from _start_replicas(context)
    yield from _start_partitions(context, without_state)
    yield from deletion.resume(context)
    yield from record(
        "controller.ready",
        brokers=sorted(context.brokers),
        topics=len(context.topics),
        partitions=len(context.leadership),
    )


def watches_lost(context: ControllerContext) -> Story[None]:
    """Every hint at once: each story re-arms its watch by reading, and acts on what is new."""
    yield from broker_changes.brokers_changed(context)
    for broker_id in sorted(context.brokers):
        yield from broker_changes.broker_modified(context, broker_id)
    yield from topic_changes.topics_changed(context)
    yield from topic_changes.topics_modified(context, sorted(context.topics))
    yield from deletion.deletions_changed(context)
    yield from isr_changes.isr_changes_notified(context)


def _load_topics(context: ControllerContext) -> Story[set[TopicPartition]]:
    """Returns the partitions that never had a leader."""
    names = yield from list_children(paths.TOPICS, watch=True)
    for topic in (yield from topic_changes.read_topics(context, names)):
        context.put_topic(topic)
    return (yield from read_states(context, context.all_partitions()))


def _load_deletions(context: ControllerContext) -> Story[None]:
    asked = set((yield from list_children(paths.DELETE_TOPICS, watch=True)))
    nowhere = asked - context.topics.keys()
    if not context.settings.delete_topic_enable:
        nowhere = asked
    yield from persist(context, [[Delete(paths.delete_topic(topic))] for topic in sorted(nowhere)])
    context.topics_to_be_deleted = asked - nowhere
    context.topics_ineligible_for_deletion = {
        topic
        for topic in context.topics_to_be_deleted
        if any(not context.is_replica_online(r) for r in context.replicas_of_topic(topic))
    }


def _start_replicas(context: ControllerContext) -> Story[None]:
    """A dead replica starts as one whose deletion would fail: a topic may be half deleted."""
    online: list[Replica] = []
    offline: list[Replica] = []
    for replica in context.replicas_of(context.all_partitions()):
        if context.is_replica_online(replica):
            context.start_replica(replica, ReplicaState.ONLINE)
            online.append(replica)
        else:
            context.start_replica(replica, ReplicaState.DELETION_INELIGIBLE)
            offline.append(replica)
    yield from replica_changes.bring_online(context, online)
    yield from replica_changes.take_offline(context, offline)


def _start_partitions(
    context: ControllerContext, without_state: set[TopicPartition]
) -> Story[None]:
    """A partition whose state cannot be read is OFFLINE, not NEW: nobody may begin it again."""
    for partition in context.all_partitions():
        state = context.leadership.get(partition)
        if partition in without_state:
            context.start_partition(partition, PartitionState.NEW)
        elif state is not None and context.is_replica_online(Replica(partition, state.leader)):
            context.start_partition(partition, PartitionState.ONLINE)
        else:
            context.start_partition(partition, PartitionState.OFFLINE)
    yield from partition_changes.trigger_online(context)


def _enable_features(context: ControllerContext) -> Story[None]:
    """/feature exists and is enabled from the first controller on (KIP-584)."""
    nodes = yield from read([paths.FEATURE])
    node = nodes[0]
    if node is None:
        write: Create | Set = Create(paths.FEATURE, encode_feature(Feature(enabled=True)))
    else:
        try:
            feature = decode_feature(node)
        except BadZnode as error:
            yield from record_bad_znode(error)
            return
        if feature.enabled:
            return
        enabled = encode_feature(Feature(enabled=True))
        write = Set(paths.FEATURE, enabled, node.stat.version)
    outcomes = yield from persist(context, [[write]])
    if isinstance(outcomes[0], Exception) and not isinstance(outcomes[0], NodeExists):
        raise outcomes[0]


def _drop_isr_change_notifications(context: ControllerContext) -> Story[None]:
    """What they would tell is read anyway."""
    names = yield from list_children(paths.ISR_CHANGE_NOTIFICATION, watch=True)
    deletions = [[Delete(f"{paths.ISR_CHANGE_NOTIFICATION}/{name}")] for name in names]
    yield from persist(context, deletions)
