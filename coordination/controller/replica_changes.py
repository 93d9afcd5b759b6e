"""Moves replicas through their state table (replica_states), with what each move entails.

    -> NEW                  noted only
    NEW -> ONLINE           noted only: the partition's first LeaderAndIsr has been sent
    -> ONLINE               the replica's broker is told the partition's leader and ISR
    -> OFFLINE              StopReplica to its broker (if that lives), the replica leaves the ISR,
                            the other replicas are told
    -> DELETION_STARTED     StopReplica with delete to its broker
    -> the rest             noted only

The last replica of an ISR never leaves it: an ISR names who has all committed records, and an
empty one would say that nobody has. If the leader leaves, the leader becomes -1.

Source: kafka.controller.{ReplicaStateMachine,ZkReplicaStateMachine}.
"""

from collections.abc import Iterable

import attrs

from coordination.controller.batch import RequestBatch
from coordination.controller.context import ControllerContext, Replica
from coordination.controller.partition_writes import write_states
from coordination.controller.replica_states import ReplicaState
from coordination.controller.story import Story, record, state_facts
from coordination.values import NO_LEADER, LeaderAndIsr, TopicPartition

__all__ = ["bring_online", "fail_deletion", "mark_all", "start_deletion", "take_offline"]


def mark_all(context: ControllerContext, replicas: Iterable[Replica], target: ReplicaState) -> None:
    """The moves that only are noted."""
    for replica in replicas:
        context.move_replica(replica, target)


def bring_online(context: ControllerContext, replicas: Iterable[Replica]) -> Story[None]:
    """Their brokers live: tell each what to lead and follow.

    A replica of a topic to be deleted is told nothing, the next it hears is StopReplica; Kafka
    sends it a LeaderAndIsr first, which would make its log anew just to delete it.
    """
    batch = RequestBatch(context)
    for replica in replicas:
        state = context.replica_state(replica)
        context.move_replica(replica, ReplicaState.ONLINE)
        partition = replica.partition
        if (
            state is not ReplicaState.NEW
            and partition in context.leadership
            and not context.is_to_be_deleted(partition)
        ):
            batch.leader_and_isr([replica.broker_id], partition)
    yield from batch.send()


def take_offline(context: ControllerContext, replicas: Iterable[Replica]) -> Story[None]:
    """Stop them and remove them from the ISR, one broker after the other."""
    batch = RequestBatch(context)
    by_broker: dict[int, list[Replica]] = {}
    for replica in replicas:
        by_broker.setdefault(replica.broker_id, []).append(replica)
    for broker_id, of_broker in sorted(by_broker.items()):
        yield from _remove_from_isr(context, broker_id, [r.partition for r in of_broker], batch)
        for replica in of_broker:
            batch.stop_replica(replica, delete=False)
            if not context.is_to_be_deleted(replica.partition):
                batch.update_metadata([replica.partition])
            context.move_replica(replica, ReplicaState.OFFLINE)
    yield from batch.send()


def start_deletion(context: ControllerContext, replicas: Iterable[Replica]) -> Story[None]:
    batch = RequestBatch(context)
    for replica in replicas:
        context.move_replica(replica, ReplicaState.DELETION_STARTED)
        batch.stop_replica(replica, delete=True)
    yield from batch.send()


def fail_deletion(context: ControllerContext, replicas: Iterable[Replica]) -> list[Replica]:
    """They cannot be deleted now. Returns those that matter: a deleted one stays deleted."""
    left = [r for r in replicas if context.replica_state(r) is not ReplicaState.DELETION_SUCCESSFUL]
    for replica in left:
        if context.replica_state(replica) in (ReplicaState.NEW, ReplicaState.ONLINE):
            context.move_replica(replica, ReplicaState.OFFLINE)
        if context.replica_state(replica) is not ReplicaState.DELETION_INELIGIBLE:
            context.move_replica(replica, ReplicaState.DELETION_INELIGIBLE)
    return left


def _remove_from_isr(
    context: ControllerContext,
    broker_id: int,
    partitions: Iterable[TopicPartition],
    batch: RequestBatch,
) -> Story[None]:
    """Until ZooKeeper has accepted it of every partition whose ISR has the broker."""
    remaining = list(partitions)
    while remaining:
        shrunk = {
            partition: _without(context.leadership[partition], broker_id)
            for partition in remaining
            if partition in context.leadership
            and broker_id in context.leadership[partition].isr
            and context.leadership[partition].controller_epoch <= context.epoch
        }
        written = yield from write_states(context, shrunk)
        for partition, state in written.accepted.items():
            told: tuple[int, ...] = ()
            if not context.is_to_be_deleted(partition):
                others = [r for r in context.assignment(partition).replicas if r != broker_id]
                told = tuple(r for r in others if r in context.brokers)
                batch.leader_and_isr(told, partition)
            yield from record(
                "partition.isr_changed",
                **state_facts(partition, state),
                removed=broker_id,
                told=told,
            )
        remaining = written.conflicts


def _without(state: LeaderAndIsr, broker_id: int) -> LeaderAndIsr:
    isr = tuple(replica for replica in state.isr if replica != broker_id) or state.isr
    leader = NO_LEADER if state.leader == broker_id else state.leader
    return attrs.evolve(state, leader=leader, isr=isr, leader_epoch=state.leader_epoch + 1)
