"""A partition's leader wants another ISR, and the controller writes it (KIP-497).

AlterPartition is judged partition by partition, against the state that the context knows:

    the leader knows a later epoch than we do      NOT_CONTROLLER: we are a stale controller
    an earlier leader epoch                        FENCED_LEADER_EPOCH
    it is not the leader, or leaves itself out     INVALID_REQUEST (as KRaft; Kafka believes it)
    what it asks for is already so                 the state (a lost answer was asked for again)
    an earlier partition epoch                     INVALID_UPDATE_VERSION
    a member that is not live, is shutting down,
    or has restarted since the leader heard of it  INELIGIBLE_REPLICA (KIP-841, KIP-903)
    ZooKeeper's znode has another version          INVALID_UPDATE_VERSION
    otherwise                                      written: the new state, told to all brokers

In the last but one case somebody wrote past us. The state is read again, and the partition begins
a new leader epoch on it, so that leader and controller agree again; without that the leader would
ask in vain for ever (KAFKA-2729).

A broker before Kafka 2.7 writes its ISR itself and says so in /isr_change_notification.

Source: kafka.controller.KafkaController.{tryProcessAlterPartition,processIsrChangeNotification}.
"""

import uuid
from collections.abc import Mapping

import attrs

from coordination.controller import partition_changes, reassignment
from coordination.controller.batch import RequestBatch
from coordination.controller.context import ControllerContext
from coordination.controller.effects import Reply
from coordination.controller.partition_writes import read_states, write_states
from coordination.controller.requests import (
    AlterPartition,
    IsrProposal,
    KafkaErrorName,
)
from coordination.controller.story import (
    Story,
    headline,
    list_children,
    persist,
    read,
    record,
    record_bad_znode,
    state_facts,
)
from coordination.store import Delete
from coordination.values import (
    UNKNOWN_BROKER_EPOCH,
    LeaderAndIsr,
    LeaderRecoveryState,
    TopicPartition,
)
from coordination.znodes import BadZnode, decode_isr_change, paths

__all__ = ["alter_partition", "isr_changes_notified"]


def alter_partition(context: ControllerContext, request: AlterPartition) -> Story[None]:
    registration = context.brokers.get(request.broker_id)
    if registration is None or registration.epoch != request.broker_epoch:
        yield Reply(KafkaErrorName.STALE_BROKER_EPOCH)
        return

    results: dict[tuple[str | uuid.UUID, int], LeaderAndIsr | KafkaErrorName] = {}
    proposed: dict[TopicPartition, LeaderAndIsr] = {}
    asked_as: dict[TopicPartition, tuple[str | uuid.UUID, int]] = {}
    for topic in request.topics:
        name = _topic_name(context, topic.topic)
        for number, proposal in topic.partitions.items():
            asked = (topic.topic, number)
            if name is None:
                results[asked] = KafkaErrorName.UNKNOWN_TOPIC_ID
                continue
            partition = TopicPartition(name, number)
            verdict = _judge(context, request.broker_id, partition, proposal)
            if isinstance(verdict, KafkaErrorName) or verdict == context.leadership[partition]:
                results[asked] = verdict
            else:
                proposed[partition] = verdict
                asked_as[partition] = asked

    if proposed:
        partitions = [str(partition) for partition in proposed]
        yield from headline("isr.change_asked", broker_id=request.broker_id, partitions=partitions)
    written = yield from write_states(context, proposed)
    batch = RequestBatch(context)
    for partition, state in written.accepted.items():
        results[asked_as[partition]] = state
        batch.update_metadata([partition])
        yield from record("partition.isr_changed", **state_facts(partition, state))
    for partition in written.conflicts:
        results[asked_as[partition]] = KafkaErrorName.INVALID_UPDATE_VERSION
    yield from partition_changes.renew_leader_epoch(context, written.conflicts, batch)
    yield Reply(results)
    yield from batch.send()
    # What was being reassigned may now have its whole target in sync.
    yield from reassignment.complete(context, written.accepted)


def isr_changes_notified(context: ControllerContext) -> Story[None]:
    """Take over the states that old brokers say they wrote, and tell all brokers."""
    names = yield from list_children(paths.ISR_CHANGE_NOTIFICATION, watch=True)
    notifications = [f"{paths.ISR_CHANGE_NOTIFICATION}/{name}" for name in names]
    nodes = yield from read(notifications)
    changed: set[TopicPartition] = set()
    for path, node in zip(notifications, nodes, strict=True):
        if node is None:
            continue
        try:
            changed |= decode_isr_change(path, node)
        except BadZnode as error:
            yield from record_bad_znode(error)
    known = sorted(partition for partition in changed if partition in context.leadership)
    if known:
        yield from headline("isr.change_notified", partitions=[str(p) for p in known])
        yield from read_states(context, known)
        batch = RequestBatch(context)
        batch.update_metadata(known)
        yield from batch.send()
    yield from persist(context, [[Delete(path)] for path in notifications])


def _topic_name(context: ControllerContext, topic: str | uuid.UUID) -> str | None:
    return topic if isinstance(topic, str) else context.topic_names.get(topic)


def _judge(
    context: ControllerContext, leader: int, partition: TopicPartition, proposal: IsrProposal
) -> LeaderAndIsr | KafkaErrorName:
    """The state to write, the present state if it is that already, or why not."""
    current = context.leadership.get(partition)
    if current is None:
        return KafkaErrorName.UNKNOWN_TOPIC_OR_PARTITION
    isr = tuple(proposal.new_isr)
    if (
        proposal.leader_epoch > current.leader_epoch
        or proposal.partition_epoch > current.partition_epoch
    ):
        return KafkaErrorName.NOT_CONTROLLER
    if proposal.leader_epoch < current.leader_epoch:
        return KafkaErrorName.FENCED_LEADER_EPOCH
    if leader != current.leader or leader not in proposal.new_isr:
        return KafkaErrorName.INVALID_REQUEST
    # A leader that asks for an ISR has recovered: no 3.9 broker says otherwise (KIP-704).
    wanted = attrs.evolve(current, isr=isr, leader_recovery_state=LeaderRecoveryState.RECOVERED)
    if wanted == current:
        return current
    if proposal.partition_epoch < current.partition_epoch:
        return KafkaErrorName.INVALID_UPDATE_VERSION
    if not _all_eligible(context, proposal.new_isr):
        return KafkaErrorName.INELIGIBLE_REPLICA
    return wanted


def _all_eligible(context: ControllerContext, new_isr: Mapping[int, int]) -> bool:
    live = context.live_broker_ids()
    return all(
        broker_id in live and epoch in (UNKNOWN_BROKER_EPOCH, context.brokers[broker_id].epoch)
        for broker_id, epoch in new_isr.items()
    )
