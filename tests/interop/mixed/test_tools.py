"""Kafka's administrative tools, asked of one kind, carried out by a controller of the other.

Each call of a tool is a JVM of its own, so this is told once, in one ensemble, for each kind of
controller, and by few calls.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer

from tests.interop.faults.watch import ClusterWatch
from tests.interop.mixed.ensembles import (
    ENSEMBLES,
    PROPERTIES,
    TIMEOUT_S,
    new_topic,
    put_controller_on,
)
from tests.support.cluster import Kind, TestCluster, running_cluster
from tests.support.kafka import kafka_tool
from tests.support.topics import make_topics
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.server, pytest.mark.matrix]

REASSIGN = "org.apache.kafka.tools.reassign.ReassignPartitionsCommand"
ELECT = "org.apache.kafka.tools.LeaderElectionCommand"
CONFIGS = "kafka.admin.ConfigCommand"
LOG_DIRS = "org.apache.kafka.tools.LogDirsCommand"
ZOOKEEPER_SHELL = "org.apache.zookeeper.ZooKeeperMainWithTlsSupportForKafka"

# More than one fetch: a throttle (KIP-73) lets the first one pass, and looks at the rate after it.
RECORD, RECORDS = bytes(10_000), 500
SLOW = "1000"  # bytes a second


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestCluster]:
    directory = tmp_path_factory.mktemp("tools")
    with running_cluster(ENSEMBLES["zbroker-joins"], directory, properties=PROPERTIES) as each:
        yield each


@pytest.fixture(params=["kafka", "zbroker"])
def asked(request: pytest.FixtureRequest, cluster: TestCluster, watch: ClusterWatch) -> int:
    """The controller is of this kind; the broker that the tools ask is of the other."""
    controller: Kind = request.param
    put_controller_on(cluster, watch, cluster.of_kind(controller)[0])
    return next(each for each, kind in cluster.kinds.items() if kind != controller)


def run(cluster: TestCluster, asked: int, main_class: str, *arguments: str) -> str:
    return kafka_tool(main_class, "--bootstrap-server", cluster.address(asked), *arguments).stdout


def create(cluster: TestCluster, watch: ClusterWatch, topic: str) -> None:
    """One partition with five megabytes, on brokers 1 and 2."""
    make_topics(cluster.bootstrap, new_topic(topic, [[1, 2]]))
    watch.wait_until_full_isr(topic)
    producer = Producer(
        {"bootstrap.servers": cluster.bootstrap, "acks": "all", "log_level": 0, "linger.ms": 0}
    )
    for _ in range(RECORDS):
        producer.produce(topic, RECORD)
    assert producer.flush(TIMEOUT_S) == 0


def test_reassign_partitions(
    cluster: TestCluster, watch: ClusterWatch, asked: int, name: str, tmp_path: Path
) -> None:
    """kafka-reassign-partitions: generate; execute with a throttle; list; cancel; again; verify."""
    create(cluster, watch, name)
    topics = tmp_path / "topics.json"
    topics.write_text(json.dumps({"version": 1, "topics": [{"topic": name}]}))
    generated = run(
        cluster, asked, REASSIGN, "--generate", "--topics-to-move-json-file", str(topics),
        "--broker-list", "1,2,3",
    )  # fmt: skip
    current = generated.split("Current partition replica assignment")[1].strip().splitlines()[0]
    assert json.loads(current)["partitions"][0]["replicas"] == [1, 2]

    plan = tmp_path / "plan.json"
    moved = {"topic": name, "partition": 0, "replicas": [3, 1], "log_dirs": ["any", "any"]}
    plan.write_text(json.dumps({"version": 1, "partitions": [moved]}))
    by_plan = ("--reassignment-json-file", str(plan))
    started = run(cluster, asked, REASSIGN, "--execute", *by_plan, "--throttle", SLOW)
    assert f"Successfully started partition reassignment for {name}-0" in started
    assert "adding: 3" in run(cluster, asked, REASSIGN, "--list")
    cancelled = run(cluster, asked, REASSIGN, "--cancel", *by_plan)
    assert "Successfully cancelled partition reassignment" in cancelled
    wait_until("the old replicas", lambda: watch.replicas(name) == {"0": [1, 2]}, TIMEOUT_S)

    run(cluster, asked, REASSIGN, "--execute", *by_plan)
    wait_until("the new replicas", lambda: watch.replicas(name) == {"0": [3, 1]}, TIMEOUT_S)
    watch.wait_until_full_isr(name)
    verified = ""

    def is_completed() -> bool:
        nonlocal verified
        verified = run(cluster, asked, REASSIGN, "--verify", *by_plan)
        return f"Reassignment of partition {name}-0 is completed." in verified

    wait_until("the broker that is asked to hear of it", is_completed, TIMEOUT_S)
    assert "Clearing broker-level throttles" in verified


def test_elections_configs_and_log_dirs(
    cluster: TestCluster, watch: ClusterWatch, asked: int, name: str
) -> None:
    """kafka-leader-election, kafka-configs, kafka-log-dirs, zookeeper-shell."""
    create(cluster, watch, name)
    topic = ("--entity-type", "topics", "--entity-name", name)
    altered = run(cluster, asked, CONFIGS, "--alter", *topic, "--add-config", "retention.ms=54321")
    assert f"Completed updating config for topic {name}" in altered
    assert "retention.ms=54321" in run(cluster, asked, CONFIGS, "--describe", *topic)

    elected = run(
        cluster, asked, ELECT, "--election-type", "preferred", "--topic", name, "--partition", "0"
    )
    assert "Valid replica already elected for partitions" in elected

    described = run(cluster, asked, LOG_DIRS, "--describe", "--topic-list", name)
    facts = json.loads(described.splitlines()[-1])
    held = {
        each["broker"]: partition["size"]
        for each in facts["brokers"]
        for log_dir in each["logDirs"]
        for partition in log_dir["partitions"]
    }
    assert held.keys() == {1, 2}
    assert held[1] == held[2] > len(RECORD) * RECORDS

    shown = kafka_tool(ZOOKEEPER_SHELL, "-server", cluster.zookeeper_connect, "get", "/controller")
    assert f'"brokerid":{watch.controller()}' in shown.stdout
