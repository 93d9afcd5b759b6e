"""`zbroker-admin topic` and `config` beside Kafka's own tools on one cluster: equal facts."""

import json

import pytest
from confluent_kafka import Producer

from tests.interop.test_admin import admin
from tests.interop.test_kafka_tools import CONFIGS, GET_OFFSETS, TOPICS, run
from tests.support.cluster import TestCluster
from tests.support.topics import wait_until_known
from tests.support.waiting import wait_until

pytestmark = pytest.mark.server


def lines(text: str) -> list[str]:
    return sorted(line for line in text.splitlines() if line)


def test_more_partitions_and_how_far_they_reach(cluster: TestCluster, name: str) -> None:
    # The records are as old as can be.
    keep = ("--config", "retention.ms=-1")
    admin(cluster, "topic", "create", name, "-p", "1", "-r", "1", *keep)
    wait_until_known(cluster.bootstrap, name)
    assert admin(cluster, "topic", "alter", name, "-p", "3") == f"Topic {name} has 3 partitions.\n"
    assert "INVALID_PARTITIONS" in admin(cluster, "topic", "alter", name, "-p", "2", exit_code=1)

    wait_until_known(cluster.bootstrap, name, partitions=3)
    described = admin(cluster, "topic", "describe", name)
    assert described.count("Leader: ") == 3
    assert lines(described) == lines(run(cluster, TOPICS, "--describe", "--topic", name))

    producer = Producer({"bootstrap.servers": cluster.bootstrap})
    for number in range(10):
        producer.produce(name, str(number), partition=number % 2, timestamp=1000 + number)
    producer.flush()
    for time in ("-1", "1005"):
        theirs = run(cluster, GET_OFFSETS, "--topic", name, "--time", time)
        assert lines(admin(cluster, "topic", "offsets", name, "--time", time)) == lines(theirs)
    assert admin(cluster, "topic", "offsets", name, "--time", "max-timestamp") == (
        f"{name}:0:4\n{name}:1:4\n"
    )
    facts = json.loads(admin(cluster, "topic", "offsets", name, "--time", "1005", "-o", "json"))
    assert [each["timestamp_ms"] for each in facts["offsets"]] == [1006, 1005, None]


@pytest.mark.parametrize(
    "flag",
    [
        "--at-min-isr-partitions",
        pytest.param("--under-min-isr-partitions", marks=pytest.mark.matrix),
        pytest.param("--topics-with-overrides", marks=pytest.mark.matrix),
    ],
)
def test_the_filters_of_describe(cluster: TestCluster, name: str, flag: str) -> None:
    setting = ("--config", "min.insync.replicas=1")
    admin(cluster, "topic", "create", f"{name}-at", "-p", "2", "-r", "1", *setting)
    admin(cluster, "topic", "create", f"{name}-over", "-p", "1", "-r", "3", *setting)
    wait_until_known(cluster.bootstrap, f"{name}-at", f"{name}-over")
    pattern = ("--topic", f"{name}-.*")
    ours = admin(cluster, "topic", "describe", *pattern, flag)
    assert lines(ours) == lines(run(cluster, TOPICS, "--describe", *pattern, flag))
    assert bool(ours) == (flag != "--under-min-isr-partitions")


ENTITIES = {
    # ours: (theirs, what to set)
    "--broker 1": ("--entity-type brokers --entity-name 1", "log.cleaner.threads=2"),
    "--broker-defaults": ("--entity-type brokers --entity-default", "log.retention.ms=99999999"),
    "--user alice": ("--entity-type users --entity-name alice", "producer_byte_rate=1024"),
    "--user alice --client app": (
        "--entity-type users --entity-name alice --entity-type clients --entity-name app",
        "request_percentage=50.5",
    ),
    "--client-defaults": ("--entity-type clients --entity-default", "consumer_byte_rate=2048"),
    "--ip 127.0.0.9": ("--entity-type ips --entity-name 127.0.0.9", "connection_creation_rate=10"),
}


def test_settings_of_a_topic(cluster: TestCluster, name: str) -> None:
    admin(cluster, "topic", "create", name, "-r", "1")
    wait_until_known(cluster.bootstrap, name)
    change = "retention.ms=1000,cleanup.policy=[compact,delete]"
    done = admin(cluster, "config", "alter", "--topic", name, "--add-config", change)
    assert done == f"Completed updating config for topic {name}.\n"
    compare_settings(cluster, f"--topic {name}", f"--entity-type topics --entity-name {name}")
    assert "INVALID_CONFIG" in admin(
        cluster, "config", "alter", "--topic", name, "--add-config", "retention.ms=x", exit_code=1
    )
    admin(cluster, "config", "alter", "--topic", name, "--delete-config", "retention.ms")
    left = admin(cluster, "config", "describe", "--topic", name)
    assert "cleanup.policy=compact,delete" in left
    assert "retention.ms=" not in left


@pytest.mark.parametrize(
    "entity",
    ["--broker 1", *(pytest.param(each, marks=pytest.mark.matrix) for each in [*ENTITIES][1:])],
)
def test_settings_of_all_others(cluster: TestCluster, entity: str) -> None:
    theirs, change = ENTITIES[entity]
    try:
        done = admin(cluster, "config", "alter", *entity.split(), "--add-config", change)
        assert done.startswith("Completed updating ")
        compare_settings(cluster, entity, theirs)
    finally:
        key = change.split("=")[0]
        admin(cluster, "config", "alter", *entity.split(), "--delete-config", key)


def test_levels_of_loggers(cluster: TestCluster) -> None:
    level = ("config", "describe", "--broker-logger", "1", "-o", "json")
    (loggers,) = json.loads(admin(cluster, *level))["resources"]
    before = {each["name"]: each["value"] for each in loggers["configs"]}
    logger = "root" if "root" in before else sorted(before)[0]
    alter = ("config", "alter", "--broker-logger", "1")
    admin(cluster, *alter, "--add-config", f"{logger}=WARN")
    (loggers,) = json.loads(admin(cluster, *level))["resources"]
    assert {each["name"]: each["value"] for each in loggers["configs"]}[logger] == "WARN"
    admin(cluster, *alter, "--add-config", f"{logger}={before[logger]}")


def compare_settings(cluster: TestCluster, ours: str, theirs: str) -> None:
    """What was set shows up a moment later, and then as in Kafka's tool."""
    described: list[str] = []

    def same() -> bool:
        described[:] = [
            admin(cluster, "config", "describe", *ours.split()),
            run(cluster, CONFIGS, "--describe", *theirs.split()),
        ]
        return lines(described[0]) == lines(described[1])

    wait_until("equal settings", same)
    assert len(described[0].splitlines()) > (0 if described[0].startswith("Quota") else 1)
