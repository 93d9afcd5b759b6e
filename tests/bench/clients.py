"""What workloads ask of a cluster first: is it ready, make a topic, fill it."""

import time
from collections.abc import Iterable, Mapping, Sequence

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from tests.bench.contenders import BROKERS, Contender

READY_TIMEOUT_S = 120.0
TIMEOUT_S = 300
PARTITIONS = 6
RECORD_BYTES = 1_000


def admin_client(contender: Contender) -> AdminClient:
    return AdminClient(
        {
            "bootstrap.servers": contender.bootstrap,
            "log_level": 0,
            "socket.timeout.ms": TIMEOUT_S * 1000,
        }
    )


def wait_ready(contender: Contender) -> None:
    """Block until each broker answers Metadata with all of them.

    That one lists all isn't enough: a Kafka is registered before it takes connections.
    """
    deadline_s = time.monotonic() + READY_TIMEOUT_S
    for address in contender.addresses.values():
        admin = AdminClient({"bootstrap.servers": address, "log_level": 0})
        while not _knows_all(admin):
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"{contender.kind} is not ready after {READY_TIMEOUT_S:.0f} s")
            time.sleep(0.01)


def _knows_all(admin: AdminClient) -> bool:
    try:
        return len(admin.list_topics(timeout=0.5).brokers) == BROKERS
    except KafkaException:
        return False


def create_topic(
    contender: Contender,
    topic: str,
    replication_factor: int = 1,
    partitions: int = PARTITIONS,
    config: Mapping[str, str] | None = None,
) -> str:
    """Its replicas where the cluster likes; gives the name."""
    placed = NewTopic(topic, partitions, replication_factor, config=dict(config or {}))
    _create(contender, [placed])
    return topic


def place_topic(
    contender: Contender,
    topic: str,
    replicas: Sequence[Sequence[int]],
    config: Mapping[str, str] | None = None,
) -> str:
    """Each partition on just these brokers, led by the first of them; gives the name."""
    assignment = [list(each) for each in replicas]
    placed = NewTopic(
        topic, len(assignment), replica_assignment=assignment, config=dict(config or {})
    )
    _create(contender, [placed])
    return topic


def create_topics(contender: Contender, topics: Sequence[str], partitions: int) -> None:
    """Many in one request, each with a replica on every broker."""
    _create(contender, [NewTopic(topic, partitions, BROKERS) for topic in topics])


def _create(contender: Contender, topics: list[NewTopic]) -> None:
    admin = admin_client(contender)  # its end would be that of what it is asked
    asked = admin.create_topics(topics, operation_timeout=TIMEOUT_S, request_timeout=TIMEOUT_S)
    for created in asked.values():
        created.result(TIMEOUT_S)


def fill_evenly(contender: Contender, topic: str, records: int) -> None:
    """So many records of 1,000 bytes, over all partitions."""
    value = bytes(RECORD_BYTES)
    fill(contender, topic, ((b"%d" % number, value) for number in range(records)))


def fill(contender: Contender, topic: str, records: Iterable[tuple[bytes, bytes]]) -> None:
    """Keys and values, by librdkafka with acks=1, as preparation; all of them are there then."""
    producer = Producer(
        {
            "bootstrap.servers": contender.bootstrap,
            "acks": "1",
            "linger.ms": 20,
            "batch.size": 128 * 1024,
            "queue.buffering.max.messages": 500_000,
            "on_delivery": _delivered,
        }
    )
    for number, (key, value) in enumerate(records):
        while True:
            try:
                producer.produce(topic, key=key, value=value)
                break
            except BufferError:
                producer.poll(0.1)
        if number % 1000 == 0:
            producer.poll(0)
    if producer.flush(TIMEOUT_S):
        raise TimeoutError(f"{topic} is not filled after {TIMEOUT_S} s")


def _delivered(error: KafkaError | None, _: Message) -> None:
    """poll() and flush() raise what we raise."""
    if error is not None:
        raise KafkaException(error)
