"""What a topic may be: its name, its assignment, its further partitions. Pure.

Refusals are AdminError, with Kafka's name of the error and Kafka's words.

Source: org.apache.kafka.common.internals.Topic, kafka.zk.AdminZkClient.{validateTopicCreate,
createNewPartitionsAssignment}, kafka.server.ZkAdminManager.createPartitions.
"""

import re
from collections.abc import Mapping, Sequence

from coordination.assignment import AdminError, BrokerRack, assign_replicas
from coordination.values import TopicAssignment

__all__ = [
    "check_topic_assignment",
    "check_topic_name",
    "is_topic_name",
    "new_partitions_assignment",
]

MAX_NAME_LENGTH = 249
_LEGAL_NAME = re.compile(r"[a-zA-Z0-9._-]+")


def is_topic_name(topic: str) -> bool:
    """Whether a topic may have this name; one that is none must not become part of a path."""
    return _why_no_name(topic) is None


def check_topic_name(topic: str) -> None:
    """Raise AdminError(INVALID_TOPIC_EXCEPTION) unless Kafka would take the name."""
    why = _why_no_name(topic)
    if why is not None:
        raise AdminError("INVALID_TOPIC_EXCEPTION", f"Topic name is invalid: {why}")


def _why_no_name(topic: str) -> str | None:
    if not topic:
        return "the empty string is not allowed"
    if topic in (".", ".."):
        return f"'{topic}' is not allowed"
    if len(topic) > MAX_NAME_LENGTH:
        return f"the length of '{topic}' is longer than the max allowed length {MAX_NAME_LENGTH}"
    if not _LEGAL_NAME.fullmatch(topic):
        return (
            f"'{topic}' contains one or more characters other than ASCII alphanumerics, "
            "'.', '_' and '-'"
        )
    return None


def check_topic_assignment(assignment: Mapping[int, Sequence[int]]) -> None:
    """A new topic's partitions are 0, 1, 2, ..., with equally many and distinct replicas each."""
    if len({len(replicas) for replicas in assignment.values()}) != 1:
        raise AdminError(
            "INVALID_REPLICA_ASSIGNMENT", "All partitions should have the same number of replicas"
        )
    if any(len(set(replicas)) < len(replicas) for replicas in assignment.values()):
        raise AdminError(
            "INVALID_REPLICA_ASSIGNMENT", f"Duplicate replica assignment found: {assignment}"
        )
    if set(assignment) != set(range(len(assignment))):
        raise AdminError(
            "INVALID_REPLICA_ASSIGNMENT",
            "partitions should be a consecutive 0-based integer sequence",
        )


def new_partitions_assignment(
    topic: TopicAssignment,
    total_count: int,
    brokers: Sequence[BrokerRack],
    assignments: Sequence[Sequence[int]] | None = None,
) -> dict[int, tuple[int, ...]]:
    """The replicas of the partitions that bring `topic` to `total_count`.

    Without explicit `assignments` (one a new partition) they go on where the topic's round robin
    stopped. `brokers` are the live ones, sorted by id.
    """
    present = len(topic.partitions)
    if any(each.is_being_reassigned for each in topic.partitions.values()):
        raise AdminError(
            "REASSIGNMENT_IN_PROGRESS",
            f"A partition reassignment is in progress for the topic '{topic.topic}'.",
        )
    if total_count < present:
        raise AdminError(
            "INVALID_PARTITIONS",
            f"Topic currently has {present} partitions, "
            f"which is higher than the requested {total_count}.",
        )
    if total_count == present:
        raise AdminError("INVALID_PARTITIONS", f"Topic already has {present} partitions.")
    first = topic.partitions[0].replicas
    if assignments is None:
        ids = [broker.broker_id for broker in brokers]
        start = next((i for i, broker_id in enumerate(ids) if broker_id >= first[0]), 0)
        return assign_replicas(
            brokers,
            total_count - present,
            len(first),
            start_index=start,
            shift=start,
            first_partition=present,
        )
    _check_added(assignments, total_count - present, len(first), present, brokers)
    return {present + i: tuple(replicas) for i, replicas in enumerate(assignments)}


def _check_added(
    assignments: Sequence[Sequence[int]],
    wanted: int,
    replication_factor: int,
    first_partition: int,
    brokers: Sequence[BrokerRack],
) -> None:
    live = {broker.broker_id for broker in brokers}
    unknown = sorted({replica for replicas in assignments for replica in replicas} - live)
    why = None
    if unknown:
        why = f"Unknown broker(s) in replica assignment: {', '.join(map(str, unknown))}."
    elif len(assignments) != wanted:
        why = (
            f"Increasing the number of partitions by {wanted} "
            f"but {len(assignments)} assignments provided."
        )
    for partition, replicas in enumerate(assignments, first_partition):
        if why is None and not replicas:
            why = f"Cannot have replication factor of 0 for partition id {partition}."
        if why is None and len(set(replicas)) < len(replicas):
            why = (
                "Duplicate brokers not allowed in replica assignment: "
                f"{', '.join(map(str, replicas))} for partition id {partition}."
            )
    uneven = {
        partition: len(replicas)
        for partition, replicas in enumerate(assignments, first_partition)
        if len(replicas) != replication_factor
    }
    if why is None and uneven:
        why = (
            "Inconsistent replication factor between partitions, partition 0 has "
            f"{replication_factor} while partitions [{', '.join(map(str, uneven))}] have "
            f"replication factors [{', '.join(map(str, uneven.values()))}], respectively."
        )
    if why is not None:
        raise AdminError("INVALID_REPLICA_ASSIGNMENT", why)
