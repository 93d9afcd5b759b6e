"""How clients fetch what many fetches share: sessions, and the replica that is nearest to them.

Two brokers in two racks; the leaders send consumers to the follower in theirs (KIP-392).
"""

import subprocess
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import attrs
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import NewTopic

from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages import fetch as fe
from broker.wire.messages import metadata as me
from cli.java.runtime import java_command
from tests.support.cluster import Kind, TestCluster, running_cluster
from tests.support.kafka import kafka_class_path
from tests.support.raw_client import RawClient
from tests.support.topics import make_topics
from tests.support.waiting import wait_until

pytestmark = pytest.mark.server

CONSOLE_CONSUMER = "org.apache.kafka.tools.consumer.ConsoleConsumer"
TIMEOUT_S = 30.0
LEADER, FOLLOWER = 1, 2
RACKS = {LEADER: "a", FOLLOWER: "b"}
PROPERTIES = {
    "replica.selector.class": "org.apache.kafka.common.replica.RackAwareReplicaSelector",
    "offsets.topic.replication.factor": "1",
}


@pytest.fixture(scope="module")
def cluster(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestCluster]:
    directory = tmp_path_factory.mktemp("fetching")
    with running_cluster(kind, directory, brokers=2, properties=PROPERTIES, racks=RACKS) as cluster:
        yield cluster


@attrs.frozen
class Topic:
    """Partitions led by broker 1 and followed by broker 2, with three records in the first."""

    cluster: TestCluster
    name: str
    id: UUID

    def asked(self, by_id: bool, *partitions: int, offset: int = 0) -> fe.FetchTopic:
        return fe.FetchTopic(
            topic="" if by_id else self.name,
            topic_id=self.id if by_id else UUID(int=0),
            partitions=[
                fe.FetchPartition(partition=n, fetch_offset=offset, partition_max_bytes=1 << 20)
                for n in partitions
            ],
        )


@pytest.fixture
def topic(cluster: TestCluster, name: str) -> Topic:
    new = NewTopic(name, num_partitions=3, replica_assignment=[[LEADER, FOLLOWER]] * 3)
    make_topics(cluster.bootstrap, new)
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "acks": "all"})
    for number in range(3):
        producer.produce(name, str(number), partition=0)
    assert producer.flush(TIMEOUT_S) == 0
    with RawClient(cluster.address(LEADER)) as client:
        request = me.MetadataRequest(topics=[me.MetadataRequestTopic(name=name)])
        [found] = client.ask(ApiKey.METADATA, 12, request).topics
    return Topic(cluster, name, found.topic_id)


def fetch(client: RawClient, version: int, topics: list[fe.FetchTopic], **more: Any) -> Any:
    request = fe.FetchRequest(max_wait_ms=0, min_bytes=0, topics=topics, **more)
    return client.ask(ApiKey.FETCH, version, request)


def told(answer: fe.FetchResponse) -> dict[int, tuple[int, int, bool]]:
    """Of each partition in the answer: its error, its high watermark, whether it has records."""
    return {
        data.partition_index: (data.error_code, data.high_watermark, bool(data.records))
        for topic in answer.responses
        for data in topic.partitions
    }


@pytest.mark.parametrize("version", [7, 12, 13, 17])
def test_a_session_is_told_only_what_is_new(topic: Topic, version: int) -> None:
    by_id = version >= 13
    with RawClient(topic.cluster.address(LEADER)) as client:
        first = fetch(client, version, [topic.asked(by_id, 0, 1)], session_epoch=0)
        assert first.session_id > 0
        assert told(first) == {0: (0, 3, True), 1: (0, 0, False)}
        session = {"session_id": first.session_id}

        def go_on(epoch: int, topics: list[fe.FetchTopic] | None = None, **more: Any) -> Any:
            return fetch(client, version, topics or [], **session, session_epoch=epoch, **more)

        # Who doesn't say that it has read on is given the same again.
        assert told(go_on(1)) == {0: (0, 3, True)}
        assert told(go_on(2, [topic.asked(by_id, 0, offset=3)])) == {}
        assert told(go_on(3)) == {}
        assert told(go_on(4, [topic.asked(by_id, 2)])) == {2: (0, 0, False)}
        out_of_range = ErrorCode.OFFSET_OUT_OF_RANGE, -1, False
        assert told(go_on(5, [topic.asked(by_id, 1, offset=9)])) == {1: out_of_range}
        assert told(go_on(6)) == {1: out_of_range}
        # It's told anew when the error is gone.
        assert told(go_on(7, [topic.asked(by_id, 1)])) == {1: (0, 0, False)}

        assert go_on(7).error_code == ErrorCode.INVALID_FETCH_SESSION_EPOCH
        other = fetch(client, 12 if by_id else 13, [], **session, session_epoch=8)
        assert other.error_code == ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR
        gone = fe.ForgottenTopic(
            topic="" if by_id else topic.name,
            topic_id=topic.id if by_id else UUID(int=0),
            partitions=[0, 1, 2],
        )
        last = go_on(8, forgotten_topics_data=[gone])
        assert (last.error_code, last.session_id, told(last)) == (0, 0, {})
        assert go_on(9).error_code == ErrorCode.FETCH_SESSION_ID_NOT_FOUND


def test_a_full_fetch_ends_the_session_that_it_names(topic: Topic) -> None:
    with RawClient(topic.cluster.address(LEADER)) as client:
        first = fetch(client, 12, [topic.asked(False, 0)], session_epoch=0)
        second = fetch(
            client, 12, [topic.asked(False, 0)], session_id=first.session_id, session_epoch=0
        )
        assert second.session_id not in (0, first.session_id)
        again = fetch(client, 12, [], session_id=first.session_id, session_epoch=1)
        assert again.error_code == ErrorCode.FETCH_SESSION_ID_NOT_FOUND
        final = fetch(
            client, 12, [topic.asked(False, 0)], session_id=second.session_id, session_epoch=-1
        )
        assert (final.session_id, told(final)) == (0, {0: (0, 3, True)})


@pytest.mark.parametrize(
    ("version", "rack", "preferred"), [(11, "b", FOLLOWER), (17, "b", FOLLOWER), (17, "a", -1)]
)
def test_a_leader_names_the_replica_in_the_clients_rack(
    topic: Topic, version: int, rack: str, preferred: int
) -> None:
    with RawClient(topic.cluster.address(LEADER)) as client:
        answer = fetch(client, version, [topic.asked(version >= 13, 0)], rack_id=rack)
    [data] = answer.responses[0].partitions
    assert (data.error_code, data.high_watermark) == (0, 3)
    assert data.preferred_read_replica == preferred
    assert bool(data.records) is (preferred == -1)


def test_a_follower_serves_new_consumers_and_refuses_old_ones(topic: Topic) -> None:
    with RawClient(topic.cluster.address(FOLLOWER)) as client:

        def has_all() -> bool:
            return told(fetch(client, 11, [topic.asked(False, 0)])) == {0: (0, 3, True)}

        # The follower hears of a high watermark with its next fetch, half a second later at most.
        wait_until("the follower to know what is committed", has_all, TIMEOUT_S)
        refused = told(fetch(client, 10, [topic.asked(False, 0)]))
        assert refused == {0: (ErrorCode.NOT_LEADER_OR_FOLLOWER, -1, False)}
        beyond = told(fetch(client, 11, [topic.asked(False, 0, offset=4)]))
        assert beyond == {0: (ErrorCode.OFFSET_OUT_OF_RANGE, -1, False)}
        later = topic.asked(False, 0)
        later.partitions[0].current_leader_epoch = 5
        assert told(fetch(client, 11, [later])) == {0: (ErrorCode.UNKNOWN_LEADER_EPOCH, -1, False)}


def test_a_java_consumer_reads_from_the_follower_in_its_rack(topic: Topic) -> None:
    """It says in its log whom it was sent to; that it reads to the end, by its output."""
    command = java_command(
        kafka_class_path(),
        CONSOLE_CONSUMER,
        *("--bootstrap-server", topic.cluster.bootstrap, "--topic", topic.name),
        *("--consumer-property", "client.rack=b", "--consumer-property", "client.id=near"),
        *("--from-beginning", "--max-messages", "3", "--timeout-ms", "20000"),
        heap_mb=128,
        properties={
            "org.slf4j.simpleLogger.defaultLogLevel": "warn",
            "org.slf4j.simpleLogger.log.org.apache.kafka.clients.consumer.internals": "debug",
        },
    )
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == ["0", "1", "2"]
    sent = f"preferred read replica for partition {topic.name}-0 to {FOLLOWER}"
    assert sent in done.stderr
