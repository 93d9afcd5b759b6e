"""A running broker compacts, is killed while it does, and goes on: what clients see of it.

With `--cluster kafka`: a real Kafka does the same, which is what the first test asks.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition
from confluent_kafka.admin import NewTopic

from broker.log.checkpoints import OffsetCheckpoint
from broker.log.disk import RealDisk
from broker.log.file_names import CLEANER_CHECKPOINT
from tests.support.cluster import TestCluster
from tests.support.topics import make_topics
from tests.support.waiting import wait_until

pytestmark = pytest.mark.server

TOPIC = "compacted"
KEYS = 200
ROUNDS = 40
CONFIG = {
    "cleanup.policy": "compact",
    "segment.bytes": "100000",
    "min.cleanable.dirty.ratio": "0.01",
    "file.delete.delay.ms": "1000",
}
SLOWLY = {"log.cleaner.backoff.ms": "100", "log.cleaner.io.max.bytes.per.second": "400000"}
AT_ONCE = {"log.cleaner.backoff.ms": "100"}

NewCluster = Callable[..., AbstractContextManager[TestCluster]]


def test_a_reader_finds_the_latest_value_of_each_key(new_cluster: NewCluster) -> None:
    with new_cluster(brokers=1, properties=AT_ONCE) as cluster:
        make_topics(cluster.bootstrap, NewTopic(TOPIC, 1, 1, config=CONFIG))
        latest = produce(cluster)
        wait_until("half to be gone", lambda: len(consume(cluster)) < KEYS * ROUNDS / 2)
        assert dict(consume(cluster)) == latest


def test_killed_while_it_compacts_it_loses_nothing(new_cluster: NewCluster) -> None:
    with new_cluster(brokers=1, properties=SLOWLY) as cluster:
        make_topics(cluster.bootstrap, NewTopic(TOPIC, 1, 1, config=CONFIG))
        latest = produce(cluster)
        data = cluster.log_dir(1)
        log = data / f"{TOPIC}-0"
        for _ in range(3):
            wait_until("a segment to be written anew", lambda: any(log.glob("*.cleaned")))
            cluster.brokers[1].kill()
            cluster.start(1)
            assert dict(consume(cluster)) == latest
        wait_until("the log to be clean", lambda: cleaned_to(data) > 0)
        assert dict(consume(cluster)) == latest


def produce(cluster: TestCluster) -> dict[bytes, bytes]:
    """The latest value of each key."""
    producer = Producer(
        {
            "bootstrap.servers": cluster.bootstrap,
            "acks": "all",
            "batch.size": 10_000,  # a batch must fit into a segment
        }
    )
    latest = {}
    for number in range(KEYS * ROUNDS):
        key, value = b"key-%d" % (number % KEYS), b"%080d" % number
        producer.produce(TOPIC, key=key, value=value, on_delivery=must_be_delivered)
        latest[key] = value
        producer.poll(0)
    assert producer.flush(60) == 0
    return latest


def must_be_delivered(error: KafkaError | None, _message: Message) -> None:
    assert error is None, error


def consume(cluster: TestCluster) -> list[tuple[bytes, bytes]]:
    """All that is there, in order."""
    consumer = Consumer(
        {
            "bootstrap.servers": cluster.bootstrap,
            "group.id": "nobody",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    consumer.assign([TopicPartition(TOPIC, 0, 0)])
    found = []
    try:
        while True:
            message = consumer.poll(30)
            assert message is not None
            error = message.error()
            if error is None:
                found.append((message.key(), message.value()))
            elif error.code() == KafkaError._PARTITION_EOF:
                return found
            else:
                assert error.retriable(), error
    finally:
        consumer.close()


def cleaned_to(data: Path) -> int:
    checkpoint = OffsetCheckpoint(RealDisk(), data / CLEANER_CHECKPOINT).read()
    return max((offset for tp, offset in checkpoint.items() if tp.topic == TOPIC), default=0)
