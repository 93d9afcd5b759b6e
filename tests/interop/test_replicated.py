"""Clients on three replicas: what was shown on one is shown again, and what only replication has.

Also what a live cluster does by itself or is asked to: retention, more partitions.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from math import inf
from pathlib import Path

import aiokafka
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import NewTopic

from tests.support.cluster import Kind, TestCluster, running_cluster
from tests.support.kafka import kafka_tool
from tests.support.topics import make_topics, wait_until_known
from tests.support.waiting import wait_until

pytestmark = pytest.mark.server

TOPICS = "org.apache.kafka.tools.TopicCommand"
GROUPS = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
VERIFIABLE_PRODUCER = "org.apache.kafka.tools.VerifiableProducer"
VERIFIABLE_CONSUMER = "org.apache.kafka.tools.VerifiableConsumer"
PERF_PRODUCER = "org.apache.kafka.tools.ProducerPerformance"

TIMEOUT_S = 30.0
RECORDS = 500

PROPERTIES = {
    "num.partitions": "3",
    "default.replication.factor": "3",
    "min.insync.replicas": "2",
    "offsets.topic.replication.factor": "3",
    "log.retention.check.interval.ms": "200",
    "log.initial.task.delay.ms": "200",
    # A deleted segment's files go at once, so that a test sees it on the disk.
    "log.segment.delete.delay.ms": "0",
}


@pytest.fixture(scope="module")
def cluster(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestCluster]:
    directory = tmp_path_factory.mktemp("replicated")
    with running_cluster(kind, directory, properties=PROPERTIES) as cluster:
        yield cluster


def create(cluster: TestCluster, name: str, partitions: int, **config: str) -> None:
    new = NewTopic(name, num_partitions=partitions, replication_factor=3, config=config)
    make_topics(cluster.bootstrap, new)


def run(cluster: TestCluster, main_class: str, *arguments: str) -> str:
    return kafka_tool(main_class, "--bootstrap-server", cluster.bootstrap, *arguments).stdout


def events(output: str, name: str) -> list[dict[str, object]]:
    """What a verifiable client has said under `name`: one JSON document a line."""
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    return [line for line in lines if line["name"] == name]


def test_verifiable_clients_and_their_group(cluster: TestCluster, name: str) -> None:
    create(cluster, name, 3)
    produced = run(
        cluster, VERIFIABLE_PRODUCER, "--topic", name, "--max-messages", str(RECORDS),
        "--acks", "-1", "--repeating-keys", "30",
    )  # fmt: skip
    assert events(produced, "producer_send_error") == []
    assert len(events(produced, "producer_send_success")) == RECORDS

    consumed = run(
        cluster, VERIFIABLE_CONSUMER, "--topic", name, "--group-id", name,
        "--max-messages", str(RECORDS), "--reset-policy", "earliest",
    )  # fmt: skip
    assert sum(int(str(e["count"])) for e in events(consumed, "records_consumed")) == RECORDS
    commits = events(consumed, "offsets_committed")
    assert commits
    assert all(commit["success"] for commit in commits)

    described = run(cluster, GROUPS, "--describe", "--group", name)
    rows = [line.split() for line in described.splitlines() if line.startswith(name)]
    assert sorted(row[2] for row in rows) == ["0", "1", "2"]
    assert sum(int(row[3]) for row in rows) == RECORDS, "committed"
    assert {row[5] for row in rows} == {"0"}, "no lag"


def test_producer_performance(cluster: TestCluster, name: str) -> None:
    create(cluster, name, 3)
    said = kafka_tool(
        PERF_PRODUCER, "--topic", name, "--num-records", "5000", "--record-size", "1000",
        "--throughput", "-1", "--producer-props", f"bootstrap.servers={cluster.bootstrap}",
        "acks=all",
    ).stdout  # fmt: skip
    assert re.search(r"^5000 records sent, .* 99th,", said, re.MULTILINE), said
    assert sum(end_offsets(cluster, name, 3)) == 5000


def test_aiokafka(cluster: TestCluster, name: str) -> None:
    values = [f"value {number}".encode() for number in range(200)]

    async def talk() -> list[bytes | None]:
        producer = aiokafka.AIOKafkaProducer(
            bootstrap_servers=cluster.bootstrap, enable_idempotence=True, acks="all"
        )
        async with producer:
            for value in values:
                await producer.send_and_wait(name, value, key=b"one partition")
        consumer = aiokafka.AIOKafkaConsumer(
            name, bootstrap_servers=cluster.bootstrap, group_id=name, auto_offset_reset="earliest"
        )
        async with consumer:
            return [(await consumer.getone()).value for _ in values]

    async def in_time() -> list[bytes | None]:
        return await asyncio.wait_for(talk(), TIMEOUT_S)

    create(cluster, name, 3)
    assert asyncio.run(in_time()) == values


def test_a_topic_gets_more_partitions(cluster: TestCluster, name: str) -> None:
    """kafka-topics --alter: the new ones get leaders and replicas; fewer are refused."""
    create(cluster, name, 2)
    produce(cluster, name, [b"before"], partition=1)
    run(cluster, TOPICS, "--alter", "--topic", name, "--partitions", "5")

    def all_are_in_sync() -> bool:
        _, *rows = run(cluster, TOPICS, "--describe", "--topic", name).splitlines()
        fields = [dict(field.split(": ") for field in row.strip().split("\t")) for row in rows]
        isr_sizes = [len(row["Isr"].split(",")) for row in fields if row["Leader"] != "none"]
        return isr_sizes == [3] * 5

    wait_until("five partitions in sync", all_are_in_sync)
    wait_until_known(cluster.bootstrap, name, partitions=5)
    produce(cluster, name, [b"after"], partition=4)
    assert end_offsets(cluster, name, 5) == [0, 1, 0, 0, 1]

    refused = kafka_tool(
        TOPICS, "--bootstrap-server", cluster.bootstrap, "--alter", "--topic", name,
        "--partitions", "3", check=False,
    )  # fmt: skip
    assert refused.returncode != 0
    assert "Topic currently has 5 partitions, which is higher than the requested 3." in (
        refused.stdout + refused.stderr
    )


@pytest.mark.parametrize(
    "limit", [{"retention.ms": "1000"}, {"retention.bytes": "20000"}], ids=["time", "size"]
)
def test_old_segments_are_deleted(cluster: TestCluster, name: str, limit: dict[str, str]) -> None:
    """On every replica; what is left is where the log starts now, and clients go on from there."""
    create(cluster, name, 1, **{"segment.bytes": "16384"}, **limit)
    produce(cluster, name, [bytes(1000)] * 100)
    wait_until("the log start to move", lambda: start_offset(cluster, name) > 0)
    wait_until("every replica to delete", lambda: replicas_begin_alike(cluster, name))
    if "retention.bytes" in limit:
        # What is not yet committed everywhere is deleted at a later check.
        wait_until("no more to be kept", lambda: kept_bytes(cluster, name) <= 20000 + 2 * 16384)
        assert kept_bytes(cluster, name) >= 20000

    produce(cluster, name, [b"new"])
    assert end_offsets(cluster, name, 1) == [101]
    consumer = Consumer({"bootstrap.servers": cluster.bootstrap, "group.id": name})
    consumer.assign([TopicPartition(name, 0, 100)])
    (message,) = consumer.consume(1, TIMEOUT_S)
    consumer.close()
    assert message.value() == b"new"


def produce(
    cluster: TestCluster, topic: str, values: list[bytes], partition: int | None = 0
) -> None:
    failures: list[object] = []

    def delivered(error: object, message: object) -> None:
        if error is not None:
            failures.append(error)

    # A batch each, so that segments can roll between them.
    producer = Producer(
        {"bootstrap.servers": cluster.bootstrap, "acks": "all", "batch.num.messages": 5}
    )
    for value in values:
        producer.produce(topic, value, partition=partition, on_delivery=delivered)
    assert producer.flush(TIMEOUT_S) == 0
    assert failures == []


def offsets(cluster: TestCluster, topic: str, partition: int) -> tuple[int, int]:
    consumer = Consumer({"bootstrap.servers": cluster.bootstrap, "group.id": "looking"})
    try:
        return consumer.get_watermark_offsets(TopicPartition(topic, partition), TIMEOUT_S)
    finally:
        consumer.close()


def start_offset(cluster: TestCluster, topic: str) -> int:
    return offsets(cluster, topic, 0)[0]


def end_offsets(cluster: TestCluster, topic: str, partitions: int) -> list[int]:
    return [offsets(cluster, topic, partition)[1] for partition in range(partitions)]


def log_files(cluster: TestCluster, broker_id: int, topic: str) -> list[Path]:
    return sorted((cluster.log_dir(broker_id) / f"{topic}-0").glob("*.log"))


def kept_bytes(cluster: TestCluster, topic: str) -> float:
    """What broker 1 has; endless if a file was deleted while it was looked at."""
    try:
        return sum(file.stat().st_size for file in log_files(cluster, 1, topic))
    except FileNotFoundError:
        return inf


def replicas_begin_alike(cluster: TestCluster, topic: str) -> bool:
    """Whether all replicas have the same first segment, and it is not the very first."""
    first = {log_files(cluster, broker_id, topic)[0].name for broker_id in cluster.brokers}
    return len(first) == 1 and first != {"00000000000000000000.log"}
