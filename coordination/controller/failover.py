"""A term begins: read the whole cluster, then set right whatever nobody looked after.

    1  arm the watches by reading, brokers first: nothing that changes from here on is missed
    2  the topics, their ids and assignments, every partition's state, the deletions asked for
    3  all brokers are told of each other, so that they can follow what comes next
    4  replicas: those on live brokers get a LeaderAndIsr with the new controller epoch; those on
       dead ones leave their ISRs
    5  partitions without a living leader get one
    6  reassignments go on, those that /admin/reassign_partitions asks for begin
    7  deletions are taken up, and the preferred leaders elected that somebody asked for

After a reconnect the term goes on, but every watch is gone: read all again and compare.

Source: kafka.controller.KafkaController.{onControllerFailover,initializeControllerContext},
ReplicaStateMachine.startup, PartitionStateMachine.startup.
"""

from coordination.controller import (
    asked_elections,
    broker_changes,
    deletion,
    feature_updates,
    isr_changes,
    log_dirs,
    partition_changes,
    reassignment_requests,
    replica_changes,
    topic_changes,
    unclean_elections,
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
    record,
)
from coordination.store import Delete
from coordination.values import TopicPartition
from coordination.znodes import paths

__all__ = ["begin_term", "watches_lost"]


def begin_term(context: ControllerContext) -> Story[None]:
    yield from headline(
        "controller.failover_began", broker_id=context.controller_id, controller_epoch=context.epoch
    )
    yield from feature_updates.enable_features(context)
    yield from log_dirs.drop_log_dir_events(context)
    yield from _drop_isr_change_notifications(context)
    yield from unclean_elections.skip_config_changes(context)
    context.brokers = yield from broker_changes.read_brokers(context)
    for broker_id in sorted(context.brokers):
        yield OpenChannel(context.brokers[broker_id])
    without_state = yield from _load_topics(context)
    asked = set((yield from list_children(paths.DELETE_TOPICS, watch=True)))
    if asked - context.topics.keys():  # made and to be deleted since we looked?
        without_state = yield from _load_topics(context)
    yield from _take_up_deletions(context, asked)

    batch = RequestBatch(context)
    batch.update_metadata([])
    yield from batch.send()
    yield from _start_replicas(context)
    yield from _start_partitions(context, without_state)
    yield from reassignment_requests.go_on(context)
    yield from deletion.resume(context)
    yield from asked_elections.preferred_election_changed(context)
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
    yield from log_dirs.log_dir_events_notified(context)
    yield from unclean_elections.configs_changed(context)
    yield from asked_elections.preferred_election_changed(context)
    yield from reassignment_requests.reassignments_changed(context)


def _load_topics(context: ControllerContext) -> Story[set[TopicPartition]]:
    """Returns the partitions that never had a leader."""
    names = yield from list_children(paths.TOPICS, watch=True)
    for topic in (yield from topic_changes.read_topics(context, names)):
        context.put_topic(topic)
    context.being_reassigned = {
        partition
        for partition in context.all_partitions()
        if context.assignment(partition).is_being_reassigned
    }
    return (yield from read_states(context, context.all_partitions()))


def _take_up_deletions(context: ControllerContext, asked: set[str]) -> Story[None]:
    nowhere = asked - context.topics.keys()
    if not context.settings.delete_topic_enable:
        nowhere = asked
    yield from persist(context, [[Delete(paths.delete_topic(topic))] for topic in sorted(nowhere)])
    there = asked - nowhere
    context.deletions_waiting = {t for t in there if context.is_topic_being_reassigned(t)}
    context.topics_to_be_deleted = there - context.deletions_waiting
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


def _drop_isr_change_notifications(context: ControllerContext) -> Story[None]:
    """What they would tell is read anyway."""
    names = yield from list_children(paths.ISR_CHANGE_NOTIFICATION, watch=True)
    deletions = [[Delete(f"{paths.ISR_CHANGE_NOTIFICATION}/{name}")] for name in names]
    yield from persist(context, deletions)
