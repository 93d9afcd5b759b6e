"""Deletes topics: everywhere, or not at all.

    /admin/delete_topics/T appears
      ├─ T's partitions: OFFLINE, then NON_EXISTENT; all brokers forget them (leader -2)
      ├─ replicas on dead brokers: DELETION_INELIGIBLE, and T is ineligible: halted
      └─ the others: OFFLINE (leaves the ISR), DELETION_STARTED (StopReplica with delete)
             answer without error: DELETION_SUCCESSFUL       with error: DELETION_INELIGIBLE
    all replicas DELETION_SUCCESSFUL: T's znodes go, /admin/delete_topics/T last, and T is forgotten
    a broker with one of T's replicas joins: T is eligible again, and what is left is deleted
    a partition of T is being reassigned: nothing begins before that is over, and T lives on (Kafka
        means to wait too, but asks before the topic is on its list)

The request stands in ZooKeeper until the end, so that a new controller takes the deletion up
wherever the old one stopped, at whatever write. The config goes first, then the topic's znode and
the request in one multi: Kafka deletes the config in between, and a controller that died there
left a config behind that the next topic of that name inherited.

Source: kafka.controller.TopicDeletionManager, KafkaController.processTopicDeletion.
"""

from collections.abc import Iterable

from coordination.controller import partition_changes, replica_changes, topic_changes
from coordination.controller.batch import RequestBatch
from coordination.controller.commands import CommandAnswered, StopReplicaCommand
from coordination.controller.context import ControllerContext, Replica
from coordination.controller.partition_states import PartitionState
from coordination.controller.replica_states import ReplicaState
from coordination.controller.story import Story, headline, list_children, persist, record
from coordination.store import Delete, NoNode, NotEmpty, Op, StoreError
from coordination.znodes import paths

__all__ = [
    "deletions_changed",
    "replicas_failed",
    "resume",
    "resume_for",
    "stop_replica_answered",
]


def deletions_changed(context: ControllerContext) -> Story[None]:
    """Take up what is asked for in /admin/delete_topics; strike what makes no sense."""
    asked = set((yield from list_children(paths.DELETE_TOPICS, watch=True)))
    if asked - context.topics.keys():
        # Made and deleted at once: this hint may have waited here before the topic's came.
        yield from topic_changes.topics_changed(context)
    refused = sorted(asked - context.topics.keys())
    if not context.settings.delete_topic_enable:
        refused = sorted(asked)
    for topic in refused:
        why = "there is no such topic"
        if topic in context.topics:
            why = "delete.topic.enable is false"
        yield from headline("topic.deletion_refused", topic=topic, why=why)
    yield from persist(context, [[Delete(paths.delete_topic(topic))] for topic in refused])
    known = context.topics_to_be_deleted | context.deletions_waiting
    for topic in sorted(asked - set(refused) - known):
        yield from headline("topic.deletion_asked", topic=topic)
        if context.is_topic_being_reassigned(topic):
            context.deletions_waiting.add(topic)
            yield from record("topic.deletion_halted", topic=topic, why="it is being reassigned")
        else:
            context.topics_to_be_deleted.add(topic)
    yield from resume(context)


def resume_for(context: ControllerContext, topics: set[str]) -> Story[None]:
    """What held these topics up may be over."""
    waiting = topics & (context.topics_to_be_deleted | context.deletions_waiting)
    if waiting:
        context.topics_ineligible_for_deletion -= waiting
        yield from resume(context)


def replicas_failed(
    context: ControllerContext, replicas: Iterable[Replica], *, why: str
) -> Story[None]:
    """These replicas of topics to be deleted cannot be deleted now."""
    left = replica_changes.fail_deletion(context, replicas)
    yield from _halt(context, {replica.partition.topic for replica in left}, why)
    yield from resume(context)


def stop_replica_answered(context: ControllerContext, answer: CommandAnswered) -> Story[None]:
    """A broker says what became of the replicas that it was to delete.

    An answer from a broker's earlier life is not for the replicas of this one.
    """
    command = answer.command
    broker = context.brokers.get(answer.broker_id)
    if not isinstance(command, StopReplicaCommand) or broker is None:
        return
    if broker.epoch != command.broker_epoch:
        return
    deleted: list[Replica] = []
    failed: list[Replica] = []
    for partition, state in command.partitions.items():
        replica = Replica(partition, answer.broker_id)
        if state.delete and context.replica_state(replica) is ReplicaState.DELETION_STARTED:
            error = answer.error_code or answer.partition_errors.get(partition, 0)
            (failed if error else deleted).append(replica)
    replica_changes.mark_all(context, deleted, ReplicaState.DELETION_SUCCESSFUL)
    if failed:
        yield from replicas_failed(context, failed, why=f"broker {answer.broker_id} failed")
    elif deleted:
        yield from resume(context)


def resume(context: ControllerContext) -> Story[None]:
    """Whatever can be done now for each topic to be deleted: finish, retry, or begin."""
    for topic in sorted(context.deletions_waiting):
        if not context.is_topic_being_reassigned(topic):
            context.deletions_waiting.remove(topic)
            context.topics_to_be_deleted.add(topic)
    for topic in sorted(context.topics_to_be_deleted):
        replicas = context.replicas_of_topic(topic)
        states = {context.replica_state(replica) for replica in replicas}
        if states <= {ReplicaState.DELETION_SUCCESSFUL}:
            yield from _complete(context, topic)
            continue
        if ReplicaState.DELETION_STARTED in states:
            continue  # the brokers' answers bring us back here
        ineligible = [
            r for r in replicas if context.replica_state(r) is ReplicaState.DELETION_INELIGIBLE
        ]
        if ineligible:
            yield from replica_changes.take_offline(context, ineligible)
        if topic not in context.topics_ineligible_for_deletion:
            yield from _begin(context, topic)


def _begin(context: ControllerContext, topic: str) -> Story[None]:
    partitions = context.partitions_of_topic(topic)
    if topic not in context.topics_with_deletion_started:
        yield from headline("topic.deletion_started", topic=topic)
        partition_changes.mark_all(context, partitions, PartitionState.OFFLINE)
        partition_changes.mark_all(context, partitions, PartitionState.NON_EXISTENT)
        context.topics_with_deletion_started.add(topic)
    batch = RequestBatch(context)
    batch.update_metadata(partitions)
    yield from batch.send()

    left = [
        replica
        for replica in context.replicas_of_topic(topic)
        if context.replica_state(replica) is not ReplicaState.DELETION_SUCCESSFUL
    ]
    alive = [replica for replica in left if context.is_replica_online(replica)]
    dead = [replica for replica in left if not context.is_replica_online(replica)]
    replica_changes.fail_deletion(context, dead)
    yield from replica_changes.take_offline(context, alive)
    yield from replica_changes.start_deletion(context, alive)
    if dead:
        offline = sorted({replica.broker_id for replica in dead})
        yield from _halt(context, {topic}, f"offline replicas on brokers {offline}")


def _halt(context: ControllerContext, topics: set[str], why: str) -> Story[None]:
    halted = topics & context.topics_to_be_deleted
    context.topics_ineligible_for_deletion |= halted
    for topic in sorted(halted):
        yield from record("topic.deletion_halted", topic=topic, why=why)


def _complete(context: ControllerContext, topic: str) -> Story[None]:
    """No replica is left: remove the znodes, bottom up, however many are still there."""
    yield from persist(context, [[Delete(paths.config(paths.topic_entity(topic)))]])
    while True:
        partitions = paths.partitions(topic)
        names = yield from list_children(partitions)
        yield from persist(context, [[Delete(f"{partitions}/{name}/state")] for name in names])
        yield from persist(context, [[Delete(f"{partitions}/{name}")] for name in names])
        yield from persist(context, [[Delete(partitions)]])
        if (yield from _delete_topic_znode(context, topic)):
            break
    context.remove_topic(topic)
    yield from headline("topic.deleted", topic=topic)


def _delete_topic_znode(context: ControllerContext, topic: str) -> Story[bool]:
    """The topic and the request to delete it, together, or what is left of the two.

    False if somebody has put a child under the topic meanwhile.
    """
    last: list[Op] = [Delete(paths.topic(topic)), Delete(paths.delete_topic(topic))]
    outcomes = yield from persist(context, [last])
    if isinstance(outcomes[0], NoNode):
        outcomes = yield from persist(context, [[op] for op in last])
    for outcome in outcomes:
        if isinstance(outcome, NotEmpty):
            return False
        if isinstance(outcome, StoreError) and not isinstance(outcome, NoNode):
            raise outcome
    return True
