"""zbroker-admin and Kafka's own tools side by side on one cluster: equal facts."""

import json
import re
import subprocess
import sys

import pytest
from confluent_kafka import Consumer, Producer

from tests.interop.test_kafka_tools import GROUPS, TOPICS, run
from tests.support.cluster import TestCluster
from tests.support.topics import wait_until_forgotten, wait_until_known

pytestmark = pytest.mark.server


def ended(
    cluster: TestCluster, *arguments: str, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """zbroker-admin, whatever its exit code."""
    return subprocess.run(
        [sys.executable, "-m", "cli.admin", *arguments, "-b", cluster.bootstrap],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def admin(cluster: TestCluster, *arguments: str, exit_code: int = 0) -> str:
    """zbroker-admin's stdout; its stderr for another exit code than 0."""
    result = ended(cluster, *arguments)
    assert result.returncode == exit_code, result.stdout + result.stderr
    return result.stderr if exit_code else result.stdout


def test_topics(cluster: TestCluster, name: str) -> None:
    created = admin(
        cluster, "topic", "create", name, "-p", "3", "-r", "1", "--config", "retention.ms=77",
    )  # fmt: skip
    assert created == f"Created topic {name}.\n"
    wait_until_known(cluster.bootstrap, name)
    assert "TOPIC_ALREADY_EXISTS" in admin(cluster, "topic", "create", name, exit_code=1)
    assert admin(cluster, "topic", "create", name, "--if-not-exists") == ""
    assert "INVALID_REPLICATION_FACTOR" in admin(
        cluster, "topic", "create", "too-many", "-r", "9", exit_code=1
    )
    assigned = f"{name}.assigned"
    admin(cluster, "topic", "create", assigned, "--replica-assignment", "3,1")
    wait_until_known(cluster.bootstrap, assigned)

    theirs = run(cluster, TOPICS, "--describe", "--topic", f"{name},{assigned}")
    ours = admin(cluster, "topic", "describe", "--topic", f"{name},{assigned}")
    assert sorted(ours.splitlines()) == sorted(theirs.splitlines())
    assert sorted(admin(cluster, "topic", "list").split()) == sorted(
        run(cluster, TOPICS, "--list").split()
    )

    facts = json.loads(admin(cluster, "topic", "describe", assigned, "-o", "json"))
    assert facts["v"] == 1
    assert [each["replicas"] for each in facts["topics"][0]["partitions"]] == [[3], [1]]
    assert admin(cluster, "topic", "describe", assigned, "--under-replicated-partitions") == ""

    partly = admin(cluster, "topic", "delete", name, "no-such-topic", exit_code=3)
    assert partly.startswith("Error: topic 'no-such-topic': UNKNOWN_TOPIC_OR_PARTITION")
    admin(cluster, "topic", "delete", assigned)
    wait_until_forgotten(cluster.bootstrap, name, assigned)
    left = admin(cluster, "topic", "list").split()
    assert name not in left
    assert assigned not in left
    assert "no topic" in admin(cluster, "topic", "describe", name, exit_code=1)


def test_groups(cluster: TestCluster, name: str) -> None:
    admin(cluster, "topic", "create", name, "-p", "2", "-r", "1")
    wait_until_known(cluster.bootstrap, name)
    producer = Producer({"bootstrap.servers": cluster.bootstrap})
    for number in range(10):
        producer.produce(name, str(number), partition=number % 2)
    producer.flush()
    consumer = Consumer(
        {
            "bootstrap.servers": cluster.bootstrap,
            "group.id": name,
            "client.id": "reader",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([name])
    consumer.consume(7, 30)
    consumer.commit(asynchronous=False)
    assert name in admin(cluster, "group", "list").split()

    for flags in ([], ["--members"], ["--state"]):
        ours = rows(admin(cluster, "group", "describe", name, *flags), name)
        # By itself the tool waits for 5 s, which a busy machine may need.
        patient = ("--timeout", "30000")
        theirs = rows(run(cluster, GROUPS, "--describe", "--group", name, *patient, *flags), name)
        assert ours == theirs
    assert f"{name}(0,1)" in admin(cluster, "group", "describe", name, "--members", "--verbose")
    consumer.close()

    facts = json.loads(admin(cluster, "group", "describe", name, "-o", "json"))["groups"][0]
    assert facts["state"] == "Empty"
    assert sum(each["lag"] for each in facts["offsets"]) == 3
    assert "no group 'nobody'" in admin(cluster, "group", "describe", "nobody", exit_code=1)


def rows(text: str, group: str) -> list[list[str]]:
    """The rows of a table about `group`, sorted: the order of partitions is free."""
    return sorted(
        re.split(r"\s+", line.strip()) for line in text.splitlines() if line.startswith(group)
    )


def test_the_znodes(cluster: TestCluster, name: str) -> None:
    """In ZooKeeper stands what the brokers say."""
    admin(cluster, "topic", "create", name, "-r", "1")
    wait_until_known(cluster.bootstrap, name)
    tree = subprocess.run(
        [sys.executable, "-m", "cli.admin", "zk", "tree", "--zookeeper", cluster.zookeeper_connect],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    for broker_id in cluster.brokers:
        assert f"{broker_id} [ephemeral, broker {broker_id}] = PLAINTEXT://" in tree
    assert re.search(r"─ controller \[ephemeral, broker (\d)\] = broker \1, since", tree)
    description = admin(cluster, "topic", "describe", name)
    topic_id = description.split("TopicId: ")[1].split("\t")[0]
    leader = description.split("Leader: ")[1].split("\t")[0]
    assert f"{name} = id {topic_id}, replicas 0: {leader}" in tree
    assert "unreadable" not in tree
