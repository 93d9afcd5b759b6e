"""Kafka's own command line tools, as a user of bin/kafka-*.sh runs them.

A tool is a JVM of a second or so; each test is one story told by several of them.
"""

import re

import pytest

from tests.support.cluster import TestCluster
from tests.support.kafka import kafka_tool
from tests.support.topics import wait_until_forgotten, wait_until_known

pytestmark = pytest.mark.server

TOPICS = "org.apache.kafka.tools.TopicCommand"
PRODUCER = "kafka.tools.ConsoleProducer"
CONSUMER = "org.apache.kafka.tools.consumer.ConsoleConsumer"
GET_OFFSETS = "org.apache.kafka.tools.GetOffsetShell"
GROUPS = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
API_VERSIONS = "kafka.admin.BrokerApiVersionsCommand"
CONFIGS = "kafka.admin.ConfigCommand"
CLUSTER = "org.apache.kafka.tools.ClusterTool"
DUMP_LOG = "kafka.tools.DumpLogSegments"


def run(cluster: TestCluster, main_class: str, *arguments: str, stdin: str = "") -> str:
    return kafka_tool(
        main_class, "--bootstrap-server", cluster.bootstrap, *arguments, stdin=stdin
    ).stdout


def create_topic(cluster: TestCluster, name: str, *options: str) -> None:
    """kafka-topics --create, and the time until each broker has heard of it."""
    run(cluster, TOPICS, "--create", "--topic", name, *options)
    wait_until_known(cluster.bootstrap, name)


def test_topics(cluster: TestCluster, name: str) -> None:
    """kafka-topics: create, list, describe, delete."""
    create_topic(
        cluster, name, "--partitions", "3", "--replication-factor", "1",
        "--config", "retention.ms=1000000",
    )  # fmt: skip
    assert name in run(cluster, TOPICS, "--list").splitlines()
    head, *partitions = run(cluster, TOPICS, "--describe", "--topic", name).splitlines()
    assert f"Topic: {name}\tTopicId: " in head
    assert "\tPartitionCount: 3\tReplicationFactor: 1\tConfigs: " in head
    assert "retention.ms=1000000" in head
    leaders = set()
    for number, line in enumerate(partitions):
        fields = dict(field.split(": ") for field in line.strip().split("\t"))
        assert fields["Partition"] == str(number)
        assert fields["Leader"] == fields["Replicas"] == fields["Isr"]
        leaders.add(int(fields["Leader"]))
    assert leaders == cluster.brokers.keys(), "three partitions lie on three brokers"
    run(cluster, TOPICS, "--delete", "--topic", name)
    wait_until_forgotten(cluster.bootstrap, name)
    assert name not in run(cluster, TOPICS, "--list").splitlines()


def test_console_clients_and_offsets(cluster: TestCluster, name: str) -> None:
    """kafka-console-producer (idempotent by default) and -consumer, get-offsets, groups."""
    lines = [f"line {number}" for number in range(20)]
    run(cluster, PRODUCER, "--topic", name, stdin="\n".join(lines) + "\n")
    wait_until_known(cluster.bootstrap, name)
    got = run(
        cluster, CONSUMER, "--topic", name, "--from-beginning", "--group", name,
        "--max-messages", "20", "--timeout-ms", "20000",
    )  # fmt: skip
    assert got.splitlines() == lines
    assert run(cluster, GET_OFFSETS, "--topic", name).split() == [f"{name}:0:20"]
    earliest = run(cluster, GET_OFFSETS, "--topic", name, "--time", "earliest")
    assert earliest.split() == [f"{name}:0:0"]

    assert name in run(cluster, GROUPS, "--list").splitlines()
    described = run(cluster, GROUPS, "--describe", "--group", name).split("CLIENT-ID")[1].split()
    assert described == [name, name, "0", "20", "20", "0", "-", "-", "-"]
    state = run(cluster, GROUPS, "--describe", "--group", name, "--state").splitlines()[-1].split()
    assert state[0] == name
    assert state[-2:] == ["Empty", "0"]


def test_what_the_brokers_say_of_themselves(cluster: TestCluster, name: str) -> None:
    """kafka-broker-api-versions, kafka-cluster, kafka-configs."""
    versions = run(cluster, API_VERSIONS)
    for broker_id in cluster.brokers:
        assert f"{cluster.address(broker_id)} (id: {broker_id} rack: null)" in versions
    assert "Produce(0): 0 to 11 [usable: 11]" in versions
    assert re.search(r"Fetch\(1\): \d to 17 \[usable: 17\]", versions)

    cluster_id = run_subcommand(cluster, CLUSTER, "cluster-id").split()[-1]
    assert len(cluster_id) == 22, "a base64 UUID without its padding"

    create_topic(cluster, name, "--config", "max.message.bytes=123456")
    described = run(
        cluster, CONFIGS, "--describe", "--entity-type", "topics", "--entity-name", name
    )
    assert "max.message.bytes=123456 sensitive=false" in described
    broker = run(
        cluster, CONFIGS, "--describe", "--all", "--entity-type", "brokers", "--entity-name", "1",
    )  # fmt: skip
    assert "zookeeper.session.timeout.ms=3000" in broker


def run_subcommand(cluster: TestCluster, main_class: str, subcommand: str) -> str:
    return kafka_tool(main_class, subcommand, "--bootstrap-server", cluster.bootstrap).stdout


def test_dump_log_reads_every_file(cluster: TestCluster, name: str) -> None:
    """kafka-dump-log, on whatever lies in the brokers' log directories."""
    for codec in ("none", "gzip"):
        run(
            cluster, PRODUCER, "--topic", name, "--compression-codec", codec,
            stdin="".join(f"line {number}\n" for number in range(50)),
        )  # fmt: skip
    wait_until_known(cluster.bootstrap, name)
    run(
        cluster, CONSUMER, "--topic", name, "--from-beginning", "--group", name,
        "--max-messages", "100", "--timeout-ms", "20000",
    )  # fmt: skip
    for suffix, flags in {
        ".log": ["--deep-iteration", "--print-data-log"],
        ".index": ["--index-sanity-check"],
        ".timeindex": ["--index-sanity-check"],
        ".snapshot": [],
    }.items():
        files = [
            file
            for broker_id in cluster.brokers
            for file in sorted(cluster.log_dir(broker_id).glob(f"*/*{suffix}"))
        ]
        if not files:
            assert suffix == ".snapshot", f"no {suffix} files"
            continue
        text = kafka_tool(DUMP_LOG, *flags, "--files", ",".join(map(str, files)))
        for complaint in ("isvalid: false", "Mismatch", "Exception", "not valid", "error"):
            assert complaint not in text.stdout, text.stdout
        if suffix == ".log":
            assert text.stdout.count("payload: line ") >= 100

    offsets = [
        str(file)
        for broker_id in cluster.brokers
        for file in cluster.log_dir(broker_id).glob("__consumer_offsets-*/*.log")
    ]
    decoded = kafka_tool(DUMP_LOG, "--offsets-decoder", "--files", ",".join(offsets)).stdout
    assert f'"group":"{name}"' in decoded
