"""kafka-reassign-partitions with log_dirs: replicas move to other directories of their brokers.

Under a load that never stops; at the end every promise was kept, and the replicas' files are equal
(they are looked at in each broker's first directory, so there all moves end).
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import NewTopic

from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages import alter_replica_log_dirs as arld
from broker.wire.messages import describe_log_dirs as dld
from tests.interop.faults.load import running_load
from tests.interop.faults.verdict import settle
from tests.interop.faults.watch import watching
from tests.support.cluster import Kind, TestCluster, running_cluster
from tests.support.kafka import kafka_tool
from tests.support.raw_client import RawClient
from tests.support.topics import make_topics
from tests.support.waiting import wait_until

pytestmark = pytest.mark.server

REASSIGN = "org.apache.kafka.tools.reassign.ReassignPartitionsCommand"
TIMEOUT_S = 60.0
FIRST, SECOND = "data", "other"
SLOW_BYTES_S, QUICK_BYTES_S = 2_000, 100_000_000

PROPERTIES = {
    "log.dirs": "{directory}/data,{directory}/other",
    "log.segment.bytes": "100000",
    "log.segment.delete.delay.ms": "0",
    "auto.leader.rebalance.enable": "false",
    "replica.fetch.max.bytes": "20000",
    # A crash in a ZooKeeper session's time is over soon.
    "replica.lag.time.max.ms": "5000",
}


@pytest.fixture(scope="module")
def cluster(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestCluster]:
    directory = tmp_path_factory.mktemp("moved")
    with running_cluster(kind, directory, brokers=2, properties=PROPERTIES) as cluster:
        yield cluster


def make(cluster: TestCluster, name: str) -> None:
    """Two partitions on both brokers: the first is led by broker 1, the other one by 2."""
    make_topics(cluster.bootstrap, NewTopic(name, 2, replica_assignment=[[1, 2], [2, 1]]))


class Plan:
    """All replicas of the topic are to lie in the directory of that name."""

    def __init__(self, cluster: TestCluster, topic: str, directory: str, path: Path) -> None:
        self.path = path / f"{directory}.json"
        self.cluster = cluster
        moves = [
            {
                "topic": topic,
                "partition": partition,
                "replicas": replicas,
                "log_dirs": [str(log_dir(cluster, broker, directory)) for broker in replicas],
            }
            for partition, replicas in ((0, [1, 2]), (1, [2, 1]))
        ]
        self.path.write_text(json.dumps({"version": 1, "partitions": moves}))

    def tool(self, *arguments: str) -> str:
        server = ("--bootstrap-server", self.cluster.bootstrap)
        return kafka_tool(
            REASSIGN, *server, "--reassignment-json-file", str(self.path), *arguments
        ).stdout

    def execute(self, *arguments: str) -> None:
        self.tool("--execute", *arguments)

    def is_done(self) -> bool:
        said = self.tool("--verify")
        assert "not being moved" not in said
        assert "not found" not in said
        return said.count("completed successfully") == 4


def log_dir(cluster: TestCluster, broker_id: int, name: str) -> Path:
    return cluster.brokers[broker_id].directory / name


def replicas_in(cluster: TestCluster, broker_id: int, name: str, topic: str) -> list[str]:
    """What lies there of the topic and isn't about to be removed."""
    found = log_dir(cluster, broker_id, name).glob(f"{topic}-*")
    return sorted(path.name for path in found if not path.name.endswith("-delete"))


def futures(cluster: TestCluster, broker_id: int, name: str, topic: str) -> dict[int, int]:
    """The partitions that are on their way there, and their lags."""
    with RawClient(cluster.address(broker_id)) as client:
        answer = client.ask(ApiKey.DESCRIBE_LOG_DIRS, 4, dld.DescribeLogDirsRequest(topics=None))
    path = str(log_dir(cluster, broker_id, name))
    return {
        partition.partition_index: partition.offset_lag
        for result in answer.results
        if result.log_dir == path
        for each in result.topics
        if each.name == topic
        for partition in each.partitions
        if partition.is_future_key
    }


def test_execute_and_verify_under_load(cluster: TestCluster, name: str, tmp_path: Path) -> None:
    """There and back, leaders and followers alike."""
    make(cluster, name)
    with (
        watching(cluster.zookeeper_connect) as watch,
        running_load(cluster.bootstrap, name) as load,
    ):
        for here, there in ((FIRST, SECOND), (SECOND, FIRST)):
            load.wait_for_more()
            plan = Plan(cluster, name, there, tmp_path)
            plan.execute()
            wait_until(f"all to be in {there}", plan.is_done, TIMEOUT_S)
            for broker_id in (1, 2):
                wait_until(
                    f"nothing to be left in {here}",
                    lambda: not replicas_in(cluster, broker_id, here, name),  # noqa: B023
                )
                assert replicas_in(cluster, broker_id, there, name) == [f"{name}-0", f"{name}-1"]
        assert watch.leaders(name) == {0: 1, 1: 2}
        settle(cluster, watch, load)


@pytest.mark.matrix
def test_killed_on_the_way(cluster: TestCluster, name: str, tmp_path: Path) -> None:
    """kill -9 with a throttled move half-way; the move goes on with the next start."""
    make(cluster, name)
    with (
        watching(cluster.zookeeper_connect) as watch,
        running_load(cluster.bootstrap, name) as load,
    ):
        load.wait_for_more(2000)
        plan = Plan(cluster, name, FIRST, tmp_path)
        plan.execute("--replica-alter-log-dirs-throttle", str(SLOW_BYTES_S))
        wait_until(
            "moves to be under way",
            lambda: all(futures(cluster, broker_id, FIRST, name) for broker_id in (1, 2)),
        )
        assert max(futures(cluster, 1, FIRST, name).values()) > 0
        assert not plan.is_done()
        cluster.brokers[1].kill()
        cluster.start(1)
        cluster.wait_ready()
        watch.wait_until_full_isr(name)
        assert futures(cluster, 1, FIRST, name), "its move goes on"
        plan.execute("--additional", "--replica-alter-log-dirs-throttle", str(QUICK_BYTES_S))
        wait_until("all to be there", plan.is_done, TIMEOUT_S)
        settle(cluster, watch, load)
        for broker_id in (1, 2):
            wait_until(
                "nothing to be left",
                lambda: not replicas_in(cluster, broker_id, SECOND, name),  # noqa: B023
            )


def test_what_is_refused(cluster: TestCluster, name: str) -> None:
    make(cluster, name)
    make_topics(cluster.bootstrap, NewTopic(f"{name}-elsewhere", 1, replica_assignment=[[2]]))
    first = str(log_dir(cluster, 1, FIRST))
    with RawClient(cluster.address(1)) as client:
        for topic, partition, path, code in (
            (name, 0, "/nowhere", ErrorCode.LOG_DIR_NOT_FOUND),
            (name, 0, "", ErrorCode.LOG_DIR_NOT_FOUND),
            (name, 7, first, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
            ("no-such-topic", 0, first, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
            ("no-such-topic", 0, "/nowhere", ErrorCode.LOG_DIR_NOT_FOUND),
            (f"{name}-elsewhere", 0, first, ErrorCode.REPLICA_NOT_AVAILABLE),
            ("t" * 240, 0, first, ErrorCode.INVALID_TOPIC_EXCEPTION),
            ("t" * 240, 0, "/nowhere", ErrorCode.INVALID_TOPIC_EXCEPTION),
        ):
            asked = arld.AlterReplicaLogDirTopic(name=topic, partitions=[partition])
            directory = arld.AlterReplicaLogDir(path=path, topics=[asked])
            for version in (0, 1, 2):
                answer = client.ask(
                    ApiKey.ALTER_REPLICA_LOG_DIRS,
                    version,
                    arld.AlterReplicaLogDirsRequest(dirs=[directory]),
                )
                [result] = answer.results
                [found] = result.partitions
                assert (result.topic_name, found.partition_index) == (topic, partition)
                assert ErrorCode.of(found.error_code) is code, (topic, partition, path)


def test_a_new_replica_is_made_where_it_is_wanted(
    cluster: TestCluster, name: str, tmp_path: Path
) -> None:
    """The tool says so to the broker first, which hasn't the replica yet, and asks again."""
    for number, directory in enumerate((FIRST, SECOND)):
        topic = f"{name}-{number}"
        make_topics(cluster.bootstrap, NewTopic(topic, 1, replica_assignment=[[1]]))
        plan = tmp_path / f"{number}.json"
        move = {
            "topic": topic,
            "partition": 0,
            "replicas": [1, 2],
            "log_dirs": ["any", str(log_dir(cluster, 2, directory))],
        }
        plan.write_text(json.dumps({"version": 1, "partitions": [move]}))
        server = ("--bootstrap-server", cluster.bootstrap)
        kafka_tool(REASSIGN, *server, "--reassignment-json-file", str(plan), "--execute")
        wait_until(
            "the replica to be there",
            lambda: replicas_in(cluster, 2, directory, topic) == [f"{topic}-0"],  # noqa: B023
        )
