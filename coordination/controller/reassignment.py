"""Moves a partition to other brokers, while it is used: step by step, each step safe to stop at.

A partition on 1,2,3 that is to be on 3,4. What the topic's znode says, and .../state:

    replicas   adding  removing   leader  isr        it happens that
    1,2,3                         1       1,2,3      (before)
    3,4,1,2    4       1,2        1       1,2,3      U  both are written down, for a successor too
    3,4,1,2    4       1,2        1       1,2,3      A  a new leader epoch: all four are told, 4 is
                                                        new, begins with nothing and follows
    3,4,1,2    4       1,2        1       1,2,3,4       the leader asks for 4 in the ISR
    3,4,1,2    4       1,2        3       1,2,3,4    B  the whole target is in sync: it is told
                                                        alone, under a new epoch, and has the leader
    3,4,1,2    4       1,2        3       3,4           1 and 2 are stopped, leave the ISR, and
                                                        are deleted
    3,4                           3       3,4           the new assignment is written down

Between A and B nothing here waits: every change of the ISR that the controller writes looks whether
it completes a reassignment (`complete`). A broker of the target that was away, or a controller that
takes over, begins again at A (`resume`); B may begin again too, for only its last write forgets the
brokers that it removes.

One that replaces another that is under way starts from the same origin: who was being added and is
not wanted any more is stopped and deleted at once. So is a cancellation, whose target is the origin
itself: nothing is left to add, it is complete from the start.

Different from Kafka: the topic's znode is written at the version read, so that partitions added
meanwhile stay in it; and a partition that has no leader yet, as none of its brokers has ever been
live, gets one from the new brokers (Kafka answers UNKNOWN_SERVER_ERROR and is stuck).

Source: kafka.controller.KafkaController.{onPartitionReassignment,updateCurrentReassignment,
maybeCompleteReassignment,maybeResumeReassignments}, ReplicaAssignment, KIP-455.
"""

from collections.abc import Iterable, Sequence

from coordination.controller import deletion, partition_changes, replica_changes
from coordination.controller.batch import RequestBatch
from coordination.controller.context import ControllerContext, Replica
from coordination.controller.leader_election import Strategy
from coordination.controller.partition_states import PartitionState
from coordination.controller.reassignment_znode import strike
from coordination.controller.replica_states import ReplicaState
from coordination.controller.story import Story, persist, read, record, record_bad_znode
from coordination.store import BadVersion, NoNode, Set, StoreError
from coordination.values import PartitionAssignment, TopicAssignment, TopicPartition
from coordination.znodes import BadZnode, decode_topic, encode_topic, paths

__all__ = ["complete", "reassign", "resume"]


def reassign(
    context: ControllerContext, partition: TopicPartition, assignment: PartitionAssignment
) -> Story[bool]:
    """Begin what `PartitionAssignment.reassigned_to` has made, be it to replace or to cancel.

    False if the topic's znode is gone or unreadable: nothing was begun.
    """
    before = context.assignment(partition)
    if assignment != before:
        if not (yield from _write_assignment(context, partition, assignment)):
            return False
        context.put_assignment(partition, assignment)
        yield from record(
            "partition.reassignment_began",
            partition=str(partition),
            replicas=assignment.replicas,
            adding=assignment.adding,
            removing=assignment.removing,
        )
        yield from _remove(
            context, partition, [r for r in before.replicas if r not in assignment.replicas]
        )
    context.being_reassigned.add(partition)
    yield from _go_on(context, partition)
    return True


def resume(context: ControllerContext, partitions: Iterable[TopicPartition]) -> Story[None]:
    """Something may have been missed: look again, and tell everyone again."""
    for partition in sorted(partitions):
        yield from _go_on(context, partition)


def complete(context: ControllerContext, partitions: Iterable[TopicPartition]) -> Story[None]:
    """Their ISRs have changed: those with their whole target in sync come to their end."""
    for partition in partitions:
        if partition in context.being_reassigned and _is_complete(context, partition):
            yield from _finish(context, partition)


def _is_complete(context: ControllerContext, partition: TopicPartition) -> bool:
    assignment = context.assignment(partition)
    if not assignment.is_being_reassigned:
        return True
    state = context.leadership.get(partition)
    return state is not None and set(assignment.target) <= set(state.isr)


def _go_on(context: ControllerContext, partition: TopicPartition) -> Story[None]:
    adding = [Replica(partition, broker_id) for broker_id in context.assignment(partition).adding]
    unheard_of = [r for r in adding if context.replica_state(r) is ReplicaState.NON_EXISTENT]
    replica_changes.mark_all(context, unheard_of, ReplicaState.NEW)
    if context.partition_state(partition) is PartitionState.NEW:
        yield from partition_changes.bring_online(context, [partition], Strategy.OFFLINE)
    if _is_complete(context, partition):
        yield from _finish(context, partition)
        return
    batch = RequestBatch(context)
    yield from partition_changes.renew_leader_epoch(context, [partition], batch)
    yield from batch.send()


def _finish(context: ControllerContext, partition: TopicPartition) -> Story[None]:
    """Phase B. The final assignment is known here before it is written: brokers are told it."""
    reassigned = context.assignment(partition)
    new = [Replica(partition, broker_id) for broker_id in reassigned.adding]
    started = [r for r in new if context.replica_state(r) is ReplicaState.NEW]
    replica_changes.mark_all(context, started, ReplicaState.ONLINE)
    final = PartitionAssignment(reassigned.target)
    context.put_assignment(partition, final)
    yield from _lead_from_target(context, partition)
    yield from _remove(context, partition, reassigned.removing)
    yield from _write_assignment(context, partition, final)
    yield from strike(context, {partition: final.replicas})
    context.being_reassigned.discard(partition)
    yield from record("partition.reassigned", partition=str(partition), replicas=final.replicas)
    batch = RequestBatch(context)
    batch.update_metadata([partition])
    yield from batch.send()
    yield from deletion.resume_for(context, {partition.topic})


def _lead_from_target(context: ControllerContext, partition: TopicPartition) -> Story[None]:
    """The target is told that it is all there is; from now on nobody else joins the ISR."""
    state = context.leadership.get(partition)
    leads_on = (
        state is not None
        and state.leader in context.assignment(partition).replicas
        and context.is_replica_online(Replica(partition, state.leader))
    )
    if leads_on:
        batch = RequestBatch(context)
        yield from partition_changes.renew_leader_epoch(context, [partition], batch)
        yield from batch.send()
    else:
        yield from partition_changes.bring_online(context, [partition], Strategy.REASSIGN)


def _remove(
    context: ControllerContext, partition: TopicPartition, broker_ids: Sequence[int]
) -> Story[None]:
    """Out of the ISR, stopped, deleted, forgotten. Whether the broker did delete it is not heard:
    one that is dead keeps its files, as in Kafka."""
    replicas = [Replica(partition, broker_id) for broker_id in broker_ids]
    yield from replica_changes.take_offline(context, replicas)
    yield from replica_changes.start_deletion(context, replicas)
    replica_changes.mark_all(context, replicas, ReplicaState.DELETION_SUCCESSFUL)
    replica_changes.mark_all(context, replicas, ReplicaState.NON_EXISTENT)


def _write_assignment(
    context: ControllerContext, partition: TopicPartition, assignment: PartitionAssignment
) -> Story[bool]:
    """Into the topic's znode, beside what else is in it. False if that is gone or unreadable."""
    topic = partition.topic
    topic_id = context.topic_ids.get(topic)
    while True:
        nodes = yield from read([paths.topic(topic)])
        if nodes[0] is None:
            return False
        try:
            found = decode_topic(topic, nodes[0])
        except BadZnode as error:
            yield from record_bad_znode(error)
            return False
        if found.topic_id not in (None, topic_id):
            return False  # made again behind our back: the watch on it tells the rest
        partitions = {**found.partitions, **context.topics[topic], partition.partition: assignment}
        wanted = TopicAssignment(topic, topic_id, partitions)
        write = Set(paths.topic(topic), encode_topic(wanted), nodes[0].stat.version)
        outcomes = yield from persist(context, [[write]])
        if not isinstance(outcomes[0], StoreError):
            return True
        if not isinstance(outcomes[0], BadVersion | NoNode):
            raise outcomes[0]
