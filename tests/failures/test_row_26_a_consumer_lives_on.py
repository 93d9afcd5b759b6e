"""Row 26, a consumer of librdkafka's: the topic that it reads is deleted and made anew elsewhere.

The source stands in `test_row_26_stale_epoch_after_recreation`, and what librdkafka does where the
new topic's epoch is below the one that it knows. Where it isn't, nothing stands in its way: it must
follow the topic to its new leader, learn there that its position is none any more (the new log is
shorter) and, as it's told to (auto.offset.reset), begin at the beginning. The same with real Kafka
brokers.
"""

from collections.abc import Iterator

import pytest
from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewTopic

from tests.support.broker_process import Kind
from tests.support.cluster import TestCluster, running_cluster
from tests.support.topics import make_topics, wait_until_forgotten
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.server, pytest.mark.matrix]

WAIT_S = 60.0
TOPIC = "t"


@pytest.fixture(params=["zbroker", "kafka"])
def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestCluster]:
    kind: Kind = request.param
    # Else the consumer's question brings the topic back in the midst of its deletion.
    settings = {"auto.create.topics.enable": "false"}
    directory = tmp_path_factory.mktemp("row-26")
    with running_cluster(kind, directory, brokers=2, properties=settings) as cluster:
        yield cluster


def is_made(cluster: TestCluster, leader: int) -> bool:
    """Make the topic; False while the one before is still being deleted."""
    try:
        make_topics(cluster.bootstrap, NewTopic(TOPIC, 1, replica_assignment=[[leader]]))
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise
        return False
    return True


def produce(cluster: TestCluster, *values: str) -> None:
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "log_level": 0})
    for value in values:
        producer.produce(TOPIC, value, partition=0)
    assert producer.flush(WAIT_S) == 0


def test_librdkafka_goes_on_with_the_new_topic(cluster: TestCluster) -> None:
    assert is_made(cluster, leader=1)
    old, new = [f"old-{n}" for n in range(5)], ["new-0", "new-1"]
    produce(cluster, *old)
    consumer = Consumer(
        {
            "bootstrap.servers": cluster.bootstrap,
            "group.id": "reader",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "log_level": 0,
        }
    )
    seen: list[str] = []

    def sees(values: list[str]) -> bool:
        message = consumer.poll(0.5)
        if message is not None and message.error() is None:
            seen.append((message.value() or b"").decode())
        return seen == values

    try:
        consumer.assign([TopicPartition(TOPIC, 0, OFFSET_BEGINNING)])
        wait_until("the old topic's records", lambda: sees(old), WAIT_S)
        admin = AdminClient({"bootstrap.servers": cluster.bootstrap, "log_level": 0})
        admin.delete_topics([TOPIC])[TOPIC].result(WAIT_S)
        wait_until_forgotten(cluster.bootstrap, TOPIC)
        wait_until("the deletion's last traces to go", lambda: is_made(cluster, 2), WAIT_S)
        produce(cluster, *new)
        wait_until("the new topic's records", lambda: sees(old + new), WAIT_S)
    finally:
        consumer.close()
