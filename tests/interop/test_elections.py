"""Elections that an admin asks for: kafka-leader-election, and the request itself.

Preferred and unclean, by topic, by a JSON file and for all partitions; by the config that allows
unclean ones, and by the balance of leaders.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from confluent_kafka.admin import NewTopic, PartitionMetadata
from kazoo.client import KazooClient

from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages.elect_leaders import (
    ElectLeadersRequest,
    ElectLeadersResponse,
    TopicPartitions,
)
from tests.support.cluster import TestCluster
from tests.support.kafka import kafka_tool
from tests.support.raw_client import RawClient
from tests.support.topics import make_topics

pytestmark = pytest.mark.server

LEADER_ELECTION = "org.apache.kafka.tools.LeaderElectionCommand"
PATIENCE_S = 60.0
# What a test wants moved stays until it says so.
PROPERTIES = {"auto.leader.rebalance.enable": "false", "replica.lag.time.max.ms": "5000"}

NewCluster = Callable[..., AbstractContextManager[TestCluster]]


def elect(cluster: TestCluster, kind: str, *what: str, check: bool = True) -> str:
    """What kafka-leader-election says; with `check` it must succeed."""
    result = kafka_tool(
        LEADER_ELECTION,
        *("--bootstrap-server", cluster.bootstrap, "--election-type", kind, *what),
        check=check,
    )
    return result.stdout


def create(cluster: TestCluster, topic: str, assignment: list[list[int]]) -> None:
    new = NewTopic(topic, num_partitions=len(assignment), replica_assignment=assignment)
    make_topics(cluster.bootstrap, new)


def partitions(cluster: TestCluster, topic: str, asked: int) -> dict[int, PartitionMetadata]:
    """As broker `asked` tells its clients."""
    found = cluster.metadata(asked).topics.get(topic)
    return {} if found is None else found.partitions


def leaders(cluster: TestCluster, topic: str, asked: int) -> list[int]:
    found = partitions(cluster, topic, asked)
    return [found[number].leader for number in sorted(found)]


def wait_for(happened: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.1)


def restart(cluster: TestCluster, broker_id: int) -> None:
    cluster.brokers[broker_id].start()
    cluster.brokers[broker_id].wait_ready()


def test_preferred(new_cluster: NewCluster, tmp_path: Path) -> None:
    """Broker 1 dies and returns: its leaderships are given back to it, piece by piece."""
    with new_cluster(properties=PROPERTIES) as cluster:
        create(cluster, "t", [[1, 2], [1, 3], [1, 2], [2, 3]])
        cluster.brokers[1].kill()
        wait_for(lambda: leaders(cluster, "t", 2) == [2, 3, 2, 2], "the leaders to leave broker 1")
        said = elect(cluster, "preferred", "--topic", "t", "--partition", "0", check=False)
        assert "PreferredLeaderNotAvailableException" in said

        restart(cluster, 1)
        wait_for(
            lambda: all(1 in p.isrs for n, p in partitions(cluster, "t", 2).items() if n < 3),
            "broker 1 to be in sync",
        )
        said = elect(cluster, "preferred", "--topic", "t", "--partition", "0")
        assert "Successfully completed leader election (PREFERRED) for partitions t-0\n" in said
        wait_for(lambda: leaders(cluster, "t", 2) == [1, 3, 2, 2], "broker 2 to hear of it")
        said = elect(cluster, "preferred", "--topic", "t", "--partition", "0")
        assert "Valid replica already elected for partitions t-0\n" in said

        file = tmp_path / "elections.json"
        asked = [{"topic": "t", "partition": 1}, {"topic": "missing", "partition": 0}]
        file.write_text(json.dumps({"partitions": asked}))
        said = elect(cluster, "preferred", "--path-to-json-file", str(file), check=False)
        assert "Successfully completed leader election (PREFERRED) for partitions t-1\n" in said
        assert "UnknownTopicOrPartitionException: The partition does not exist." in said

        said = elect(cluster, "preferred", "--all-topic-partitions")
        assert said == "Successfully completed leader election (PREFERRED) for partitions t-2\n"
        wait_for(lambda: leaders(cluster, "t", 2) == [1, 1, 1, 2], "broker 2 to hear of it")


@contextmanager
def dead_isr(new_cluster: NewCluster) -> Iterator[TestCluster]:
    """t-0 of brokers 1 and 2: 1 is alone in sync, and dead. 3 looks on."""
    with new_cluster(properties=PROPERTIES) as cluster:
        create(cluster, "t", [[1, 2]])
        cluster.brokers[2].kill()
        wait_for(lambda: partitions(cluster, "t", 3)[0].isrs == [1], "2 to leave the ISR")
        cluster.brokers[1].kill()
        wait_for(lambda: leaders(cluster, "t", 3) == [-1], "the last leader to die")
        restart(cluster, 2)
        wait_for(lambda: 2 in cluster.metadata(3).brokers, "broker 2 to be back")
        assert leaders(cluster, "t", 3) == [-1], "who is not in sync may not lead by itself"
        yield cluster


def test_unclean_by_request(new_cluster: NewCluster) -> None:
    with dead_isr(new_cluster) as cluster:
        said = elect(cluster, "unclean", "--topic", "t", "--partition", "0")
        assert "Successfully completed leader election (UNCLEAN) for partitions t-0\n" in said
        wait_for(lambda: leaders(cluster, "t", 3) == [2], "broker 3 to hear of it")
        assert partitions(cluster, "t", 3)[0].isrs == [2]
        said = elect(cluster, "unclean", "--topic", "t", "--partition", "0")
        assert "Valid replica already elected for partitions t-0\n" in said


@pytest.mark.parametrize("entity", ["topics/t", "brokers/<default>"])
def test_unclean_by_config(new_cluster: NewCluster, entity: str) -> None:
    """As kafka-configs --zookeeper set it: the config, then the news of its change."""
    with dead_isr(new_cluster) as cluster:
        client = KazooClient(cluster.zookeeper_connect)
        client.start()
        config = {"version": 1, "config": {"unclean.leader.election.enable": "true"}}
        client.ensure_path(f"/config/{entity}")
        client.set(f"/config/{entity}", json.dumps(config).encode())
        change = {"version": 2, "entity_path": entity}
        client.create("/config/changes/config_change_", json.dumps(change).encode(), sequence=True)
        wait_for(lambda: leaders(cluster, "t", 3) == [2], "an unclean election")
        client.stop()
        client.close()


def test_preferred_by_znode_and_by_itself(new_cluster: NewCluster) -> None:
    """/admin/preferred_replica_election, as old tools write it; then the balance of leaders."""
    balanced = {**PROPERTIES, "auto.leader.rebalance.enable": "true"}
    # The first check comes after 5 s, the next before the test's patience ends.
    with new_cluster(properties={**balanced, "leader.imbalance.check.interval.seconds": "10"}) as (
        cluster
    ):
        create(cluster, "t", [[1, 2], [1, 3]])
        cluster.brokers[1].kill()
        wait_for(lambda: leaders(cluster, "t", 2) == [2, 3], "the leaders to leave broker 1")
        client = KazooClient(cluster.zookeeper_connect)
        client.start()
        path = "/admin/preferred_replica_election"
        asked = {"version": 1, "partitions": [{"topic": "t", "partition": 0}]}
        client.create(path, json.dumps(asked).encode())
        wait_for(lambda: client.exists(path) is None, "the controller to have tried")
        wait_for(lambda: leaders(cluster, "t", 2) == [2, 3], "them to lead on")
        restart(cluster, 1)
        wait_for(lambda: leaders(cluster, "t", 2) == [1, 1], "the leaders to go back by themselves")
        client.stop()
        client.close()


def test_the_request(cluster: TestCluster, name: str) -> None:
    """What no tool sends: each version, unknown types, a broker that isn't the controller."""
    create(cluster, name, [[1, 2]])
    controller = cluster.metadata(1).controller_id
    [other] = [broker_id for broker_id in cluster.brokers if broker_id != controller][:1]
    asked = ElectLeadersRequest(
        topic_partitions=[
            TopicPartitions(topic=name, partitions=[0, 5]),
            TopicPartitions(topic="missing", partitions=[0]),
        ],
        timeout_ms=5000,
    )
    with RawClient(cluster.address(controller)) as client:
        for version in (0, 1, 2):
            answer = client.ask(ApiKey.ELECT_LEADERS, version, asked)
            assert (answer.throttle_time_ms, answer.error_code) == (0, 0)
            assert codes(answer) == {
                (name, 0): ErrorCode.ELECTION_NOT_NEEDED,
                (name, 5): ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
                ("missing", 0): ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
            }
        asked.election_type = 1
        assert codes(client.ask(ApiKey.ELECT_LEADERS, 2, asked))[name, 0] == (
            ErrorCode.ELECTION_NOT_NEEDED
        )
        asked.election_type = 7
        answer = client.ask(ApiKey.ELECT_LEADERS, 2, asked)
        assert answer.error_code == ErrorCode.UNKNOWN_SERVER_ERROR
        assert set(codes(answer).values()) == {ErrorCode.UNKNOWN_SERVER_ERROR}
        everything = ElectLeadersRequest(topic_partitions=None, timeout_ms=5000)
        elsewhere = codes(client.ask(ApiKey.ELECT_LEADERS, 2, everything))
        # What needs no election isn't told of; other tests' topics may well need one.
        assert (name, 0) not in elsewhere
        assert ErrorCode.ELECTION_NOT_NEEDED not in elsewhere.values()
        nothing = ElectLeadersRequest(topic_partitions=[], timeout_ms=5000)
        assert codes(client.ask(ApiKey.ELECT_LEADERS, 2, nothing)) == {}
    with RawClient(cluster.address(other)) as client:
        asked.election_type = 0
        answer = client.ask(ApiKey.ELECT_LEADERS, 2, asked)
        assert answer.error_code == 0
        assert set(codes(answer).values()) == {ErrorCode.NOT_CONTROLLER}


def codes(answer: ElectLeadersResponse) -> dict[tuple[str, int], int]:
    return {
        (topic.topic, each.partition_id): each.error_code
        for topic in answer.replica_election_results
        for each in topic.partition_result
    }
