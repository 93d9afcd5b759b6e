"""kafka-reassign-partitions --throttle: holds a move back, lets it go on, and leaves no limit."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import NewTopic

from tests.support.cluster import Kind, TestCluster, running_cluster
from tests.support.kafka import kafka_tool
from tests.support.topics import make_topics
from tests.support.waiting import wait_until

pytestmark = pytest.mark.server

REASSIGN = "org.apache.kafka.tools.reassign.ReassignPartitionsCommand"
CONFIGS = "kafka.admin.ConfigCommand"
TIMEOUT_S = 60.0

RECORD_BYTES = 50_000
RECORDS = 60
ALL_BYTES = RECORDS * RECORD_BYTES
SLOW_BYTES_S = 10_000  # five minutes for all
QUICK_BYTES_S = 100_000_000

PROPERTIES = {
    "auto.leader.rebalance.enable": "false",
    "replica.fetch.response.max.bytes": "100000",
}


@pytest.fixture(scope="module")
def cluster(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestCluster]:
    directory = tmp_path_factory.mktemp("throttled")
    with running_cluster(kind, directory, brokers=2, properties=PROPERTIES) as cluster:
        yield cluster


def test_a_move_is_held_back_as_long_as_it_is_to_be(
    cluster: TestCluster, name: str, tmp_path: Path
) -> None:
    make_topics(cluster.bootstrap, NewTopic(name, num_partitions=1, replica_assignment=[[1]]))
    # A batch is never cut, and the rate is forgotten after eleven seconds: small ones.
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "batch.num.messages": 1})
    for _ in range(RECORDS):
        producer.produce(name, b"x" * RECORD_BYTES)
    assert producer.flush(TIMEOUT_S) == 0
    plan = tmp_path / "plan.json"
    moves = [{"topic": name, "partition": 0, "replicas": [2, 1]}]
    plan.write_text(json.dumps({"version": 1, "partitions": moves}))

    def tool(*arguments: str) -> str:
        options = ("--bootstrap-server", cluster.bootstrap, "--reassignment-json-file", str(plan))
        return kafka_tool(REASSIGN, *options, *arguments).stdout

    tool("--execute", "--throttle", str(SLOW_BYTES_S))
    described = configs(cluster, "--topic", name)
    assert "leader.replication.throttled.replicas=0:1" in described
    assert "follower.replication.throttled.replicas=0:2" in described
    rate = f"leader.replication.throttled.rate={SLOW_BYTES_S}"
    wait_until("broker 1 to apply it", lambda: rate in configs(cluster, "--broker", "1"))
    copied = cluster.log_dir(2) / f"{name}-0" / f"{0:020}.log"
    wait_until(
        "the copy to begin", lambda: copied.exists() and copied.stat().st_size > 0, TIMEOUT_S
    )
    assert copied.stat().st_size < ALL_BYTES / 2

    tool("--execute", "--additional", "--throttle", str(QUICK_BYTES_S))
    wait_until("the copy to end", lambda: copied.stat().st_size > ALL_BYTES, TIMEOUT_S)
    wait_until("the move to end", lambda: "is completed" in tool("--verify"), TIMEOUT_S)
    assert "throttled" not in configs(cluster, "--topic", name)
    wait_until("broker 1's to go", lambda: "throttled" not in configs(cluster, "--broker", "1"))


def configs(cluster: TestCluster, *entity: str) -> str:
    """What kafka-configs tells of an entity's own configs."""
    server = ("--bootstrap-server", cluster.bootstrap)
    return kafka_tool(CONFIGS, *server, "--describe", *entity).stdout
