"""Row 26: a topic is deleted and made anew, and clients that knew the old one keep its epoch.

Source: KAFKA-12257 (https://github.com/apache/kafka/pull/10952) and KAFKA-13488
(https://github.com/apache/kafka/pull/11552). A client takes no metadata with a leader epoch below
the one it knows (row 27), and the new topic begins again at 0: it asks the old leader for ever.
Metadata 10 and later therefore say the topic's *id*: another id is another topic, whose epochs
begin anew.

Provoked with clients that live on across the recreation: they know the old topic at epoch 2 at
least, for its leaders were killed and came back; the new one has another leader. The Java producer
goes by the id, kafkajs keeps no epochs. librdkafka (2.x) is told the id, notices the change, and
refuses the lower epoch all the same ("ignoring outdated metadata update"): what a broker can do is
to serve its next instance, and that is what reads here what the others have written.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from broker.wire.apis import ApiKey
from broker.wire.messages.metadata import (
    MetadataRequest,
    MetadataRequestTopic,
    MetadataResponseTopic,
)
from tests.interop.conftest import kafkajs
from tests.support.cluster import TestCluster, running_cluster
from tests.support.kafka import tool_command
from tests.support.processes import RunningProgram, running_program
from tests.support.raw_client import RawClient
from tests.support.tools import require_tool
from tests.support.topics import wait_until_forgotten, wait_until_known

__all__ = ["kafkajs"]

pytestmark = [pytest.mark.server, pytest.mark.matrix]

WAIT_S = 60.0
JAVA_PRODUCER = "kafka.tools.ConsoleProducer"

# What a test is given: sends a record by a client that lives on, and waits until it was consumed.
PassOn = Callable[[str], None]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestCluster]:
    settings = {
        # Else a client's question brings the topic back in the midst of its deletion.
        "auto.create.topics.enable": "false",
        "min.insync.replicas": "1",
    }
    directory = tmp_path_factory.mktemp("recreation")
    with running_cluster("zbroker", directory, properties=settings) as cluster:
        yield cluster


def topic_of(cluster: TestCluster, name: str) -> MetadataResponseTopic:
    with RawClient(cluster.address(1)) as client:
        request = MetadataRequest(topics=[MetadataRequestTopic(name=name)])
        [topic] = client.ask(ApiKey.METADATA, 12, request).topics
        assert isinstance(topic, MetadataResponseTopic)
        return topic


def wait_until(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def create(cluster: TestCluster, name: str, leader: int) -> None:
    """Led by 2 or 3, followed by the other. Broker 1 only looks on, and is asked how things are."""
    new = NewTopic(name, 1, replica_assignment=[[leader, 5 - leader]])
    persist(cluster, lambda admin: admin.create_topics([new])[name])
    wait_until_known(cluster.bootstrap, name)


def delete(cluster: TestCluster, name: str) -> None:
    persist(cluster, lambda admin: admin.delete_topics([name])[name])
    wait_until_forgotten(cluster.bootstrap, name)


def persist(cluster: TestCluster, ask: Callable[[AdminClient], Future[None]]) -> None:
    """Ask until it's done: whoever was just killed may be taken for the controller."""

    def succeeded() -> bool:
        admin = AdminClient({"bootstrap.servers": cluster.bootstrap, "log_level": 0})
        try:
            ask(admin).result(30)
        except KafkaException:
            return False
        return True

    wait_until(succeeded)


def raise_the_epoch(cluster: TestCluster, name: str) -> int:
    """Kill the leader and bring it back, then the other one: epoch 2 at least."""
    for broker_id in (2, 3):
        cluster.brokers[broker_id].kill()
        wait_until(lambda: topic_of(cluster, name).partitions[0].leader_id == 5 - broker_id)  # noqa: B023
        cluster.brokers[broker_id].start()
        cluster.wait_ready()
        wait_until(lambda: len(topic_of(cluster, name).partitions[0].isr_nodes) == 2)
    return topic_of(cluster, name).partitions[0].leader_epoch


def across_a_recreation(cluster: TestCluster, name: str, pass_on: PassOn) -> None:
    for number in range(5):
        pass_on(f"old-{number}")
    assert raise_the_epoch(cluster, name) >= 2
    pass_on("old-last")  # so that the clients know that epoch
    before = topic_of(cluster, name)
    delete(cluster, name)
    create(cluster, name, 5 - before.partitions[0].leader_id)
    wait_until(lambda: topic_of(cluster, name).partitions)
    after = topic_of(cluster, name)
    assert after.topic_id != before.topic_id
    assert after.partitions[0].leader_id != before.partitions[0].leader_id
    assert after.partitions[0].leader_epoch < before.partitions[0].leader_epoch
    pass_on("new")


def test_java(cluster: TestCluster) -> None:
    name = "java"
    create(cluster, name, 2)
    where = ("--bootstrap-server", cluster.bootstrap, "--topic", name)
    # By itself this tool gives up after three attempts, 100 ms apart.
    patient = ("--message-send-max-retries", "1000", "--producer-property=linger.ms=0")
    argv = tool_command(JAVA_PRODUCER, *where, *patient, "--sync")
    with running_program(argv, interactive=True) as producer:

        def pass_on(value: str) -> None:
            producer.type(value)
            wait_until_read(cluster, name, value)

        across_a_recreation(cluster, name, pass_on)


def wait_until_read(cluster: TestCluster, name: str, value: str) -> None:
    """By a new instance of librdkafka."""
    deadline = time.monotonic() + WAIT_S
    consumer = Consumer(
        {"bootstrap.servers": cluster.bootstrap, "group.id": "none", "log_level": 0}
    )
    try:
        consumer.assign([TopicPartition(name, 0, OFFSET_BEGINNING)])
        while True:
            assert time.monotonic() < deadline, f"{value} is not to be read"
            message = consumer.poll(0.5)
            if message is not None and message.value() == value.encode():
                return
    finally:
        consumer.close()


def test_kafkajs(cluster: TestCluster, kafkajs: Path) -> None:
    name = "kafkajs"
    create(cluster, name, 2)
    script = kafkajs / "recreated_topic.js"
    shutil.copy(Path(__file__).with_name(script.name), script)
    node = require_tool("node", "apt-get install nodejs")
    where = {"BROKERS": cluster.bootstrap, "TOPIC": name}
    with running_program([node, str(script)], environment=where, interactive=True) as client:
        client.wait_for_line("ready")

        def pass_on(value: str) -> None:
            client.type(value)
            wait_for_both(client, value)

        across_a_recreation(cluster, name, pass_on)


def wait_for_both(client: RunningProgram, value: str) -> None:
    """`sent` and `got` come in either order."""
    wanted = {f"sent {value}", f"got {value}"}
    while wanted:
        line = client.wait_for_line(value)
        wanted.discard(line)
