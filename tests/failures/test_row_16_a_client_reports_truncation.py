"""Row 16, the client's half: a real consumer is told that what it had read is no more.

Source: KIP-320. Broker 3 lacks two of the three acknowledged records when broker 2, who alone has
them, dies: it's elected uncleanly and goes on at the same offsets with others. A consumer that has
read all three and goes on at offset 3 would miss the first of those, and never know.

Provoked with librdkafka, which keeps the leader epoch of what it has read and asks the new leader
where that epoch ended (OffsetForLeaderEpoch). One that is not to begin anew by itself
(auto.offset.reset=error) says "Partition log truncation detected"; the same with real Kafka
brokers.
"""

from collections.abc import Iterator

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import NewTopic

from broker.wire.apis import ApiKey
from broker.wire.messages.metadata import (
    MetadataRequest,
    MetadataRequestTopic,
    MetadataResponsePartition,
)
from tests.support.broker_process import Kind
from tests.support.cluster import TestCluster, running_cluster
from tests.support.raw_client import RawClient
from tests.support.topics import make_topics
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.server, pytest.mark.matrix]

WAIT_S = 60.0
TOPIC = "t"
AWAY = (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._RESOLVE)


@pytest.fixture(params=["zbroker", "kafka"])
def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestCluster]:
    """Broker 1 looks on: the topic lies on 2 and 3."""
    kind: Kind = request.param
    settings = {"auto.leader.rebalance.enable": "false"}
    with running_cluster(kind, tmp_path_factory.mktemp("row-16"), properties=settings) as cluster:
        yield cluster


def partition(cluster: TestCluster) -> MetadataResponsePartition:
    """As broker 1 knows it."""
    with RawClient(cluster.address(1)) as client:
        request = MetadataRequest(topics=[MetadataRequestTopic(name=TOPIC)])
        [found] = client.ask(ApiKey.METADATA, 12, request).topics[0].partitions
        assert isinstance(found, MetadataResponsePartition)
        return found


def produce(cluster: TestCluster, *values: str) -> None:
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "acks": "all", "log_level": 0})
    for value in values:
        producer.produce(TOPIC, value, partition=0)
    assert producer.flush(WAIT_S) == 0


def next_values(consumer: Consumer, count: int) -> list[str]:
    values: list[str] = []

    def have_come() -> bool:
        message = consumer.poll(0.5)
        if message is not None and message.error() is None:
            values.append((message.value() or b"").decode())
        return len(values) == count

    wait_until(f"{count} records", have_come, WAIT_S)
    return values


def what_is_said(consumer: Consumer) -> KafkaError:
    """The first thing about the partition; that brokers are away is none."""
    said: list[KafkaError] = []

    def is_said() -> bool:
        message = consumer.poll(0.5)
        assert message is None or message.error() is not None, f"it goes on: {message.value()!r}"
        error = None if message is None else message.error()
        if error is not None and error.code() not in AWAY:
            said.append(error)
        return bool(said)

    wait_until("the consumer to say something", is_said, WAIT_S)
    return said[0]


def test_librdkafka_is_told_of_it(cluster: TestCluster) -> None:
    configs = {"unclean.leader.election.enable": "true", "min.insync.replicas": "1"}
    make_topics(cluster.bootstrap, NewTopic(TOPIC, 1, replica_assignment=[[2, 3]], config=configs))
    produce(cluster, "common")
    consumer = Consumer(
        {
            "bootstrap.servers": cluster.bootstrap,
            "group.id": "reader",
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "reconnect.backoff.max.ms": 200,
            "log_level": 0,
        }
    )
    try:
        consumer.assign([TopicPartition(TOPIC, 0, OFFSET_BEGINNING)])
        assert next_values(consumer, 1) == ["common"]
        cluster.brokers[3].kill()
        wait_until("the ISR to be 2 alone", lambda: partition(cluster).isr_nodes == [2], WAIT_S)
        produce(cluster, "lost-1", "lost-2")
        assert next_values(consumer, 2) == ["lost-1", "lost-2"]
        before = partition(cluster).leader_epoch

        cluster.brokers[2].kill()
        cluster.start(3)
        wait_until("3 to lead", lambda: partition(cluster).leader_id == 3, WAIT_S)
        assert partition(cluster).leader_epoch > before
        produce(cluster, "other-1", "other-2", "other-3", "other-4")
        error = what_is_said(consumer)
        assert error.code() == KafkaError._AUTO_OFFSET_RESET, str(error)
        assert "Partition log truncation detected at offset 3" in error.str()
        assert "broker end offset is 1 " in error.str()
    finally:
        consumer.close()
