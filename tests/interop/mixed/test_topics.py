"""What admins do to topics and configs, with a controller of either kind.

A change is asked of one broker, decided by the controller, and done by all. Each test begins at
every broker in turn; what only a controller may do its client then asks of the controller.
"""

from functools import partial

import pytest
from confluent_kafka import ElectionType, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages.init_producer_id import InitProducerIdRequest
from broker.wire.record_batch import NO_PRODUCER_EPOCH, NO_PRODUCER_ID
from tests.interop.faults.load import running_load
from tests.interop.faults.verdict import assert_promises_kept
from tests.interop.faults.watch import ClusterWatch
from tests.interop.mixed.ensembles import (
    TIMEOUT_S,
    new_topic,
    put_controller_on,
    reassign,
    replicas_on,
)
from tests.support.cluster import Kind, TestCluster
from tests.support.kafka import kafka_tool
from tests.support.raw_client import RawClient
from tests.support.topics import wait_until_known
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.server, pytest.mark.matrix]

TOPICS = "org.apache.kafka.tools.TopicCommand"
PRODUCERS = 3


@pytest.fixture(params=["kafka", "zbroker"])
def controller(request: pytest.FixtureRequest, cluster: TestCluster, watch: ClusterWatch) -> int:
    """The controller is a broker of this kind."""
    kind: Kind = request.param
    if cluster.kinds[watch.controller()] != kind:
        put_controller_on(cluster, watch, cluster.of_kind(kind)[0])
    return watch.controller()


def admin_of(cluster: TestCluster, broker_id: int) -> AdminClient:
    return AdminClient({"bootstrap.servers": cluster.address(broker_id), "log_level": 0})


def test_a_topic_s_life(
    cluster: TestCluster, watch: ClusterWatch, controller: int, name: str
) -> None:
    """Made, led by both kinds, grown, deleted, made anew: by way of each broker in turn."""
    for broker_id in cluster.brokers:
        topic = f"{name}-{broker_id}"
        admin = admin_of(cluster, broker_id)
        make(cluster, admin, NewTopic(topic, num_partitions=3, replication_factor=3))
        watch.wait_until_full_isr(topic)
        assert set(watch.leaders(topic).values()) == cluster.brokers.keys(), "each leads one"
        grow(cluster, admin, topic, [[2, 3, 1], [3, 1, 2], [1, 2, 3]])
        watch.wait_until_full_isr(topic)
        assert watch.leaders(topic) | {3: 2, 4: 3, 5: 1} == watch.leaders(topic)
        with running_load(cluster.bootstrap, topic) as load:
            load.stop()
        assert_promises_kept(cluster, load)
        wait_until("one answer from all", partial(all_say_the_same, cluster, topic), TIMEOUT_S)
        before = topic_id(watch, topic)
        admin.delete_topics([topic])[topic].result(TIMEOUT_S)
        wait_until("no trace of it", partial(is_gone, cluster, watch, topic), TIMEOUT_S)
        make(cluster, admin, NewTopic(topic, num_partitions=1, replication_factor=3))
        watch.wait_until_full_isr(topic)
        assert topic_id(watch, topic) != before
        admin.delete_topics([topic])[topic].result(TIMEOUT_S)


def make(cluster: TestCluster, admin: AdminClient, new: NewTopic) -> None:
    """By way of the broker that `admin` begins at."""
    admin.create_topics([new])[new.topic].result(TIMEOUT_S)
    wait_until_known(cluster.bootstrap, new.topic)


def grow(cluster: TestCluster, admin: AdminClient, topic: str, more: list[list[int]]) -> None:
    """Add partitions with these replicas; the topic has as many already."""
    new = NewPartitions(topic, 2 * len(more), replica_assignment=more)
    admin.create_partitions([new])[topic].result(TIMEOUT_S)
    wait_until_known(cluster.bootstrap, topic, partitions=2 * len(more))


def topic_id(watch: ClusterWatch, topic: str) -> str:
    return str(watch.document(f"/brokers/topics/{topic}")["topic_id"])


def is_gone(cluster: TestCluster, watch: ClusterWatch, topic: str) -> bool:
    """Whether no broker tells of the topic, or has a replica of it, and its name is free again."""
    return watch.client.exists(f"/admin/delete_topics/{topic}") is None and not any(
        topic in cluster.metadata(broker_id).topics or replicas_on(cluster, broker_id, topic)
        for broker_id in cluster.brokers
    )


def all_say_the_same(cluster: TestCluster, topic: str) -> bool:
    """Whether each broker tells clients the same leaders, replicas and ISRs."""
    answers = []
    for broker_id in cluster.brokers:
        described = cluster.metadata(broker_id).topics.get(topic)
        if described is None:
            return False
        partitions = described.partitions.values()
        answers.append([(p.id, p.leader, p.replicas, sorted(p.isrs)) for p in partitions])
    return all(answer == answers[0] for answer in answers)


def test_preferred_leaders_are_elected(
    cluster: TestCluster, watch: ClusterWatch, controller: int, name: str
) -> None:
    """Each broker prefers to lead another partition: both kinds gain a leadership, and lose one."""
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap, "log_level": 0})
    make(cluster, admin, new_topic(name, [[1, 2, 3], [2, 3, 1], [3, 1, 2]]))
    watch.wait_until_full_isr(name)
    reassign(cluster, watch, name, {0: [2, 3, 1], 1: [3, 1, 2], 2: [1, 2, 3]})
    assert watch.leaders(name) == {0: 1, 1: 2, 2: 3}, "another order of replicas moves nobody"
    partitions = [TopicPartition(name, number) for number in range(3)]
    outcomes = admin.elect_leaders(ElectionType.PREFERRED, partitions).result(TIMEOUT_S)
    assert not any(outcomes.values())
    assert watch.leaders(name) == {0: 2, 1: 3, 2: 1}
    with running_load(cluster.bootstrap, name) as load:
        load.stop()
    assert_promises_kept(cluster, load)


def test_a_topic_is_made_by_being_asked_for(
    cluster: TestCluster, watch: ClusterWatch, controller: int, name: str
) -> None:
    """auto.create.topics.enable: whichever broker is asked writes it into ZooKeeper."""
    for broker_id in cluster.brokers:
        topic = f"{name}-{broker_id}"
        assert produce(cluster, broker_id, topic, b"the first") is None
        watch.wait_until_full_isr(topic)
        assert [len(r) for r in watch.replicas(topic).values()] == [3]


def produce(cluster: TestCluster, broker_id: int, topic: str, value: bytes) -> KafkaError | None:
    """What became of one record of a producer that begins at that broker."""
    outcome: list[KafkaError | None] = []
    producer = Producer(
        {
            "bootstrap.servers": cluster.address(broker_id),
            "acks": "all",
            "allow.auto.create.topics": True,
            "log_level": 0,
        }
    )
    producer.produce(topic, value, on_delivery=lambda error, _message: outcome.append(error))
    assert producer.flush(TIMEOUT_S) == 0
    return outcome[0]


def test_producer_ids_are_unique(
    cluster: TestCluster, watch: ClusterWatch, controller: int
) -> None:
    """Every broker gets its blocks from the one controller."""
    given = []
    for broker_id in cluster.brokers:
        with RawClient(cluster.address(broker_id)) as client:
            given += [producer_id(client) for _ in range(PRODUCERS)]
    assert len(set(given)) == PRODUCERS * len(cluster.brokers)


def producer_id(client: RawClient) -> int:
    """A real Kafka says COORDINATOR_LOAD_IN_PROGRESS while it waits for its next block."""
    request = InitProducerIdRequest(
        transactional_id=None, producer_id=NO_PRODUCER_ID, producer_epoch=NO_PRODUCER_EPOCH
    )
    answers = []

    def is_given() -> bool:
        answers.append(client.ask(ApiKey.INIT_PRODUCER_ID, 4, request))
        return bool(answers[-1].error_code != ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)

    wait_until("a producer id to be given", is_given, TIMEOUT_S)
    assert answers[-1].error_code == 0
    return int(answers[-1].producer_id)


def test_tools_say_the_same_of_either_kind(
    cluster: TestCluster, watch: ClusterWatch, controller: int, name: str
) -> None:
    """kafka-topics: made by way of one kind, described by way of each."""
    kafka, zbroker = (cluster.of_kind(kind)[0] for kind in ("kafka", "zbroker"))
    tool(
        cluster, zbroker, TOPICS, "--create", "--topic", name, "--config", "retention.ms=123456",
        "--replica-assignment", "1:2:3,2:3:1,3:1:2",
    )  # fmt: skip
    watch.wait_until_full_isr(name)
    wait_until("one answer from all", lambda: all_say_the_same(cluster, name))
    described = [
        tool(cluster, broker_id, TOPICS, "--describe", "--topic", name)
        for broker_id in (kafka, zbroker)
    ]
    assert described[0] == described[1]
    assert "retention.ms=123456" in described[0]
    assert described[0].count("Leader: ") == 3


def tool(cluster: TestCluster, broker_id: int, main_class: str, *arguments: str) -> str:
    return kafka_tool(
        main_class, "--bootstrap-server", cluster.address(broker_id), *arguments
    ).stdout
