"""What Kafka refuses an admin, and in which words: the real one is asked."""

import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

from coordination.assignment import AdminError, BrokerRack, assign_replicas
from coordination.memory_store import MemoryStore
from coordination.store import Session
from coordination.topics import create_partitions, create_topic, delete_topic
from coordination.znodes import paths
from tests.support.broker_process import running_broker

pytestmark = [pytest.mark.server, pytest.mark.matrix]

BROKERS = [BrokerRack(1)]


@pytest.fixture
def admin(zookeeper: str, tmp_path: Path) -> Iterator[AdminClient]:
    with running_broker("kafka", 1, zookeeper, tmp_path) as kafka:
        admin = AdminClient({"bootstrap.servers": kafka.address, "log_level": 0})
        # The broker answers before it is controller, and librdkafka does not soon ask again.
        deadline = time.monotonic() + 30
        while admin.list_topics(timeout=10).controller_id != 1:
            assert time.monotonic() < deadline, "no controller"
        yield admin


async def our_session() -> Session:
    session = await MemoryStore().open_session()
    for path in paths.PERSISTENT:
        parts = path.split("/")
        for depth in range(2, len(parts) + 1):
            if await session.exists("/".join(parts[:depth])) is None:
                await session.create("/".join(parts[:depth]))
    return session


async def we_create(session: Session, topic: str, partitions: int, replicas: int) -> None:
    assignment = assign_replicas(BROKERS, partitions, replicas, start_index=0, shift=0)
    await create_topic(session, topic, assignment, {}, topic_id=uuid.uuid4())


async def test_create_topic(admin: AdminClient) -> None:
    session = await our_session()
    for topic, partitions, replicas in [
        ("a.b", 1, 1),
        ("a.b", 1, 1),
        ("a_b", 1, 1),
        ("bad name", 1, 1),
        (".", 1, 1),
        ("..", 1, 1),
        ("x" * 250, 1, 1),
        ("many", 1, 3),
        ("few", 0, 1),
    ]:
        theirs = kafkas_answer(admin.create_topics([NewTopic(topic, partitions, replicas)])[topic])
        try:
            await we_create(session, topic, partitions, replicas)
            ours = ("", "")
        except AdminError as refused:
            ours = (refused.error, str(refused))
        assert ours == theirs, f"creating {topic} with {partitions} and {replicas}"


async def test_create_partitions(admin: AdminClient) -> None:
    session = await our_session()
    await we_create(session, "orders", 2, 1)
    admin.create_topics([NewTopic("orders", 2, 1)])["orders"].result()
    for topic, count, assignment in [
        ("orders", 1, None),
        ("orders", 2, None),
        ("orders", 3, [[9]]),
        ("orders", 3, [[1, 1]]),
        ("orders", 4, [[1]]),
        ("nothing", 3, None),
        ("orders", 3, [[1]]),
    ]:
        wanted = (
            NewPartitions(topic, count)
            if assignment is None
            else NewPartitions(topic, count, assignment)
        )
        theirs = kafkas_answer(admin.create_partitions([wanted])[topic])
        try:
            await create_partitions(session, topic, count, BROKERS, assignment)
            ours = ("", "")
        except AdminError as refused:
            ours = (refused.error, str(refused))
        assert ours == theirs, f"{topic} to {count} with {assignment}"


async def test_delete_topic(admin: AdminClient) -> None:
    session = await our_session()
    code, _ = kafkas_answer(admin.delete_topics(["nothing"])["nothing"])
    with pytest.raises(AdminError) as refused:
        await delete_topic(session, "nothing")
    assert refused.value.error == code


def kafkas_answer(future: object) -> tuple[str, str]:
    """The error's Kafka name and its words; both empty if it was done."""
    try:
        future.result(timeout=30)  # type: ignore[attr-defined]
    except KafkaException as refused:
        error = refused.args[0]
        return KAFKA_NAMES[error.code()], error.str()
    return "", ""


KAFKA_NAMES = {
    3: "UNKNOWN_TOPIC_OR_PARTITION",
    17: "INVALID_TOPIC_EXCEPTION",
    36: "TOPIC_ALREADY_EXISTS",
    37: "INVALID_PARTITIONS",
    38: "INVALID_REPLICATION_FACTOR",
    39: "INVALID_REPLICA_ASSIGNMENT",
}
