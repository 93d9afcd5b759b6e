"""Clients held to their quotas: how long they are told to be quiet, and what gets through.

The arithmetic is asked for by raw requests, whose sizes are known; that it comes to the rate is
shown by librdkafka, which keeps to what it is told. Kafka's own tool sets the quotas.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from confluent_kafka import Producer, ThrottleEvent

from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages import alter_client_quotas as alter
from broker.wire.messages import incremental_alter_configs as configs
from broker.wire.messages.api_versions import ApiVersionsRequest
from broker.wire.messages.create_topics import CreatableTopic, CreateTopicsRequest
from broker.wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic
from broker.wire.messages.metadata import MetadataRequest
from broker.wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from broker.wire.record_batch import build_batch
from broker.wire.records import Record
from tests.interop.test_kafka_tools import CONFIGS, create_topic, run
from tests.support.cluster import Kind, TestCluster, running_cluster
from tests.support.raw_client import CLOSED, RawClient
from tests.support.waiting import wait_until

pytestmark = pytest.mark.server

PATIENCE_S = 20.0
BROKER = 4  # as a resource of configs
SET, DELETE = 0, 1
# Two windows before the one that we are in: what two seconds allow may come at once.
PROPERTIES = {"quota.window.num": "3", "controller.quota.window.num": "3"}


@pytest.fixture(scope="module")
def cluster(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestCluster]:
    """One broker: each counts for itself. It's the controller, too."""
    directory = tmp_path_factory.mktemp("quotas")
    with running_cluster(kind, directory, brokers=1, properties=PROPERTIES) as cluster:
        yield cluster


def limit(cluster: TestCluster, client_id: str, quota: str, value: float) -> None:
    entity = ("--entity-type", "clients", "--entity-name", client_id)
    run(cluster, CONFIGS, "--alter", *entity, "--add-config", f"{quota}={value:g}")
    wait_until_heard(cluster, f"{client_id}-listening")


def wait_until_heard(cluster: TestCluster, listening: str) -> None:
    """A broker hears of quotas from ZooKeeper, after the tool has ended, and in their order: until
    it has heard of a later one, which shows with the first request."""
    microsecond = alter.OpData(key="request_percentage", value=0.0001)
    entry = alter.RequestEntryData(
        entity=[alter.RequestEntityData(entity_type="client-id", entity_name=listening)],
        ops=[microsecond],
    )
    with RawClient(cluster.address(1), listening) as client:
        request = alter.AlterClientQuotasRequest(entries=[entry])
        [answer] = client.ask(ApiKey.ALTER_CLIENT_QUOTAS, 1, request).entries
        assert answer.error_code == 0
        wait_until(
            "the broker to hear of quotas",
            lambda: client.ask(ApiKey.METADATA, 9, MetadataRequest()).throttle_time_ms > 0,
            PATIENCE_S,
        )


def produce(client: RawClient, topic: str, size_bytes: int) -> int:
    """For how long it's told to be quiet."""
    records = build_batch([Record(value=b"x" * size_bytes)])
    partition = PartitionProduceData(index=0, records=records)
    data = TopicProduceData(name=topic, partition_data=[partition])
    request = ProduceRequest(acks=1, timeout_ms=10_000, topic_data=[data])
    answer = client.ask(ApiKey.PRODUCE, 9, request)
    assert answer.responses[0].partition_responses[0].error_code == 0
    quiet_ms: int = answer.throttle_time_ms
    return quiet_ms


def fetch(client: RawClient, topic: str) -> tuple[int, int]:
    """Bytes of records from the beginning, and for how long it's told to be quiet."""
    partition = FetchPartition(partition=0, fetch_offset=0, partition_max_bytes=1 << 20)
    request = FetchRequest(
        min_bytes=1,
        max_bytes=1 << 20,
        session_epoch=-1,
        topics=[FetchTopic(topic=topic, partitions=[partition])],
    )
    answer = client.ask(ApiKey.FETCH, 12, request)
    found = [p.records for each in answer.responses for p in each.partitions]
    return sum(len(records or b"") for records in found), answer.throttle_time_ms


def seconds_until_answered(client: RawClient) -> float:
    begin_s = time.monotonic()
    assert client.ask(ApiKey.API_VERSIONS, 0, ApiVersionsRequest()) is not CLOSED
    return time.monotonic() - begin_s


def test_a_producer_is_quiet_until_its_bytes_are_paid_for(cluster: TestCluster, name: str) -> None:
    create_topic(cluster, name)
    with RawClient(cluster.address(1), name) as client:
        assert produce(client, name, 50_000) == 0
        limit(cluster, name, "producer_byte_rate", 20_000)
        quiet_ms = produce(client, name, 50_000)
        assert quiet_ms == pytest.approx(500, abs=20)  # 2.5 seconds' worth, and two were free
        with RawClient(cluster.address(1), "other") as other:
            assert produce(other, name, 50_000) == 0
        # Whoever doesn't keep to it isn't read from.
        assert 0.3 < seconds_until_answered(client) < 0.3 + PATIENCE_S


def test_a_consumer_is_given_nothing_until_it_may_read_again(
    cluster: TestCluster, name: str
) -> None:
    create_topic(cluster, name)
    with RawClient(cluster.address(1), name) as client:
        for _ in range(20):
            produce(client, name, 10_000)
        limit(cluster, name, "consumer_byte_rate", 20_000)
        answers = [(0, 0)]
        while answers[-1][0] == 0 and len(answers) < 5:  # Kafka counts more than the records
            answers.append(fetch(client, name))
        found, quiet_ms = answers[-1]
        assert 30_000 < found <= 40_000, "never more than would be too much at any time"
        assert quiet_ms == 0
        given_s = time.monotonic()
        found, quiet_ms = fetch(client, name)
        assert found == 0
        assert 1000 < quiet_ms <= 2000
        while found == 0:
            found, quiet_ms = fetch(client, name)
            assert (found == 0) == (quiet_ms > 0)
            assert time.monotonic() < given_s + PATIENCE_S
        assert found > 30_000
        assert time.monotonic() > given_s + 1


def test_what_the_controller_is_asked_to_do(cluster: TestCluster, name: str) -> None:
    limit(cluster, name, "controller_mutation_rate", 2)  # six at once

    def create(topic: str, partitions: int) -> tuple[ErrorCode, int]:
        made = CreatableTopic(name=topic, num_partitions=partitions, replication_factor=1)
        request = CreateTopicsRequest(topics=[made], timeout_ms=20_000)
        answer = client.ask(ApiKey.CREATE_TOPICS, 7, request)
        [result] = answer.topics
        return ErrorCode(result.error_code), answer.throttle_time_ms

    with RawClient(cluster.address(1), name) as client:
        assert create(f"{name}-a", 14) == (ErrorCode.NONE, 0)
        error, quiet_ms = create(f"{name}-b", 1)
        assert error == ErrorCode.THROTTLING_QUOTA_EXCEEDED
        assert 1000 < quiet_ms <= 4000
        assert seconds_until_answered(client) > 0.9 * quiet_ms / 1000
        assert create(f"{name}-b", 1) == (ErrorCode.NONE, 0)


def test_the_time_of_requests(cluster: TestCluster, name: str) -> None:
    limit(cluster, name, "request_percentage", 0.0001)  # a microsecond in a second
    with RawClient(cluster.address(1), name) as client:
        answer = client.ask(ApiKey.METADATA, 9, MetadataRequest())
        assert answer.throttle_time_ms == 1000, "it never is longer than a window"
        assert seconds_until_answered(client) > 0.9


@pytest.mark.parametrize("prefix", ["", "listener.name.plaintext."])
def test_connections_of_all(cluster: TestCluster, prefix: str) -> None:
    """Twenty may come at once, and then ten a second; nobody is turned away."""

    def set_to(value: str | None) -> None:
        config = configs.AlterableConfig(
            name=f"{prefix}max.connection.creation.rate",
            config_operation=SET if value else DELETE,
            value=value,
        )
        resource = configs.AlterConfigsResource(
            resource_type=BROKER, resource_name="1", configs=[config]
        )
        request = configs.IncrementalAlterConfigsRequest(resources=[resource])
        [answer] = admin.ask(ApiKey.INCREMENTAL_ALTER_CONFIGS, 1, request).responses
        assert answer.error_code == 0

    with RawClient(cluster.address(1), "admin") as admin:
        set_to("10")
        time_is_up_s = time.monotonic() + PATIENCE_S
        try:
            took_s = 0.0
            while took_s < 1:  # until the broker has heard of it
                assert time.monotonic() < time_is_up_s
                begin_s = time.monotonic()
                assert all(_is_served(cluster) for _ in range(40))
                took_s = time.monotonic() - begin_s
        finally:
            set_to(None)


@pytest.mark.parametrize("prefix", ["", "listener.name.plaintext."])
def test_the_number_of_connections(cluster: TestCluster, prefix: str) -> None:
    """One more than there may be waits until another is closed; none at all can't be asked for."""

    def change(value: str | None) -> ErrorCode:
        config = configs.AlterableConfig(
            name=f"{prefix}max.connections", config_operation=SET if value else DELETE, value=value
        )
        resource = configs.AlterConfigsResource(
            resource_type=BROKER, resource_name="1", configs=[config]
        )
        request = configs.IncrementalAlterConfigsRequest(resources=[resource])
        with RawClient(cluster.address(1), "admin") as admin:
            [answer] = admin.ask(ApiKey.INCREMENTAL_ALTER_CONFIGS, 1, request).responses
        return ErrorCode(answer.error_code)

    def waits(client: RawClient) -> bool:
        client.socket.settimeout(1)
        try:
            client.send_raw(b"")
        except TimeoutError:
            return True
        return False

    with ExitStack() as opened:
        assert change("0") == ErrorCode.INVALID_REQUEST
        assert change("20") == ErrorCode.NONE
        opened.callback(change, None)
        clients = [opened.enter_context(RawClient(cluster.address(1))) for _ in range(25)]
        time_is_up_s = time.monotonic() + PATIENCE_S
        waiting: list[RawClient] = []
        while not waiting:  # until the broker has heard of it
            assert time.monotonic() < time_is_up_s
            for client in clients:
                client.close()
            for client in clients:
                client.send(ApiKey.API_VERSIONS, 0, ApiVersionsRequest())
            waiting = [client for client in clients if waits(client)]
        assert 5 <= len(waiting) < 15  # the broker may have connections to itself
        clients[0].close()
        waiting[0].socket.settimeout(PATIENCE_S)
        assert waiting[0].receive(ApiKey.API_VERSIONS, 0) is not CLOSED


def test_connections_of_an_address(cluster: TestCluster) -> None:
    def set_to(value: float | None) -> None:
        entry = alter.RequestEntryData(
            entity=[alter.RequestEntityData(entity_type="ip", entity_name="127.0.0.1")],
            ops=[
                alter.OpData(
                    key="connection_creation_rate", value=value or 0.0, remove=value is None
                )
            ],
        )
        request = alter.AlterClientQuotasRequest(entries=[entry])
        [answer] = admin.ask(ApiKey.ALTER_CLIENT_QUOTAS, 1, request).entries
        assert answer.error_code == 0

    with RawClient(cluster.address(1), "admin") as admin:
        set_to(10)
        time_is_up_s = time.monotonic() + PATIENCE_S
        try:
            answered = [True]
            while all(answered):  # until the broker has heard of it
                assert time.monotonic() < time_is_up_s
                answered = [_is_served(cluster) for _ in range(40)]
        finally:
            set_to(None)


def _is_served(cluster: TestCluster) -> bool:
    with RawClient(cluster.address(1)) as client:
        return client.ask(ApiKey.API_VERSIONS, 0, ApiVersionsRequest()) is not CLOSED


def test_librdkafka_produces_at_the_rate(cluster: TestCluster, name: str) -> None:
    """1.2 MB at 200,000 a second: 400,000 at once, the others in four seconds."""
    create_topic(cluster, name)
    limit(cluster, name, "producer_byte_rate", 200_000)
    told: list[ThrottleEvent] = []
    producer = Producer(
        {
            "bootstrap.servers": cluster.bootstrap,
            "client.id": name,
            "throttle_cb": told.append,
            "batch.num.messages": 1,
            "acks": "all",
        }
    )
    producer.list_topics(name, timeout=PATIENCE_S)
    begin_s = time.monotonic()
    for _ in range(60):
        producer.produce(name, b"x" * 20_000)
    assert producer.flush(PATIENCE_S) == 0
    took_s = time.monotonic() - begin_s
    assert 3.0 < took_s < 8.0
    assert max(event.throttle_time for event in told) > 0
