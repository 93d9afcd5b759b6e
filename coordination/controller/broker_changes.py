"""Brokers come, go, and come back before anybody noticed that they went.

/brokers/ids is read again and compared with the brokers known. A broker whose znode has a larger
czxid than the one known has bounced (KIP-380): its old life is ended first (its leaders move, it
leaves the ISRs), then its new life begins, exactly as if both had been seen.

    left     its partitions without a leader get another; its replicas go offline
    joined   it is told of all brokers and partitions, then what to lead and follow; partitions
             without a leader are tried again; reassignments and deletions that waited for it
             resume

Source: kafka.controller.KafkaController.{processBrokerChange,onBrokerStartup,onBrokerFailure,
onReplicasBecomeOffline,processBrokerModification}.
"""

import attrs

from coordination.controller import deletion, partition_changes, reassignment, replica_changes
from coordination.controller.batch import RequestBatch
from coordination.controller.context import ControllerContext, Replica
from coordination.controller.effects import CloseChannel, OpenChannel
from coordination.controller.partition_states import PartitionState
from coordination.controller.replica_states import ReplicaState
from coordination.controller.story import (
    Story,
    headline,
    list_children,
    read,
    record_bad_znode,
)
from coordination.values import BrokerRegistration, TopicPartition
from coordination.znodes import BadZnode, broker_id_of, decode_broker, paths

__all__ = ["broker_modified", "brokers_changed", "read_brokers", "replicas_become_offline"]


def brokers_changed(context: ControllerContext) -> Story[None]:
    found = yield from read_brokers(context)
    known = context.brokers
    joined = sorted(found.keys() - known.keys())
    left = sorted(known.keys() - found.keys())
    bounced = sorted(
        broker_id
        for broker_id in found.keys() & known.keys()
        if found[broker_id].epoch > known[broker_id].epoch
    )
    if joined:
        yield from _brokers_joined(context, [found[broker_id] for broker_id in joined])
    if bounced:
        yield from _brokers_left(context, bounced, bounced=True)
        yield from _brokers_joined(context, [found[broker_id] for broker_id in bounced])
    if left:
        yield from _brokers_left(context, left, bounced=False)


def broker_modified(context: ControllerContext, broker_id: int) -> Story[None]:
    """The same life of a broker under other addresses or features (a dynamic config)."""
    nodes = yield from read([paths.broker(broker_id)], watch=True)
    if nodes[0] is None:
        return  # its leaving is the story of /brokers/ids
    known = context.brokers.get(broker_id)
    if known is None:
        yield from brokers_changed(context)  # its registration could not be read before
        return
    try:
        found = decode_broker(broker_id, nodes[0])
    except BadZnode as error:
        yield from record_bad_znode(error)
        return
    if found.epoch != known.epoch or attrs.evolve(found, timestamp_ms=known.timestamp_ms) == known:
        return
    context.brokers[broker_id] = found
    yield from headline("broker.modified", broker_id=broker_id, endpoints=_endpoints(found))
    batch = RequestBatch(context)
    batch.update_metadata([])
    yield from batch.send()


def read_brokers(context: ControllerContext) -> Story[dict[int, BrokerRegistration]]:
    """The registrations now, arming both watches. One that cannot be read does not count, but one
    that could be before still does, as long as its znode is there."""
    names = yield from list_children(paths.BROKER_IDS, watch=True)
    ids = sorted(each for each in map(broker_id_of, names) if each is not None)
    nodes = yield from read([paths.broker(broker_id) for broker_id in ids], watch=True)
    found: dict[int, BrokerRegistration] = {}
    for broker_id, node in zip(ids, nodes, strict=True):
        if node is None:
            continue
        try:
            found[broker_id] = decode_broker(broker_id, node)
        except BadZnode as error:
            yield from record_bad_znode(error)
            known = context.brokers.get(broker_id)
            if known is not None and known.epoch == node.stat.czxid:
                found[broker_id] = known
    return found


def _brokers_joined(
    context: ControllerContext, registrations: list[BrokerRegistration]
) -> Story[None]:
    joined = {registration.broker_id for registration in registrations}
    others = set(context.brokers) - joined
    for registration in registrations:
        context.brokers[registration.broker_id] = registration
        yield from headline(
            "broker.joined",
            broker_id=registration.broker_id,
            broker_epoch=registration.epoch,
            endpoints=_endpoints(registration),
        )
        yield OpenChannel(registration)

    # The others need only the new list of brokers, the new ones everything.
    batch = RequestBatch(context)
    batch.update_metadata([], others)
    yield from batch.send()
    batch = RequestBatch(context)
    batch.update_metadata(context.partitions_with_leaders(), joined)
    yield from batch.send()

    replicas = [
        replica
        for replica in context.replicas_on(joined)
        if context.replica_state(replica) is not ReplicaState.DELETION_SUCCESSFUL
    ]
    yield from replica_changes.bring_online(context, replicas)
    yield from partition_changes.trigger_online(context)
    yield from reassignment.resume(context, _moving_to(context, joined))
    yield from deletion.resume_for(context, {replica.partition.topic for replica in replicas})


def _moving_to(context: ControllerContext, joined: set[int]) -> list[TopicPartition]:
    """What waited for one of these brokers to be its replica."""
    return [
        p for p in context.being_reassigned if joined.intersection(context.assignment(p).target)
    ]


def _brokers_left(context: ControllerContext, gone: list[int], *, bounced: bool) -> Story[None]:
    for broker_id in gone:
        registration = context.brokers.pop(broker_id)
        context.replicas_on_offline_dirs.pop(broker_id, None)
        context.behind_with_metadata.pop(broker_id, None)
        was_shutting_down = broker_id in context.shutting_down
        context.shutting_down.discard(broker_id)
        yield from headline(
            "broker.left",
            broker_id=broker_id,
            broker_epoch=registration.epoch,
            bounced=bounced,
            controlled_shutdown=was_shutting_down,
        )
        yield CloseChannel(broker_id)
    yield from replicas_become_offline(context, context.replicas_on(gone), why="a broker left")


def replicas_become_offline(
    context: ControllerContext, replicas: list[Replica], *, why: str
) -> Story[None]:
    """New leaders first, for nothing can be produced or consumed meanwhile; then the ISRs."""
    for_deletion = [r for r in replicas if context.is_to_be_deleted(r.partition)]
    to_stay = [r for r in replicas if not context.is_to_be_deleted(r.partition)]

    leaderless = context.partitions_with_offline_leader()
    partition_changes.mark_all(context, leaderless, PartitionState.OFFLINE)
    elected = yield from partition_changes.trigger_online(context)
    yield from replica_changes.take_offline(context, to_stay)
    if for_deletion:
        yield from deletion.replicas_failed(context, for_deletion, why=why)
    if not elected and not to_stay:
        # No change of a partition told the brokers that somebody is gone: say only that.
        batch = RequestBatch(context)
        batch.update_metadata([])
        yield from batch.send()


def _endpoints(registration: BrokerRegistration) -> tuple[str, ...]:
    return tuple(str(endpoint) for endpoint in registration.endpoints)
