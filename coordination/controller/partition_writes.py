"""Reads and conditional writes of partition states (.../state): never overwriting what is unknown.

Every write expects the version that the context knows. If the znode has another, ZooKeeper refuses
(BadVersion), the partition is read again, and the story decides anew from what is there. One case
is no conflict: what is there is exactly what was to be written, one version on. Then the write
happened and only its acknowledgement was lost with the connection.

Source: kafka.zk.KafkaZkClient.updateLeaderAndIsr, UpdateLeaderAndIsrResult.
"""

from collections.abc import Iterable, Mapping

import attrs

from coordination.controller.context import ControllerContext
from coordination.controller.story import Story, persist, read, record_bad_znode
from coordination.store import BadVersion, NoNode, Set, Stat, StoreError
from coordination.values import LeaderAndIsr, TopicPartition
from coordination.znodes import (
    BadZnode,
    decode_partition_state,
    encode_partition_state,
    paths,
)

__all__ = ["Written", "read_states", "write_states"]


@attrs.frozen
class Written:
    """`conflicts` were changed by somebody else; the context now knows what is there."""

    accepted: dict[TopicPartition, LeaderAndIsr]
    conflicts: list[TopicPartition]


def read_states(
    context: ControllerContext, partitions: Iterable[TopicPartition]
) -> Story[set[TopicPartition]]:
    """Take over what ZooKeeper has. A state that does not exist, or is unreadable, is not known.

    Returns those that do not exist.
    """
    wanted = list(partitions)
    nodes = yield from read([paths.partition_state(partition) for partition in wanted])
    missing = set()
    for partition, node in zip(wanted, nodes, strict=True):
        context.leadership.pop(partition, None)
        if node is None:
            missing.add(partition)
            continue
        try:
            context.leadership[partition] = decode_partition_state(partition, node)
        except BadZnode as error:
            yield from record_bad_znode(error)
    return missing


def write_states(
    context: ControllerContext, states: Mapping[TopicPartition, LeaderAndIsr]
) -> Story[Written]:
    """Write states whose `partition_epoch` is the version expected now, as this controller's."""
    wanted = {
        partition: attrs.evolve(state, controller_epoch=context.epoch)
        for partition, state in states.items()
    }
    outcomes = yield from persist(
        context,
        [
            [
                Set(
                    paths.partition_state(partition),
                    encode_partition_state(state),
                    state.partition_epoch,
                )
            ]
            for partition, state in wanted.items()
        ],
    )
    accepted: dict[TopicPartition, LeaderAndIsr] = {}
    refused: list[TopicPartition] = []
    for (partition, state), outcome in zip(wanted.items(), outcomes, strict=True):
        if isinstance(outcome, BadVersion | NoNode):
            refused.append(partition)
        elif isinstance(outcome, StoreError):
            raise outcome
        else:
            stat = outcome[0]
            assert isinstance(stat, Stat)
            accepted[partition] = attrs.evolve(state, partition_epoch=stat.version)
    context.leadership.update(accepted)

    yield from read_states(context, refused)
    conflicts = []
    for partition in refused:
        found = context.leadership.get(partition)
        if found is not None and _is_ours(found, wanted[partition]):
            accepted[partition] = found
        else:
            conflicts.append(partition)
    return Written(accepted, conflicts)


def _is_ours(found: LeaderAndIsr, wanted: LeaderAndIsr) -> bool:
    return found == attrs.evolve(wanted, partition_epoch=wanted.partition_epoch + 1)
