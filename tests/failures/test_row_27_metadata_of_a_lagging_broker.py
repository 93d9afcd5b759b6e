"""Row 27: a client refreshes its metadata from a broker that has yet to hear of a new leader.

Source: KIP-232, KAFKA-6262. UpdateMetadata reaches brokers one by one. A client that has learnt of
the new leader and then asks a broker that has not would go back to the old one, and back to offsets
that the old one had. So metadata say each leader's epoch, and clients keep the newer.

Provoked with a controller's listener of its own (KIP-291) that is advertised behind a proxy:
frozen, broker 3 hears no order any more, but goes on serving clients. Then another leader is
elected; the former one lives on, and tells who fetches from it that it leads no more.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import attrs
import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import NewTopic

from broker.wire.apis import ApiKey
from broker.wire.messages.alter_partition_reassignments import (
    AlterPartitionReassignmentsRequest,
    ReassignablePartition,
    ReassignableTopic,
)
from broker.wire.messages.elect_leaders import ElectLeadersRequest, TopicPartitions
from broker.wire.messages.metadata import (
    MetadataRequest,
    MetadataRequestTopic,
    MetadataResponse,
    MetadataResponsePartition,
)
from tests.support.broker_process import running_broker
from tests.support.cluster import SETTINGS
from tests.support.kafka import tool_command
from tests.support.ports import free_port, free_ports
from tests.support.processes import running_program
from tests.support.raw_client import RawClient
from tests.support.server import ServerProcess
from tests.support.tcp_proxy import TcpProxyThread, tcp_proxy
from tests.support.topics import make_topics
from tests.support.zookeeper import real_zookeeper

pytestmark = [pytest.mark.server, pytest.mark.matrix]

LAGGING = 3
TOPIC = "moving"
WAIT_S = 60.0
MANY_REFRESHES_S = 5.0
JAVA_CONSUMER = "org.apache.kafka.tools.consumer.ConsoleConsumer"


@attrs.frozen
class Lagging:
    """Three brokers; the controller speaks to number 3 through `proxy`."""

    brokers: dict[int, ServerProcess]
    proxy: TcpProxyThread

    @property
    def bootstrap(self) -> str:
        return ",".join(f"127.0.0.1:{broker.port}" for broker in self.brokers.values())

    def metadata(self, at: int) -> MetadataResponse:
        with RawClient(f"127.0.0.1:{self.brokers[at].port}") as client:
            request = MetadataRequest(topics=[MetadataRequestTopic(name=TOPIC)])
            answer = client.ask(ApiKey.METADATA, 9, request)
            assert isinstance(answer, MetadataResponse)
            return answer

    def partition(self, at: int) -> MetadataResponsePartition:
        return self.metadata(at).topics[0].partitions[0]


@pytest.fixture
def lagging(tmp_path: Path) -> Iterator[Lagging]:
    with ExitStack() as stack:
        zookeeper = stack.enter_context(real_zookeeper(tmp_path / "zookeeper", free_port()))
        brokers: dict[int, ServerProcess] = {}
        for broker_id in (1, 2, LAGGING):
            port = free_ports(2)
            control = port + 1
            if broker_id == LAGGING:
                proxy = stack.enter_context(tcp_proxy(control))
                control = proxy.port
            broker = running_broker(
                "zbroker",
                broker_id,
                f"127.0.0.1:{zookeeper.port}",
                tmp_path / f"broker-{broker_id}",
                port=port,
                properties={
                    "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROL://127.0.0.1:{port + 1}",
                    "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port},"
                    f"CONTROL://127.0.0.1:{control}",
                    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROL:PLAINTEXT",
                    "control.plane.listener.name": "CONTROL",
                    "auto.create.topics.enable": "false",
                    "offsets.topic.num.partitions": "1",
                    "offsets.topic.replication.factor": "2",
                    **SETTINGS,
                },
            )
            # One after the other: 3 is not the controller.
            brokers[broker_id] = stack.enter_context(broker)
        cluster = Lagging(brokers, proxy)
        wait_until(lambda: all(len(cluster.metadata(at).brokers) == 3 for at in brokers))
        yield cluster
        proxy.mend()


def wait_until(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def move_leader(lagging: Lagging, controller: int, replicas: list[int]) -> None:
    """Prefer the first of the same replicas, and elect it: the former leader lives on."""
    partition = ReassignablePartition(partition_index=0, replicas=replicas)
    reassign = AlterPartitionReassignmentsRequest(
        timeout_ms=10_000, topics=[ReassignableTopic(name=TOPIC, partitions=[partition])]
    )
    elect = ElectLeadersRequest(
        timeout_ms=10_000, topic_partitions=[TopicPartitions(topic=TOPIC, partitions=[0])]
    )
    with RawClient(f"127.0.0.1:{lagging.brokers[controller].port}") as client:
        answer = client.ask(ApiKey.ALTER_PARTITION_REASSIGNMENTS, 0, reassign)
        assert answer.responses[0].partitions[0].error_code == 0
        answer = client.ask(ApiKey.ELECT_LEADERS, 2, elect)
        assert answer.replica_election_results[0].partition_result[0].error_code == 0


def test_no_client_goes_back(lagging: Lagging) -> None:
    old = controller = lagging.metadata(1).controller_id
    new = 3 - old  # the other of 1 and 2
    assert new in (1, 2)
    common = {"bootstrap.servers": lagging.bootstrap, "log_level": 0}
    topics = ("__consumer_offsets", TOPIC)
    make_topics(
        lagging.bootstrap, *(NewTopic(name, 1, replica_assignment=[[old, new]]) for name in topics)
    )
    # Every 100 ms, from whichever broker: a third of the answers are of the lagging one.
    refreshing = {**common, "topic.metadata.refresh.interval.ms": 100}
    producer = Producer({**refreshing, "acks": "all", "enable.idempotence": True})
    consumer = Consumer({**refreshing, "group.id": "g", "auto.offset.reset": "earliest"})
    consumer.subscribe([TOPIC])
    java = tool_command(
        JAVA_CONSUMER, "--bootstrap-server", lagging.bootstrap, "--topic", TOPIC,
        "--from-beginning", "--group", "java", "--consumer-property=metadata.max.age.ms=100",
    )  # fmt: skip
    values = [f"value {number:03}" for number in range(200)]
    consumed: list[tuple[int, str]] = []

    def produce(some: list[str]) -> None:
        for value in some:
            producer.produce(TOPIC, value)
        assert producer.flush(WAIT_S) == 0

    def consume(count: int) -> None:
        def enough() -> bool:
            for message in consumer.consume(100, timeout=0.5):
                assert message.error() is None, message.error()
                consumed.append((message.offset(), message.value().decode()))
            return len(consumed) >= count

        wait_until(enough)

    with running_program(java) as other:
        produce(values[:100])
        consume(100)
        other.wait_for_line(values[99])
        lagging.proxy.freeze()
        move_leader(lagging, controller, [new, old])
        # One record after the other, for many of the clients' refreshes.
        until = time.monotonic() + MANY_REFRESHES_S
        for at, value in enumerate(values[100:-1], start=101):
            produce([value])
            consume(at)
            if time.monotonic() > until:
                break
        behind, ahead = lagging.partition(LAGGING), lagging.partition(controller)
        assert (behind.leader_id, ahead.leader_id) == (old, new)
        assert behind.leader_epoch < ahead.leader_epoch
        produce(values[at:])
        consume(200)
        lines = [other.wait_for_line("value") for _ in values[100:]]
    consumer.close()
    assert consumed == list(enumerate(values)), "each once, in order"
    assert lines == values[100:]
    lagging.proxy.mend()
    wait_until(lambda: lagging.partition(LAGGING).leader_epoch == ahead.leader_epoch)
