"""What `topic` reads from its options and prints; against a cluster: tests/interop."""

from uuid import UUID

import click
import pytest

from cli.client.topics import PartitionDescription, TopicDescription
from cli.commands.topic.text import (
    parse_assignment,
    parse_configs,
    partition_line,
    topic_line,
    topic_regex,
)

TOPIC_ID = UUID(bytes=bytes.fromhex("c30a85017d96483e868fe790430afcdd"))


def partition(number: int, leader: int | None, isr: tuple[int, ...]) -> PartitionDescription:
    return PartitionDescription(number, leader, 3, (2, 3, 1), isr, ())


def test_the_text_of_a_topic_is_that_of_kafkas_tool() -> None:
    configs = {"cleanup.policy": "compact", "retention.ms": "1000000"}
    topic = TopicDescription("orders", TOPIC_ID, False, (partition(0, 2, (2, 3, 1)),), configs, 1)
    assert topic_line(topic) == (
        "Topic: orders\tTopicId: wwqFAX2WSD6Gj-eQQwr83Q\tPartitionCount: 1\tReplicationFactor: 3"
        "\tConfigs: cleanup.policy=compact,retention.ms=1000000"
    )
    assert partition_line("orders", topic.partitions[0]) == (
        "\tTopic: orders\tPartition: 0\tLeader: 2\tReplicas: 2,3,1\tIsr: 2,3,1"
        "\tElr: N/A\tLastKnownElr: N/A"
    )


def test_a_topic_without_leader_id_or_configs() -> None:
    lost = partition(0, None, ())
    topic = TopicDescription("old", UUID(int=0), False, (lost,), {}, 1)
    assert topic_line(topic) == "Topic: old\tPartitionCount: 1\tReplicationFactor: 3\tConfigs: "
    assert "\tLeader: none\tReplicas: 2,3,1\tIsr: \t" in partition_line("old", lost)
    assert lost.under_replicated


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("orders", "orders", "orders2"),
        ("ord.*", "orders", "my-orders"),
        ("a,b", "b", "ab"),
        ('"a\\.b"', "a.b", "a-b"),
    ],
)
def test_kafkas_topic_filter(pattern: str, matching: str, other: str) -> None:
    regex = topic_regex(pattern)
    assert regex.fullmatch(matching)
    assert not regex.fullmatch(other)


def test_a_broken_filter_is_the_users_mistake() -> None:
    with pytest.raises(click.BadParameter, match="unterminated"):
        topic_regex("a[")


def test_replica_assignments() -> None:
    assert parse_assignment("1:2,2:3") == {0: [1, 2], 1: [2, 3]}
    for text, complaint in {
        "1:x": "write a partition's brokers",
        "1:1": "partition 0 names a broker twice",
        "1:2,3": "partition 1 has another replication factor",
    }.items():
        with pytest.raises(click.BadParameter, match=complaint):
            parse_assignment(text)


def test_configs() -> None:
    assert parse_configs(["a = b", "c=d=e", "f="]) == {"a": "b", "c": "d=e", "f": ""}
    for text in ("a", "=b"):
        with pytest.raises(click.BadParameter, match="is not KEY=VALUE"):
            parse_configs([text])
