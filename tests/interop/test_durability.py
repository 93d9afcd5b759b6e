"""What was acknowledged is there after everything has ended and started again.

Kafka doesn't fsync at each produce, nor do we: an acknowledged record has been
written to the kernel, which survives the death of every process.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition

from tests.support.cluster import TestCluster
from tests.support.topics import wait_until_known

pytestmark = pytest.mark.server

TOPIC = "ledger"
GROUP = "auditors"
TIMEOUT_S = 60.0


def produce(cluster: TestCluster, values: list[str]) -> None:
    failures: list[object] = []

    def delivered(error: object, message: Message) -> None:
        if error is not None:
            failures.append(error)

    producer = Producer({"bootstrap.servers": cluster.bootstrap, "enable.idempotence": True})
    for value in values:
        producer.produce(TOPIC, value, on_delivery=delivered)
    assert producer.flush(TIMEOUT_S) == 0
    assert failures == []
    wait_until_known(cluster.bootstrap, TOPIC)  # made by the first producer's question


def consume_and_commit(cluster: TestCluster, count: int) -> list[str]:
    consumer = Consumer(
        {
            "bootstrap.servers": cluster.bootstrap,
            "group.id": GROUP,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([TOPIC])
    messages = consumer.consume(count, TIMEOUT_S)
    consumer.commit(message=messages[-1], asynchronous=False)
    consumer.close()
    return [(message.value() or b"").decode() for message in messages]


def committed_offset(cluster: TestCluster) -> int:
    consumer = Consumer({"bootstrap.servers": cluster.bootstrap, "group.id": GROUP})
    (partition,) = consumer.committed([TopicPartition(TOPIC, 0)], timeout=TIMEOUT_S)
    consumer.close()
    return int(partition.offset)


@pytest.mark.parametrize("end_all", [TestCluster.stop_all, TestCluster.kill_all])
def test_records_and_committed_offsets_survive(
    new_cluster: Callable[..., AbstractContextManager[TestCluster]],
    end_all: Callable[[TestCluster], None],
) -> None:
    """Ctrl-C, or SIGKILL of every process at once; then all are started again."""
    values = [f"entry {number}" for number in range(200)]
    with new_cluster() as cluster:
        produce(cluster, values[:100])
        assert consume_and_commit(cluster, 60) == values[:60]

        end_all(cluster)
        cluster.start_all()

        assert committed_offset(cluster) == 60
        produce(cluster, values[100:])
        assert consume_and_commit(cluster, 140) == values[60:]
