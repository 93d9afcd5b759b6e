"""The three Python clients: kafka-python and aiokafka (each a protocol of its own), confluent-kafka
(librdkafka of today)."""

import asyncio
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import aiokafka
import confluent_kafka
import confluent_kafka.admin
import pytest

from tests.support.cluster import TestCluster
from tests.support.topics import wait_until_known
from tests.support.waiting import wait_until

with warnings.catch_warnings():
    # It reads its schemas at import by a function that Python 3.11 calls deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    import kafka

pytestmark = pytest.mark.server

VALUES = [f"value {number}".encode() for number in range(100)]
TIMEOUT_S = 30.0


# kafka-python


@contextmanager
def kafka_python_consumer(cluster: TestCluster, group: str, topic: str) -> Iterator[Any]:
    consumer = kafka.KafkaConsumer(
        topic,
        bootstrap_servers=cluster.bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        consumer_timeout_ms=int(TIMEOUT_S * 1000),
    )
    try:
        yield consumer
    finally:
        consumer.close()


@pytest.mark.parametrize("acks", [0, 1, "all"])
def test_kafka_python(cluster: TestCluster, name: str, acks: int | str) -> None:
    producer = kafka.KafkaProducer(bootstrap_servers=cluster.bootstrap, acks=acks)
    for value in VALUES:
        producer.send(name, key=b"key", value=value, headers=[("origin", b"test")])
    producer.flush(TIMEOUT_S)
    producer.close()
    wait_until_known(cluster.bootstrap, name)

    with kafka_python_consumer(cluster, name, name) as consumer:
        records = [next(consumer) for _ in VALUES[:60]]
        consumer.commit()
    with kafka_python_consumer(cluster, name, name) as consumer:
        records += [next(consumer) for _ in VALUES[60:]]
    assert [record.value for record in records] == VALUES
    assert [record.offset for record in records] == list(range(len(VALUES)))
    assert {(record.key, *record.headers) for record in records} == {(b"key", ("origin", b"test"))}


def test_kafka_python_admin(cluster: TestCluster, name: str) -> None:
    admin = kafka.KafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    try:
        admin.create_topics([kafka.admin.NewTopic(name, num_partitions=3, replication_factor=1)])
        # The controller answers when it has created or deleted; the broker that this client happens
        # to ask next may learn of it a moment later, as in Kafka.
        wait_until("the topic to be listed", lambda: name in admin.list_topics())
        wait_until("three partitions", lambda: partitions_of(admin.describe_topics([name])) == [3])
        admin.delete_topics([name])
        wait_until("the topic to be gone", lambda: name not in admin.list_topics())
    finally:
        admin.close()


def partitions_of(described: list[dict[str, Any]]) -> list[int]:
    return [len(topic["partitions"]) for topic in described]


# confluent-kafka


@pytest.mark.parametrize("settings", [{"acks": 1}, {"enable.idempotence": True}])
def test_confluent_kafka(cluster: TestCluster, name: str, settings: dict[str, object]) -> None:
    failures: list[object] = []

    def delivered(error: object, message: object) -> None:
        if error is not None:
            failures.append(error)

    producer = confluent_kafka.Producer({"bootstrap.servers": cluster.bootstrap, **settings})
    for value in VALUES:
        producer.produce(name, value, on_delivery=delivered)
    assert producer.flush(TIMEOUT_S) == 0
    assert failures == []
    wait_until_known(cluster.bootstrap, name)  # made by the producer's question

    values = []
    for count in (60, 40):
        consumer = confluent_kafka.Consumer(
            {
                "bootstrap.servers": cluster.bootstrap,
                "group.id": name,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
            }
        )
        consumer.subscribe([name])
        messages = consumer.consume(count, TIMEOUT_S)
        values += [message.value() for message in messages]
        consumer.commit(message=messages[-1], asynchronous=False)
        consumer.close()
    assert values == VALUES


def test_confluent_kafka_admin(cluster: TestCluster, name: str) -> None:
    admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": cluster.bootstrap})
    new_topic = confluent_kafka.admin.NewTopic(
        name, num_partitions=2, replication_factor=1, config={"retention.ms": "123456"}
    )
    admin.create_topics([new_topic])[name].result(TIMEOUT_S)
    with pytest.raises(confluent_kafka.KafkaException) as caught:
        admin.create_topics([new_topic])[name].result(TIMEOUT_S)
    assert caught.value.args[0].code() == confluent_kafka.KafkaError.TOPIC_ALREADY_EXISTS

    wait_until_known(cluster.bootstrap, name)  # any of them may be asked
    resource = confluent_kafka.admin.ConfigResource("topic", name)
    configs = admin.describe_configs([resource])[resource].result(TIMEOUT_S)
    assert configs["retention.ms"].value == "123456"
    assert configs["cleanup.policy"].value == "delete"
    cluster_facts = admin.describe_cluster().result(TIMEOUT_S)
    assert {node.id for node in cluster_facts.nodes} == cluster.brokers.keys()
    admin.delete_topics([name])[name].result(TIMEOUT_S)


# aiokafka


def test_aiokafka(cluster: TestCluster, name: str) -> None:
    async def main() -> list[bytes | None]:
        producer = aiokafka.AIOKafkaProducer(
            bootstrap_servers=cluster.bootstrap, enable_idempotence=True
        )
        async with producer:
            for value in VALUES:
                await producer.send_and_wait(name, value)
        wait_until_known(cluster.bootstrap, name)
        consumer = aiokafka.AIOKafkaConsumer(
            name,
            bootstrap_servers=cluster.bootstrap,
            group_id=name,
            auto_offset_reset="earliest",
        )
        async with consumer:
            return [(await consumer.getone()).value for _ in VALUES]

    async def within_the_time() -> list[bytes | None]:
        return await asyncio.wait_for(main(), TIMEOUT_S)

    assert asyncio.run(within_the_time()) == VALUES
