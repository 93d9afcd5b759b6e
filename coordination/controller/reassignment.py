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
not wanted any more is stopped and deleted at once, and if it led already, another is elected. So is
a cancellation, whose target is the origin itself: nothing is left to add, it is complete from the
start.

Different from Kafka: what is asked for together is written and told together, not partition by
partition; the topic's znode is written at the version read, so that partitions added meanwhile
stay in it; a partition whose leader another reassignment removes gets one at once (Kafka elects
nobody then); and one that has no leader yet, as none of its brokers has ever been live, gets one
from the new brokers (Kafka answers UNKNOWN_SERVER_ERROR and is stuck).

Source: kafka.controller.KafkaController.{onPartitionReassignment,updateCurrentReassignment,
maybeCompleteReassignment,maybeResumeReassignments}, ReplicaAssignment, KIP-455.
"""

from collections.abc import Iterable, Mapping, Sequence

from coordination.controller import deletion, partition_changes, replica_changes
from coordination.controller.batch import RequestBatch
from coordination.controller.context import ControllerContext, Replica
from coordination.controller.leader_election import Strategy
from coordination.controller.partition_states import PartitionState
from coordination.controller.reassignment_znode import strike
from coordination.controller.replica_states import ReplicaState
from coordination.controller.story import Story, persist, read, record, record_bad_znode
from coordination.store import BadVersion, Node, NoNode, Set, Stat, StoreError
from coordination.values import NO_LEADER, PartitionAssignment, TopicAssignment, TopicPartition
from coordination.znodes import BadZnode, decode_topic, encode_topic, paths

__all__ = ["complete", "reassign", "resume"]


def reassign(
    context: ControllerContext, wanted: Mapping[TopicPartition, PartitionAssignment]
) -> Story[set[TopicPartition]]:
    """Begin what `PartitionAssignment.reassigned_to` has made, be it to replace or to cancel.

    Returns those begun: not those whose topic's znode is gone or unreadable.
    """
    before = {partition: context.assignment(partition) for partition in wanted}
    changed = {p: each for p, each in wanted.items() if each != before[p]}
    written = yield from _write_assignments(context, changed)
    for partition in sorted(written):
        assignment = wanted[partition]
        context.put_assignment(partition, assignment)
        yield from record(
            "partition.reassignment_began",
            partition=str(partition),
            replicas=assignment.replicas,
            adding=assignment.adding,
            removing=assignment.removing,
        )
    unwanted = [
        Replica(partition, broker_id)
        for partition in sorted(written)
        for broker_id in before[partition].replicas
        if broker_id not in wanted[partition].replicas
    ]
    yield from _remove(context, unwanted)
    begun = written | (wanted.keys() - changed.keys())
    context.being_reassigned |= begun
    yield from _go_on(context, sorted(begun))
    return begun


def resume(context: ControllerContext, partitions: Iterable[TopicPartition]) -> Story[None]:
    """Something may have been missed: look again, and tell everyone again."""
    yield from _go_on(context, sorted(partitions))


def complete(context: ControllerContext, partitions: Iterable[TopicPartition]) -> Story[None]:
    """Their ISRs have changed: those with their whole target in sync come to their end."""
    moving = [partition for partition in partitions if partition in context.being_reassigned]
    yield from _finish(context, [p for p in moving if _is_complete(context, p)])


def _is_complete(context: ControllerContext, partition: TopicPartition) -> bool:
    assignment = context.assignment(partition)
    if not assignment.is_being_reassigned:
        return True
    state = context.leadership.get(partition)
    return state is not None and set(assignment.target) <= set(state.isr)


def _go_on(context: ControllerContext, partitions: Sequence[TopicPartition]) -> Story[None]:
    adding = [Replica(p, broker) for p in partitions for broker in context.assignment(p).adding]
    unheard_of = [r for r in adding if context.replica_state(r) is ReplicaState.NON_EXISTENT]
    replica_changes.mark_all(context, unheard_of, ReplicaState.NEW)
    never_led = [p for p in partitions if context.partition_state(p) is PartitionState.NEW]
    yield from partition_changes.bring_online(context, never_led, Strategy.OFFLINE)
    completed = [partition for partition in partitions if _is_complete(context, partition)]
    waiting = [partition for partition in partitions if not _is_complete(context, partition)]
    yield from _finish(context, completed)
    batch = RequestBatch(context)
    yield from partition_changes.renew_leader_epoch(context, waiting, batch)
    yield from batch.send()
    led_by_removed = [partition for partition in waiting if _has_lost_leader(context, partition)]
    yield from partition_changes.bring_online(context, led_by_removed, Strategy.OFFLINE)


def _has_lost_leader(context: ControllerContext, partition: TopicPartition) -> bool:
    """It was taken out of the ISR, and no broker's death makes anybody elect another."""
    state = context.leadership.get(partition)
    online = context.partition_state(partition) is PartitionState.ONLINE
    return online and state is not None and state.leader == NO_LEADER


def _finish(context: ControllerContext, partitions: Sequence[TopicPartition]) -> Story[None]:
    """Phase B. The final assignment is known here before it is written: brokers are told it."""
    if not partitions:
        return
    moved = {partition: context.assignment(partition) for partition in partitions}
    final = {partition: PartitionAssignment(each.target) for partition, each in moved.items()}
    new = [Replica(partition, broker) for partition in moved for broker in moved[partition].adding]
    started = [replica for replica in new if context.replica_state(replica) is ReplicaState.NEW]
    replica_changes.mark_all(context, started, ReplicaState.ONLINE)
    for partition, assignment in final.items():
        context.put_assignment(partition, assignment)
    yield from _lead_from_target(context, partitions)
    yield from _remove(
        context,
        [Replica(partition, broker) for partition in moved for broker in moved[partition].removing],
    )
    yield from _write_assignments(context, final)
    yield from strike(context, {partition: each.replicas for partition, each in final.items()})
    context.being_reassigned -= final.keys()
    for partition, assignment in final.items():
        yield from record(
            "partition.reassigned", partition=str(partition), replicas=assignment.replicas
        )
    batch = RequestBatch(context)
    batch.update_metadata(partitions)
    yield from batch.send()
    yield from deletion.resume_for(context, {partition.topic for partition in partitions})


def _lead_from_target(
    context: ControllerContext, partitions: Sequence[TopicPartition]
) -> Story[None]:
    """The target is told that it is all there is; from now on nobody else joins the ISR."""
    stay = [partition for partition in partitions if _is_led_from_target(context, partition)]
    move = [partition for partition in partitions if not _is_led_from_target(context, partition)]
    batch = RequestBatch(context)
    yield from partition_changes.renew_leader_epoch(context, stay, batch)
    yield from batch.send()
    yield from partition_changes.bring_online(context, move, Strategy.REASSIGN)


def _is_led_from_target(context: ControllerContext, partition: TopicPartition) -> bool:
    state = context.leadership.get(partition)
    return (
        state is not None
        and state.leader in context.assignment(partition).replicas
        and context.is_replica_online(Replica(partition, state.leader))
    )


def _remove(context: ControllerContext, replicas: Sequence[Replica]) -> Story[None]:
    """Out of the ISR, stopped, deleted, forgotten. Whether the broker did delete it is not heard:
    one that is dead keeps its files, as in Kafka."""
    yield from replica_changes.take_offline(context, replicas)
    yield from replica_changes.start_deletion(context, replicas)
    replica_changes.mark_all(context, replicas, ReplicaState.DELETION_SUCCESSFUL)
    replica_changes.mark_all(context, replicas, ReplicaState.NON_EXISTENT)


def _write_assignments(
    context: ControllerContext, wanted: Mapping[TopicPartition, PartitionAssignment]
) -> Story[set[TopicPartition]]:
    """Into the topics' znodes, beside what else is in them. Returns those written: not those whose
    topic's znode is gone or unreadable."""
    by_topic: dict[str, dict[int, PartitionAssignment]] = {}
    for partition, assignment in wanted.items():
        by_topic.setdefault(partition.topic, {})[partition.partition] = assignment
    written: set[TopicPartition] = set()
    remaining = sorted(by_topic)
    while remaining:
        known = set()  # whose partitions are all ours: what we write there is no news
        nodes = yield from read([paths.topic(topic) for topic in remaining])
        writes: dict[str, Set] = {}
        for topic, node in zip(remaining, nodes, strict=True):
            found = yield from _partitions_in(context, topic, node)
            if node is not None and found is not None:
                partitions = {**found, **context.topics[topic], **by_topic[topic]}
                data = encode_topic(
                    TopicAssignment(topic, context.topic_ids.get(topic), partitions)
                )
                writes[topic] = Set(paths.topic(topic), data, node.stat.version)
                if found.keys() <= context.topics[topic].keys():
                    known.add(topic)
        outcomes = yield from persist(context, [[write] for write in writes.values()])
        remaining = []
        for topic, outcome in zip(writes, outcomes, strict=True):
            if isinstance(outcome, BadVersion | NoNode):
                remaining.append(topic)
            elif isinstance(outcome, StoreError):
                raise outcome
            else:
                written.update(TopicPartition(topic, number) for number in by_topic[topic])
                [stat] = outcome
                if topic in known:
                    assert isinstance(stat, Stat)
                    context.topics_as_of[topic] = stat.mzxid
    return written


def _partitions_in(
    context: ControllerContext, topic: str, node: Node | None
) -> Story[Mapping[int, PartitionAssignment] | None]:
    """None if there is no such znode, nobody can read it, or it is another topic's: then the watch
    on it tells the rest."""
    if node is None:
        return None
    if node.stat.mzxid == context.topics_as_of.get(topic):
        return context.topics[topic]
    try:
        found = decode_topic(topic, node)
    except BadZnode as error:
        yield from record_bad_znode(error)
        return None
    same = found.topic_id in (None, context.topic_ids.get(topic))
    return found.partitions if same else None
