"""Was every promise kept? Everything is read back and held against what was acknowledged."""

import itertools
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import attrs
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition

from tests.interop.faults.load import Acknowledgement, Load
from tests.interop.faults.watch import ClusterWatch
from tests.support.cluster import TestCluster

READ_TIMEOUT_S = 60.0
SAME_TIMEOUT_S = 20.0
POLL_S = 0.1


@attrs.frozen
class Found:
    key: int
    number: int
    partition: int
    offset: int


def settle(cluster: TestCluster, watch: ClusterWatch, load: Load) -> None:
    """Wait until the cluster is whole again and the load goes on; then end the load and judge."""
    cluster.wait_ready()
    watch.wait_until_full_isr(load.topic)
    load.wait_for_more()
    load.stop()
    assert_promises_kept(cluster, load)


def assert_promises_kept(cluster: TestCluster, load: Load) -> None:
    """Nothing acknowledged lost, nothing twice, each key in order, the replicas' files equal."""
    assert load.failures == [], "the producer gave up on records"
    found = read_all(cluster, load.topic)
    where = {(each.key, each.number): (each.partition, each.offset) for each in found}
    lost = [each for each in load.acknowledged if not _is_at(each, where)]
    assert lost == [], f"{len(lost)} of {len(load.acknowledged)} lost or moved"
    twice = [each for each, count in Counter((f.key, f.number) for f in found).items() if count > 1]
    assert twice == [], f"{len(twice)} records are there more than once"
    # In order, and since nobody gave up: without a hole.
    numbers = {key: [f.number for f in found if f.key == key] for key in range(len(load.sent))}
    assert numbers == {key: list(range(count)) for key, count in enumerate(load.sent)}
    wait_until_replicas_are_equal(cluster, load.topic)


def _is_at(promise: Acknowledgement, where: Mapping[tuple[int, int], tuple[int, int]]) -> bool:
    at = where.get((promise.key, promise.number))
    if promise.offset is None:
        return at is not None
    return at == (promise.partition, promise.offset)


def read_all(cluster: TestCluster, topic: str) -> list[Found]:
    """All records of the topic, each partition's in its order."""
    consumer = Consumer(
        {
            "bootstrap.servers": cluster.bootstrap,
            "group.id": "auditor",  # never used: nothing is committed
            "enable.auto.commit": False,
            "log_level": 0,
        }
    )
    try:
        partitions = consumer.list_topics(topic, READ_TIMEOUT_S).topics[topic].partitions
        ends = {
            number: consumer.get_watermark_offsets(TopicPartition(topic, number), READ_TIMEOUT_S)[1]
            for number in partitions
        }
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in partitions])
        found: list[Found] = []
        deadline = time.monotonic() + READ_TIMEOUT_S
        while len(found) < sum(ends.values()):
            assert time.monotonic() < deadline, f"read {len(found)} of {sum(ends.values())} records"
            for message in consumer.consume(1000, timeout=1.0):
                if message.error() is not None:
                    raise KafkaException(message.error())
                key, value = message.key(), message.value()
                partition, offset = message.partition(), message.offset()
                assert key is not None
                assert value is not None
                assert partition is not None
                assert offset is not None
                found.append(Found(int(key), int(value), partition, offset))
        return found
    finally:
        consumer.close()


def wait_until_replicas_are_equal(cluster: TestCluster, topic: str) -> None:
    """Each partition's segment files hold the same bytes on each broker, epochs included."""
    deadline = time.monotonic() + SAME_TIMEOUT_S
    while different := _different(cluster, topic):
        assert time.monotonic() < deadline, f"replicas differ: {different}"
        time.sleep(POLL_S)


def _different(cluster: TestCluster, topic: str) -> list[str]:
    logs = {
        broker_id: {
            directory.name: log_bytes(directory)
            for directory in cluster.log_dir(broker_id).glob(f"{topic}-*")
        }
        for broker_id in cluster.brokers
    }
    return [
        f"{a} and {b}: {sorted(name for name in logs[a] if logs[a][name] != logs[b].get(name))}"
        for a, b in itertools.pairwise(cluster.brokers)
        if logs[a] != logs[b]
    ]


def log_bytes(directory: Path) -> bytes:
    """All records of one replica, as they lie on its disk."""
    return b"".join(file.read_bytes() for file in sorted(directory.glob("*.log")))
