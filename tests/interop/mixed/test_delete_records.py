"""kafka-delete-records in a mixed ensemble: leaders and followers of both kinds let the same go."""

import json
from pathlib import Path

import pytest
from confluent_kafka import Consumer, ElectionType, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from tests.interop.faults.watch import ClusterWatch
from tests.interop.mixed.ensembles import TIMEOUT_S, new_topic
from tests.support.cluster import TestCluster
from tests.support.kafka import kafka_tool
from tests.support.topics import make_topics
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.server, pytest.mark.matrix]

DELETE_RECORDS = "org.apache.kafka.tools.DeleteRecordsCommand"
RECORDS, OFFSET = 300, 123


def test_delete_records(
    cluster: TestCluster, watch: ClusterWatch, name: str, tmp_path: Path
) -> None:
    """Each broker leads one partition; afterwards the next one does, and starts where it did."""
    make_topics(cluster.bootstrap, new_topic(name, [[1, 2, 3], [2, 3, 1], [3, 1, 2]]))
    watch.wait_until_full_isr(name)
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "acks": "all", "log_level": 0})
    for number in range(RECORDS):
        for partition in range(3):
            producer.produce(name, f"{number}", partition=partition)
    assert producer.flush(TIMEOUT_S) == 0

    document = tmp_path / "offsets.json"
    offsets = [{"topic": name, "partition": n, "offset": OFFSET} for n in range(2)]
    offsets.append({"topic": name, "partition": 2, "offset": -1})  # all that is committed
    document.write_text(json.dumps({"version": 1, "partitions": offsets}))
    said = kafka_tool(
        DELETE_RECORDS,
        "--bootstrap-server",
        cluster.bootstrap,
        "--offset-json-file",
        str(document),
    ).stdout
    starts = [OFFSET, OFFSET, RECORDS]
    for partition, start in enumerate(starts):
        assert f"partition: {name}-{partition}\tlow_watermark: {start}" in said

    assert [beginning(cluster, name, partition) for partition in range(3)] == starts
    for partition in range(3):
        old = watch.leaders(name)[partition]
        cluster.brokers[old].stop()
        wait_until(
            f"another than broker {old} to lead",
            lambda: watch.leaders(name)[partition] not in (-1, old),  # noqa: B023
            TIMEOUT_S,
        )
        assert beginning(cluster, name, partition, without=old) == starts[partition]
        cluster.start(old)
        cluster.wait_ready()
        watch.wait_until_full_isr(name)
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap, "log_level": 0})
    every = [TopicPartition(name, partition) for partition in range(3)]
    admin.elect_leaders(ElectionType.PREFERRED, every).result(TIMEOUT_S)
    wait_until("the first leaders", lambda: watch.leaders(name) == {0: 1, 1: 2, 2: 3}, TIMEOUT_S)
    assert [beginning(cluster, name, partition) for partition in range(3)] == starts


def beginning(cluster: TestCluster, topic: str, partition: int, without: int | None = None) -> int:
    """Where the partition begins, and its first record is the one that was written there."""
    running = [cluster.address(each) for each in cluster.brokers if each != without]
    consumer = Consumer(
        {"bootstrap.servers": ",".join(running), "group.id": "reader", "log_level": 0}
    )
    try:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), TIMEOUT_S)
        assert high == RECORDS
        if low < high:
            consumer.assign([TopicPartition(topic, partition, low)])
            message = consumer.poll(TIMEOUT_S)
            assert message is not None
            assert message.error() is None
            assert (message.offset(), message.value()) == (low, f"{low}".encode())
        return int(low)
    finally:
        consumer.close()
