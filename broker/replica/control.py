"""What the controller orders: LeaderAndIsr and StopReplica, applied to the replicas here.

Orders can be late, repeated or from a controller that is none any more, so each
is fenced three times:

    by                a request with a smaller one is         error
    controller epoch  a zombie controller's                  STALE_CONTROLLER_EPOCH, all of it
    broker epoch      for this broker before its restart     STALE_BROKER_EPOCH, all of it;
                      (KIP-380)                              the handler checks it
    leader epoch      overtaken by a newer decision          STALE_CONTROLLER_EPOCH for that
                                                             partition, FENCED_LEADER_EPOCH when
                                                             it's a StopReplica

Controllers of the ZooKeeper era send LeaderAndIsr with type 0 for what has
changed only: a partition that a request doesn't name is left as it is, deletion
is never inferred from absence.

A replica in a failed log directory answers KAFKA_STORAGE_ERROR to either, from
which the controller learns that it is offline.

Kafka: ReplicaManager.becomeLeaderOrFollower, ReplicaManager.stopReplicas, KIP-570.
"""

import logging
from collections.abc import Mapping

import attrs
import trio

from broker.replica.manager import ReplicaManager
from broker.replica.new_replicas import check_topic_id, open_new_replicas
from broker.replica.orders import ReplicaState, StopOrder
from broker.replica.partition import Partition
from broker.replica.roles import Leading
from broker.wire.errors import ErrorCode, KafkaError
from coordination.values import (
    LEADER_EPOCH_DURING_DELETE,
    NO_LEADER_EPOCH,
    Recorder,
    TopicPartition,
)

_log = logging.getLogger(__name__)


@attrs.define
class RoleChanges:
    """What came of a request: an error code for each partition, and who changed role.

    Each with the event that it is the consequence of. `deleted` are stopped for good.
    """

    errors: dict[TopicPartition, ErrorCode] = attrs.field(factory=dict)
    leaders: dict[Partition, str] = attrs.field(factory=dict)
    followers: dict[Partition, str] = attrs.field(factory=dict)
    stopped: dict[Partition, str] = attrs.field(factory=dict)
    deleted: set[Partition] = attrs.field(factory=set)


def fence_controller(replicas: ReplicaManager, controller_id: int, controller_epoch: int) -> None:
    """Refuse a zombie controller, remember a new one; raises STALE_CONTROLLER_EPOCH."""
    if controller_epoch < replicas.controller_epoch:
        raise KafkaError(
            ErrorCode.STALE_CONTROLLER_EPOCH,
            f"controller {controller_id} is at epoch {controller_epoch}, "
            f"the latest known is {replicas.controller_epoch}",
        )
    replicas.controller_epoch = controller_epoch


async def become_leader_or_follower(
    replicas: ReplicaManager,
    states: Mapping[TopicPartition, ReplicaState],
    recorder: Recorder,
    cause: str,
) -> RoleChanges:
    """Take the ordered roles, making the logs of new replicas first.

    All that waits comes first, and then all roles change at once: an order that is
    broken off midway (ZooKeeper is away, and a new topic's config can't be read) has
    changed nothing, and is obeyed when the controller repeats it. The caller holds
    `replicas.control_order` and has fenced the controller. Raises what `topic_config` does.
    """
    changes = RoleChanges()
    accepted = {}
    for topic_partition, state in states.items():
        try:
            _check_order(replicas, topic_partition, state)
            accepted[topic_partition] = state
        except KafkaError as refusal:
            _refuse(replicas, changes, topic_partition, refusal, cause)
    refusals = await open_new_replicas(replicas, accepted, recorder, cause)
    for topic_partition, error in refusals.items():
        _refuse(replicas, changes, topic_partition, error, cause)
    for topic_partition, state in accepted.items():
        if topic_partition in refusals:
            continue
        try:
            partition = replicas.find(topic_partition)  # unless its directory has failed meanwhile
            is_first = partition.leader_epoch == NO_LEADER_EPOCH
            _take_role(partition, state)
        except KafkaError as failure:
            _refuse(replicas, changes, topic_partition, failure, cause)
            continue
        changed = changes.leaders if isinstance(partition.role, Leading) else changes.followers
        changed[partition] = _record_role(partition, state, is_first, recorder, cause)
        changes.errors[topic_partition] = ErrorCode.NONE
    return changes


def _record_role(
    partition: Partition, state: ReplicaState, is_first: bool, recorder: Recorder, cause: str
) -> str:
    """The event that says which role was taken; `is_first`: in this life."""
    taken = recorder(
        "partition.role",
        cause=cause,
        partition=str(partition.topic_partition),
        role="leader" if isinstance(partition.role, Leading) else "follower",
        leader=state.leader_and_isr.leader,
        leader_epoch=state.leader_and_isr.leader_epoch,
        log_end_offset=partition.log.log_end_offset,
        high_watermark=partition.high_watermark,
    )
    if is_first and _may_have_lost(partition):
        recorder(
            "partition.loss_possible",
            cause=taken,
            partition=str(partition.topic_partition),
            leader_epoch=partition.leader_epoch,
            log_end_offset=partition.log.log_end_offset,
            why="the last in-sync replica was not closed: what it had not synced may be gone",
        )
    return taken


def _may_have_lost(partition: Partition) -> bool:
    """Whether acknowledged records may be gone, and nobody can tell.

    The ISR had shrunk to this broker, so it acknowledged alone; then it ended without closing the
    log. A machine that lost power has lost what was not synced, and no other replica counts. Only
    KRaft's eligible leader replicas (KIP-966) prevent that.
    """
    role = partition.role
    return (
        isinstance(role, Leading)
        and role.isr == (partition.broker_id,)
        and len(partition.replicas) > 1
        and not partition.log.was_clean
    )


def _refuse(
    replicas: ReplicaManager,
    changes: RoleChanges,
    topic_partition: TopicPartition,
    error: KafkaError,
    cause: str,
) -> None:
    if error.code is ErrorCode.KAFKA_STORAGE_ERROR:
        stopped = replicas.take_offline(topic_partition)
        if stopped is not None:
            changes.stopped[stopped] = cause
    changes.errors[topic_partition] = error.code
    _log.info("LeaderAndIsr of %s is not applied: %s", topic_partition, error)


def _check_order(
    replicas: ReplicaManager, topic_partition: TopicPartition, state: ReplicaState
) -> None:
    """Raises `KafkaError` if it must not be obeyed."""
    replicas.check_online(topic_partition)
    if replicas.broker_id not in state.replicas:
        raise KafkaError(
            ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
            f"broker {replicas.broker_id} is not among the replicas {state.replicas}",
        )
    partition = replicas.partitions.get(topic_partition)
    if partition is not None:
        check_topic_id(partition.topic_id, state.topic_id, topic_partition)
        epoch = state.leader_and_isr.leader_epoch
        if epoch <= partition.leader_epoch:
            raise KafkaError(
                ErrorCode.STALE_CONTROLLER_EPOCH,
                f"leader epoch {epoch} is not newer than {partition.leader_epoch}",
            )


def _take_role(partition: Partition, state: ReplicaState) -> None:
    """Raises `KafkaError` when the log's directory has failed, at the latest now."""
    partition.log.check_storage()
    partition.adding, partition.removing = state.adding, state.removing
    if state.leader_and_isr.leader == partition.broker_id:
        partition.become_leader(state.leader_and_isr, state.replicas, trio.current_time())
    else:
        partition.become_follower(state.leader_and_isr, state.replicas)


async def stop_replicas(
    replicas: ReplicaManager,
    orders: Mapping[TopicPartition, StopOrder],
    recorder: Recorder,
    cause: str,
) -> RoleChanges:
    """Stop the ordered replicas, and delete the logs of those that are to be deleted.

    A log without a replica is deleted too: it was left over when the broker
    stopped before. The caller holds `replicas.control_order` and has fenced the
    controller.
    """
    changes = RoleChanges()
    obeyed: dict[TopicPartition, tuple[StopOrder, Partition | None]] = {}
    for topic_partition, order in orders.items():
        partition = replicas.partitions.get(topic_partition)
        if topic_partition in replicas.offline:
            changes.errors[topic_partition] = ErrorCode.KAFKA_STORAGE_ERROR
            continue
        if (
            partition is not None
            and order.leader_epoch not in (NO_LEADER_EPOCH, LEADER_EPOCH_DURING_DELETE)
            and order.leader_epoch < partition.leader_epoch
        ):
            changes.errors[topic_partition] = ErrorCode.FENCED_LEADER_EPOCH
            continue
        if partition is not None:
            partition.stop()
        if order.delete:
            replicas.remove(topic_partition)
        obeyed[topic_partition] = order, partition
    failed = await replicas.logs.delete(tp for tp, (order, _) in obeyed.items() if order.delete)
    for topic_partition, (order, partition) in obeyed.items():
        error = failed.get(topic_partition)
        if error is not None:
            _log.error("the log of %s can't be deleted: %s", topic_partition, error)
            replicas.take_offline(topic_partition)
            stopped = cause
        else:
            stopped = recorder(
                "partition.stopped",
                cause=cause,
                partition=str(topic_partition),
                deleted=order.delete,
            )
        changes.errors[topic_partition] = ErrorCode.NONE if error is None else error.code
        if partition is not None:
            changes.stopped[partition] = stopped
            if order.delete and error is None:
                changes.deleted.add(partition)
    return changes
