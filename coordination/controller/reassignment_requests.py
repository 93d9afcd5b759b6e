"""Who asks for reassignments: admins by AlterPartitionReassignments, old tools by a znode.

    asked for                                        refused with
    -----------------------------------------------  -----------------------------------------
    no brokers, one twice, a negative one            INVALID_REPLICA_ASSIGNMENT
    by the API: a new one that is not live           INVALID_REPLICA_ASSIGNMENT
    a cancellation of what is not being reassigned   NO_REASSIGNMENT_IN_PROGRESS
    a partition that is not there, or whose topic    UNKNOWN_TOPIC_OR_PARTITION
    is to be deleted
    what would delete every replica in sync          INVALID_REPLICA_ASSIGNMENT

The last row: a new broker was the only one left in sync when the move to it is cancelled, or goes
elsewhere. Kafka deletes it, and acknowledged records with it (in KRaft it refuses, as here).

The latest takes precedence, whoever asks: what the API asks for is struck from the znode. The znode
may name brokers that are not live: the reassignment waits for them. It is refused, and struck, what
the API is; Kafka believes the znode in the first row, and an empty list there removes every
replica. The znode is read whenever it changes (Kafka: when it is made); what it asks for that is
already on its way is no news.

Source: kafka.controller.KafkaController.{processApiPartitionReassignment,validateReplicas,
processZkPartitionReassignment,initializePartitionReassignments,processListPartitionReassignments}.
"""

from collections.abc import Mapping

from coordination.controller import reassignment
from coordination.controller.context import ControllerContext
from coordination.controller.effects import Reply
from coordination.controller.reassignment_znode import Target, read_asked, strike
from coordination.controller.requests import (
    NO_SUCH_PARTITION,
    AlterPartitionReassignments,
    KafkaErrorName,
    ListPartitionReassignments,
    Refusal,
)
from coordination.controller.story import Story, headline, record
from coordination.values import PartitionAssignment, TopicPartition
from coordination.znodes import paths

__all__ = ["alter_reassignments", "go_on", "list_reassignments", "reassignments_changed"]


def alter_reassignments(
    context: ControllerContext, request: AlterPartitionReassignments
) -> Story[None]:
    results: dict[TopicPartition, Refusal | None] = {}
    wanted: dict[TopicPartition, PartitionAssignment] = {}
    for partition, target in request.targets.items():
        verdict = _judge_target(context, partition, target) or _judge(context, partition, target)
        if isinstance(verdict, Refusal):
            results[partition] = verdict
        else:
            wanted[partition] = verdict
    if wanted:
        yield from _asked("api", {partition: request.targets[partition] for partition in wanted})
        yield from strike(context, dict.fromkeys(wanted))
        begun = yield from reassignment.reassign(context, wanted)
        results |= {
            partition: None if partition in begun else NO_SUCH_PARTITION for partition in wanted
        }
    yield Reply(results)


def list_reassignments(
    context: ControllerContext, request: ListPartitionReassignments
) -> Story[None]:
    asked = context.being_reassigned if request.partitions is None else request.partitions
    yield Reply({p: context.assignment(p) for p in sorted(asked & context.being_reassigned)})


def reassignments_changed(context: ControllerContext) -> Story[None]:
    yield from _begin_asked(context)


def go_on(context: ControllerContext) -> Story[None]:
    """A term begins: what the znode asks for supplants what was under way; the rest goes on."""
    begun = yield from _begin_asked(context)
    yield from reassignment.resume(context, context.being_reassigned - begun)


def _begin_asked(context: ControllerContext) -> Story[set[TopicPartition]]:
    """Begin what is new in the znode; returns the partitions begun."""
    asked = yield from read_asked()
    news = {p: target for p, target in asked.items() if not _is_on_its_way(context, p, target)}
    if not news:
        return set()
    yield from _asked(paths.REASSIGN_PARTITIONS, news)
    verdicts = {
        partition: _judge_shape(target) or _judge(context, partition, target)
        for partition, target in news.items()
    }
    wanted = {p: each for p, each in verdicts.items() if not isinstance(each, Refusal)}
    begun = yield from reassignment.reassign(context, wanted)
    refused = [partition for partition in news if partition not in begun]
    for partition in refused:
        verdict = verdicts[partition]
        refusal = verdict if isinstance(verdict, Refusal) else NO_SUCH_PARTITION
        yield from record(
            "partition.reassignment_refused", partition=str(partition), why=refusal.message
        )
    if refused:
        yield from strike(context, dict.fromkeys(refused))
    return begun


def _is_on_its_way(context: ControllerContext, partition: TopicPartition, target: Target) -> bool:
    known = partition in context.being_reassigned
    return known and context.assignment(partition).target == target


def _asked(by: str, targets: Mapping[TopicPartition, Target | None]) -> Story[None]:
    named = {str(partition): target for partition, target in targets.items()}
    yield from headline("reassignment.asked", by=by, targets=named)


def _judge_target(
    context: ControllerContext, partition: TopicPartition, target: Target | None
) -> Refusal | None:
    """Whether the API may ask for it: as the znode, and its new brokers are live."""
    if target is None:
        return None
    misshapen = _judge_shape(target)
    if misshapen is not None:
        return misshapen
    current = _current(context, partition) or PartitionAssignment(())
    adding = current.reassigned_to(target).adding
    live = context.live_broker_ids()
    if set(adding) <= live:
        return None
    return _invalid(
        "Replica assignment has brokers that are not alive. "
        f"Replica list: {list(adding)}, live broker list: {sorted(live)}"
    )


def _judge_shape(target: Target) -> Refusal | None:
    if not target:
        return _invalid("Empty replica list specified in partition reassignment.")
    if len(set(target)) < len(target):
        return _invalid(
            f"Duplicate replica ids in partition reassignment replica list: {list(target)}"
        )
    if any(broker_id < 0 for broker_id in target):
        return _invalid(f"Invalid broker id in replica list: {list(target)}")
    return None


def _judge(
    context: ControllerContext, partition: TopicPartition, target: Target | None
) -> PartitionAssignment | Refusal:
    """What to write for it, or why not. No target: back to the origin."""
    current = _current(context, partition)
    if target is None and (current is None or not current.is_being_reassigned):
        return Refusal(KafkaErrorName.NO_REASSIGNMENT_IN_PROGRESS)
    if current is None or context.is_to_be_deleted(partition):
        return NO_SUCH_PARTITION
    if target is not None and partition.topic in context.deletions_waiting:
        return NO_SUCH_PARTITION  # what the deletion waits for may be cancelled, not drawn out
    assignment = current.reassigned_to(current.origin if target is None else target)
    state = context.leadership.get(partition)
    if state is not None and set(state.isr) <= set(current.replicas) - set(assignment.replicas):
        return _invalid(
            "Unable to change the partition assignment because it would require an unclean leader "
            f"election: the replicas in sync, {list(state.isr)}, would all be deleted."
        )
    return assignment


def _current(context: ControllerContext, partition: TopicPartition) -> PartitionAssignment | None:
    return context.topics.get(partition.topic, {}).get(partition.partition)


def _invalid(message: str) -> Refusal:
    return Refusal(KafkaErrorName.INVALID_REPLICA_ASSIGNMENT, message)
