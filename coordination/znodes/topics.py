"""Topics: who should hold their partitions, who leads them, and what admins ask for.

    /brokers/topics/T                      {"version":3, "topic_id":"ew3DRA8aSpqj2ZcRtOzxyQ",
                                            "partitions":{"0":[2,3,1]},
                                            "adding_replicas":{}, "removing_replicas":{}}
        version 1 has partitions only, version 2 adds adding_ and removing_replicas (KIP-455),
        version 3 topic_id (KIP-516), 16 bytes in URL-safe base64 without padding
    /brokers/topics/T/partitions/P/state   {"version":1, "leader":2, "leader_epoch":0,
                                            "isr":[2,3,1], "controller_epoch":1}
        and "leader_recovery_state":1 from an unclean election to the next change of the ISR
    /admin/reassign_partitions             {"version":1, "partitions":[
                                            {"topic":"orders","partition":0,"replicas":[1,2]}]}
    /admin/preferred_replica_election      {"version":1, "partitions":[
                                            {"topic":"orders","partition":0}]}

Source: kafka.zk.{TopicZNode,TopicPartitionStateZNode,ReassignPartitionsZNode,
PreferredReplicaElectionZNode}.
"""

import base64
import re
import uuid
from collections.abc import Iterable, Mapping

from coordination.store import Node
from coordination.values import (
    LeaderAndIsr,
    LeaderRecoveryState,
    PartitionAssignment,
    TopicAssignment,
    TopicPartition,
)
from coordination.znodes import paths
from coordination.znodes.documents import LAST_EPOCH, BadZnode, Document, encode_json

_TOPIC_ID = re.compile(r"[A-Za-z0-9_-]{22}")


def topic_id_text(topic_id: uuid.UUID) -> str:
    """22 characters, as Kafka prints ids everywhere (org.apache.kafka.common.Uuid)."""
    return base64.urlsafe_b64encode(topic_id.bytes).rstrip(b"=").decode()


def topic_id_from_text(text: str) -> uuid.UUID:
    """Raises ValueError unless it is 16 bytes in URL-safe base64."""
    if _TOPIC_ID.fullmatch(text) is None:
        raise ValueError(f"not a topic id: {text!r:.80}")
    return uuid.UUID(bytes=base64.urlsafe_b64decode(text + "=="))


def encode_topic(assignment: TopicAssignment) -> bytes:
    partitions = assignment.partitions.items()
    document: dict[str, object] = {
        "version": 3,
        "partitions": {str(number): each.replicas for number, each in partitions},
        "adding_replicas": {str(number): each.adding for number, each in partitions if each.adding},
        "removing_replicas": {
            str(number): each.removing for number, each in partitions if each.removing
        },
    }
    if assignment.topic_id is not None:
        document["topic_id"] = topic_id_text(assignment.topic_id)
    return encode_json(document)


def decode_topic(topic: str, node: Node) -> TopicAssignment:
    document = Document.parse(paths.topic(topic), node.data)
    replicas = document.partition_map("partitions")
    adding = document.partition_map("adding_replicas") if document.has("adding_replicas") else {}
    removing = (
        document.partition_map("removing_replicas") if document.has("removing_replicas") else {}
    )
    topic_id = None
    if document.has("topic_id"):
        try:
            topic_id = topic_id_from_text(document.string("topic_id"))
        except ValueError as error:
            raise document.bad("topic_id", "16 bytes in base64") from error
    partitions = {
        number: PartitionAssignment(each, adding.get(number, ()), removing.get(number, ()))
        for number, each in sorted(replicas.items())
    }
    for number, assignment in partitions.items():
        _check_assignment(document, number, assignment)
    return TopicAssignment(topic, topic_id, partitions)


def _check_assignment(document: Document, number: int, assignment: PartitionAssignment) -> None:
    """A replica in two states at once would be no replica at all."""
    replicas = set(assignment.replicas)
    if len(replicas) < len(assignment.replicas) or any(replica < 0 for replica in replicas):
        why = f"partitions.{number}: expected each broker once, found {assignment.replicas}"
    elif not replicas.issuperset(assignment.adding + assignment.removing):
        why = f"adding_replicas, removing_replicas: {number} has some that are no replicas of it"
    elif replicas and not assignment.target:
        why = f"removing_replicas: nobody would be left of the replicas of {number}"
    else:
        return
    raise BadZnode(document.path, why)


def encode_partition_state(state: LeaderAndIsr) -> bytes:
    document: dict[str, object] = {
        "version": 1,
        "leader": state.leader,
        "leader_epoch": state.leader_epoch,
        "isr": state.isr,
        "controller_epoch": state.controller_epoch,
    }
    if state.leader_recovery_state is not LeaderRecoveryState.RECOVERED:
        document["leader_recovery_state"] = int(state.leader_recovery_state)
    return encode_json(document)


def decode_partition_state(tp: TopicPartition, node: Node) -> LeaderAndIsr:
    document = Document.parse(paths.partition_state(tp), node.data)
    if document.integer("leader_epoch") not in range(LAST_EPOCH):
        raise document.bad("leader_epoch", "an epoch that others can follow")
    return LeaderAndIsr(
        leader=document.integer("leader"),
        leader_epoch=document.integer("leader_epoch"),
        isr=document.integers("isr"),
        controller_epoch=document.integer("controller_epoch"),
        partition_epoch=node.stat.version,
        leader_recovery_state=_leader_recovery_state(document),
    )


def _leader_recovery_state(document: Document) -> LeaderRecoveryState:
    if not document.has("leader_recovery_state"):
        return LeaderRecoveryState.RECOVERED
    try:
        return LeaderRecoveryState(document.integer("leader_recovery_state"))
    except ValueError as error:
        raise document.bad("leader_recovery_state", "0 or 1") from error


def encode_reassignment(targets: Mapping[TopicPartition, tuple[int, ...]]) -> bytes:
    partitions = [
        {"topic": tp.topic, "partition": tp.partition, "replicas": replicas}
        for tp, replicas in targets.items()
    ]
    return encode_json({"version": 1, "partitions": partitions})


def decode_reassignment(node: Node) -> dict[TopicPartition, tuple[int, ...]]:
    document = Document.parse(paths.REASSIGN_PARTITIONS, node.data)
    partitions = document.documents("partitions")
    return {_partition(each): each.integers("replicas") for each in partitions}


def encode_preferred_replica_election(partitions: Iterable[TopicPartition]) -> bytes:
    return encode_partitions(partitions)


def decode_preferred_replica_election(node: Node) -> set[TopicPartition]:
    return decode_partitions(paths.PREFERRED_REPLICA_ELECTION, node.data)


def encode_partitions(partitions: Iterable[TopicPartition]) -> bytes:
    """The list of partitions that elections and ISR change notifications carry."""
    listed = [{"topic": tp.topic, "partition": tp.partition} for tp in partitions]
    return encode_json({"version": 1, "partitions": listed})


def decode_partitions(path: str, data: bytes) -> set[TopicPartition]:
    document = Document.parse(path, data)
    return {_partition(each) for each in document.documents("partitions")}


def _partition(document: Document) -> TopicPartition:
    return TopicPartition(document.string("topic"), document.integer("partition"))
