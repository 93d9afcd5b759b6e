"""/admin/reassign_partitions: how reassignments were asked for before there was an API (KIP-455).

    {"version":1,"partitions":[{"topic":"orders","partition":0,"replicas":[3,4]}]}

A tool writes it; the controller strikes each partition from it that has come to its end, was
refused, or was asked for otherwise by the API, and deletes it with the last. Only then may an old
tool write the next, so its being there says that something is under way.

One that cannot be read is named in the trace when it is written, and left alone. (Kafka deletes it
when the next reassignment begins or ends.)

Source: kafka.zk.ReassignPartitionsZNode, KafkaController.maybeRemoveFromZkReassignment.
"""

from collections.abc import Mapping

from coordination.controller.context import ControllerContext
from coordination.controller.story import Story, exists, persist, read, record_bad_znode
from coordination.store import BadVersion, Delete, NoNode, Op, Set, StoreError
from coordination.values import TopicPartition
from coordination.znodes import BadZnode, decode_reassignment, encode_reassignment, paths

__all__ = ["Target", "read_asked", "strike"]

Target = tuple[int, ...]


def read_asked() -> Story[dict[TopicPartition, Target]]:
    """What it asks for now. The watch is armed, also where there is no such znode."""
    if not (yield from exists(paths.REASSIGN_PARTITIONS)):
        return {}
    nodes = yield from read([paths.REASSIGN_PARTITIONS])
    if nodes[0] is None:
        return {}
    try:
        return decode_reassignment(nodes[0])
    except BadZnode as error:
        yield from record_bad_znode(error)
        return {}


def strike(
    context: ControllerContext, settled: Mapping[TopicPartition, Target | None]
) -> Story[None]:
    """Remove these, if they are asked for with this target; None is any."""
    while True:
        nodes = yield from read([paths.REASSIGN_PARTITIONS])
        if nodes[0] is None:
            return
        try:
            asked = decode_reassignment(nodes[0])
        except BadZnode:
            return
        left = {
            partition: target
            for partition, target in asked.items()
            if partition not in settled or settled[partition] not in (None, target)
        }
        if left and left == asked:
            return
        version = nodes[0].stat.version
        write: Op = Delete(paths.REASSIGN_PARTITIONS, version)
        if left:
            write = Set(paths.REASSIGN_PARTITIONS, encode_reassignment(left), version)
        outcomes = yield from persist(context, [[write]])
        if not isinstance(outcomes[0], StoreError):
            return
        if not isinstance(outcomes[0], BadVersion | NoNode):
            raise outcomes[0]
