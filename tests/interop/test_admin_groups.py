"""`zbroker-admin group` changing groups, beside Kafka's own tool on one cluster."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from tests.interop.test_admin import admin
from tests.interop.test_kafka_tools import GROUPS, run
from tests.support.cluster import TestCluster
from tests.support.topics import wait_until_known
from tests.support.waiting import wait_until

pytestmark = pytest.mark.server


@pytest.fixture
def topic(cluster: TestCluster, name: str) -> str:
    """Two partitions of 10 records each, one a second since 1970."""
    keep = ("--config", "retention.ms=-1")
    admin(cluster, "topic", "create", name, "-p", "2", "-r", "1", *keep)
    wait_until_known(cluster.bootstrap, name)
    producer = Producer({"bootstrap.servers": cluster.bootstrap})
    for number in range(20):
        producer.produce(name, str(number), partition=number % 2, timestamp=1000 * (number // 2))
    producer.flush()
    return name


@pytest.fixture
def member(cluster: TestCluster, topic: str) -> Iterator[Consumer]:
    """A member of the group named as the topic, which has both partitions."""
    consumer = Consumer(
        {
            "bootstrap.servers": cluster.bootstrap,
            "group.id": topic,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([topic])
    assert consumer.poll(30) is not None
    consumer.commit(asynchronous=False)
    yield consumer
    consumer.close()


def committed(cluster: TestCluster, group: str) -> dict[int, int]:
    client = AdminClient({"bootstrap.servers": cluster.bootstrap})
    request = ConsumerGroupTopicPartitions(group)
    answer = client.list_consumer_group_offsets([request])[group].result(30)
    return {each.partition: each.offset for each in answer.topic_partitions}


def rows(text: str, group: str) -> list[list[str]]:
    return sorted(
        re.split(r"\s+", line.strip()) for line in text.splitlines() if line.startswith(group)
    )


def planned(text: str) -> list[list[str]]:
    """The rows of Kafka's tool, which writes them into one line, behind what it warns of."""
    words = text.partition("NEW-OFFSET")[2].split()
    return sorted(words[at : at + 4] for at in range(0, len(words), 4))


def commit(cluster: TestCluster, group: str, offset: int) -> None:
    """The first one of a cluster is refused while the group's coordinator loads its partition."""
    client = AdminClient({"bootstrap.servers": cluster.bootstrap})
    partitions = [TopicPartition(group, number, offset) for number in range(2)]
    request = ConsumerGroupTopicPartitions(group, partitions)

    def is_committed() -> bool:
        answer = client.alter_consumer_group_offsets([request])[group].result(30)
        return not any(each.error for each in answer.topic_partitions)

    wait_until(f"offsets of {group} are committed", is_committed)


WISHES = [
    ["--to-earliest"],
    ["--to-latest"],
    ["--to-current"],
    ["--to-offset", "7"],
    ["--to-offset", "70"],
    ["--shift-by", "2"],
    ["--shift-by", "-9"],
    ["--to-datetime", "1970-01-01T00:00:03.500"],
    ["--to-datetime", "2200-01-01T00:00:00.000"],
    ["--by-duration", "PT1H"],
]


@pytest.mark.parametrize(
    "wishes", [WISHES[4:8:2], pytest.param(WISHES, marks=pytest.mark.matrix)], ids=["some", "all"]
)
def test_a_plan_is_that_of_kafkas_tool(
    cluster: TestCluster, topic: str, wishes: list[list[str]]
) -> None:
    commit(cluster, topic, 4)
    for wish in wishes:
        scope = ("--topic", topic, *wish)
        ours = admin(cluster, "group", "reset-offsets", topic, *scope)
        theirs = run(cluster, GROUPS, "--reset-offsets", "--dry-run", "--group", topic, *scope)
        assert rows(ours, topic) == planned(theirs), wish
        assert len(rows(ours, topic)) == 2
    assert committed(cluster, topic) == {0: 4, 1: 4}, "dry runs"


def test_a_plan_goes_to_kafkas_tool_and_back(
    cluster: TestCluster, topic: str, tmp_path: Path
) -> None:
    commit(cluster, topic, 4)
    plan = tmp_path / "plan.csv"
    change = ("group", "reset-offsets", topic)
    plan.write_text(admin(cluster, *change, "--all-topics", "--to-offset", "6", "--export"))
    run(
        cluster, GROUPS, "--reset-offsets", "--group", topic,
        "--from-file", str(plan), "--execute",
    )  # fmt: skip
    assert committed(cluster, topic) == {0: 6, 1: 6}
    plan.write_text(
        run(
            cluster, GROUPS, "--reset-offsets", "--group", topic,
            "--topic", f"{topic}:1", "--to-offset", "8", "--dry-run", "--export",
        ).strip()
    )  # fmt: skip
    done = json.loads(admin(cluster, *change, "--from-file", str(plan), "--execute", "-o", "json"))
    assert done["executed"] is True
    assert committed(cluster, topic) == {0: 6, 1: 8}


def test_a_group_in_use_is_refused_until_its_members_are_removed(
    cluster: TestCluster, topic: str, member: Consumer
) -> None:
    reset = ("group", "reset-offsets", topic, "--all-topics", "--to-latest", "--execute")
    assert "is not inactive but Stable" in admin(cluster, *reset, exit_code=1)
    assert "NON_EMPTY_GROUP" in admin(cluster, "group", "delete", topic, exit_code=1)
    reads = admin(cluster, "group", "delete-offsets", topic, "--topic", topic, exit_code=1)
    assert reads.count("GROUP_SUBSCRIBED_TO_TOPIC") == 2
    removed = admin(cluster, "group", "remove-members", topic, "--all")
    assert removed.startswith("Removed member rdkafka-")
    gone = removed.split()[2]
    assert "UNKNOWN_MEMBER_ID" in admin(
        cluster, "group", "remove-members", topic, "--member", gone, exit_code=1
    )


def test_forgetting_offsets_and_the_group(cluster: TestCluster, topic: str) -> None:
    commit(cluster, topic, 4)
    admin(cluster, "group", "delete-offsets", topic, "--topic", f"{topic}:0")
    assert committed(cluster, topic) == {1: 4}
    assert admin(cluster, "group", "delete", topic) == f"Deleted group {topic}.\n"
    assert topic not in admin(cluster, "group", "list").split()
    assert "GROUP_ID_NOT_FOUND" in admin(cluster, "group", "delete", topic, exit_code=1)


def test_lists_by_state_and_type(cluster: TestCluster, topic: str) -> None:
    commit(cluster, topic, 4)
    for flags in (["--state", "Empty"], ["--type", "classic"], ["--state"]):
        ours = rows(admin(cluster, "group", "list", *flags), topic)
        theirs = rows(run(cluster, GROUPS, "--list", *flags), topic)
        assert [row[:1] + sorted(row[1:]) for row in ours] == [
            row[:1] + sorted(row[1:]) for row in theirs
        ]
    assert topic in admin(cluster, "group", "list", "--state", "Empty", "-o", "name").split()
    assert topic not in admin(cluster, "group", "list", "--state", "Stable", "-o", "name").split()
