"""Topics as text: the lines that kafka-topics.sh prints, and the option values that it takes."""

import re
from collections.abc import Iterable, Mapping
from uuid import UUID

import click

from cli.client.reassignments import Reassignment
from cli.client.topics import PartitionDescription, TopicDescription
from coordination.znodes import topic_id_text


def topic_line(topic: TopicDescription) -> str:
    """The first line of a topic's description, as kafka-topics.sh --describe prints it."""
    configs = ",".join(f"{name}={value}" for name, value in topic.configs.items())
    facts = [
        f"Topic: {topic.name}",
        *([f"TopicId: {topic_id_text(topic.topic_id)}"] if topic.topic_id != UUID(int=0) else []),
        f"PartitionCount: {len(topic.partitions)}",
        f"ReplicationFactor: {topic.replication_factor}",
        f"Configs: {configs}",
    ]
    return "\t".join(facts)


def partition_line(topic: str, partition: PartitionDescription) -> str:
    """A partition's line. Only a KRaft cluster has eligible leader replicas (Elr, KIP-966)."""
    facts = [
        "",
        f"Topic: {topic}",
        f"Partition: {partition.partition}",
        f"Leader: {'none' if partition.leader is None else partition.leader}",
        f"Replicas: {ids(partition.replicas)}",
        f"Isr: {ids(partition.isr)}",
        *_moving(partition.reassignment),
        "Elr: N/A",
        "LastKnownElr: N/A",
    ]
    return "\t".join(facts)


def _moving(reassignment: Reassignment | None) -> list[str]:
    if reassignment is None:
        return []
    return [
        f"Adding Replicas: {ids(reassignment.adding)}",
        f"Removing Replicas: {ids(reassignment.removing)}",
    ]


def ids(broker_ids: Iterable[int]) -> str:
    """`1,2,3`"""
    return ",".join(map(str, broker_ids))


def topic_regex(pattern: str) -> re.Pattern[str]:
    """Kafka's topic filter: a regular expression, with commas for "or" (IncludeList)."""
    try:
        return re.compile(pattern.strip().strip("\"'").replace(" ", "").replace(",", "|"))
    except re.error as error:
        raise click.BadParameter(f"{pattern!r}: {error}", param_hint="--topic") from None


def parse_assignment(text: str) -> dict[int, list[int]]:
    """`1:2,2:3` -> partition 0 on brokers 1 and 2, partition 1 on 2 and 3, as kafka-topics.sh."""
    try:
        assignment = {
            partition: [int(broker) for broker in replicas.split(":")]
            for partition, replicas in enumerate(text.split(","))
        }
    except ValueError:
        raise click.BadParameter(
            f"{text!r}: write a partition's brokers with ':', partitions with ',': 1:2,2:3",
            param_hint="--replica-assignment",
        ) from None
    for partition, replicas in assignment.items():
        if len(set(replicas)) != len(replicas):
            problem = f"partition {partition} names a broker twice"
        elif len(replicas) != len(assignment[0]):
            problem = f"partition {partition} has another replication factor than partition 0"
        else:
            continue
        raise click.BadParameter(f"{text!r}: {problem}", param_hint="--replica-assignment")
    return assignment


def parse_configs(texts: Iterable[str]) -> Mapping[str, str]:
    """`key=value` each; the broker judges the names and values."""
    configs = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise click.BadParameter(f"{text!r} is not KEY=VALUE", param_hint="--config")
        configs[key.strip()] = value.strip()
    return configs
