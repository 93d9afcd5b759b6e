"""kafka-reassign-partitions, as a user moves partitions: generate, execute, verify, cancel.

The tool's own throttles are left alone (--preserve-throttles). What is refused is asked for without
the tool, which would not ask for it.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages import alter_partition_reassignments as ar
from broker.wire.messages import create_partitions as cp
from broker.wire.messages import list_partition_reassignments as lr
from tests.support.cluster import Kind, TestCluster, running_cluster
from tests.support.kafka import kafka_tool
from tests.support.raw_client import RawClient
from tests.support.topics import make_topics
from tests.support.waiting import wait_until

pytestmark = pytest.mark.server

REASSIGN = "org.apache.kafka.tools.reassign.ReassignPartitionsCommand"
TIMEOUT_S = 30.0

PROPERTIES = {
    "offsets.topic.replication.factor": "3",
    # A removed replica's files go at once, so that a test sees it on the disk.
    "log.segment.delete.delay.ms": "0",
    # A leader that is back stays where it was elected, so that a test knows who leads.
    "auto.leader.rebalance.enable": "false",
}


@pytest.fixture(scope="module")
def cluster(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestCluster]:
    directory = tmp_path_factory.mktemp("reassigned")
    with running_cluster(kind, directory, properties=PROPERTIES) as cluster:
        yield cluster


def test_generate_execute_and_verify(cluster: TestCluster, name: str, tmp_path: Path) -> None:
    """Two partitions move to two other brokers; a consumer reads all that was written."""
    create(cluster, name, {0: [1, 2], 1: [2, 1]})
    produce(cluster, name, 500)
    topics = json_file(tmp_path / "topics.json", {"topics": [{"topic": name}], "version": 1})
    said = tool(
        cluster, "--generate", "--topics-to-move-json-file", topics, "--broker-list", "3,2"
    )  # fmt: skip
    now, proposed = (json.loads(line) for line in said.splitlines() if line.startswith("{"))
    assert replicas_in(now) == {0: [1, 2], 1: [2, 1]}
    assert {frozenset(each) for each in replicas_in(proposed).values()} == {frozenset({2, 3})}

    plan = json_file(tmp_path / "plan.json", plan_of(name, {0: [3, 2], 1: [3, 1]}))
    said = tool(cluster, "--execute", "--reassignment-json-file", plan)
    assert f"Successfully started partition reassignments for {name}-0,{name}-1" in said
    wait_until(
        "the reassignments to complete",
        lambda: verify(cluster, plan).count("is completed.") == 2,
    )
    assert tool(cluster, "--list").strip() == "No partition reassignments found."
    wait_until(
        "the controller's own broker to hear of it",
        lambda: replicas_of(cluster, name) == {0: [3, 2], 1: [3, 1]},
    )
    wait_until(
        "the removed replicas' files to go",
        lambda: directories(cluster, name) == {0: {2, 3}, 1: {1, 3}},
    )
    # A leader that stays among the replicas goes on leading, one that goes hands over.
    assert leaders_of(cluster, name) == {0: 3, 1: 3}
    produce(cluster, name, 500)
    assert consume(cluster, name, 1000) == 1000


def test_list_and_cancel(cluster: TestCluster, name: str, tmp_path: Path) -> None:
    """What cannot be completed, as its leader is dead, is listed, and cancelled without a trace.

    KAFKA-13972: the new replica's files go, though no new leader epoch began.
    """
    victim, other = sorted(cluster.brokers.keys() - {controller(cluster)})
    create(cluster, name, {0: [victim]})
    produce(cluster, name, 100)
    cluster.brokers[victim].kill()
    wait_until("its death to be noticed", lambda: leaders_of(cluster, name) == {0: -1})
    plan = json_file(tmp_path / "plan.json", plan_of(name, {0: [other]}))
    said = tool(cluster, "--execute", "--reassignment-json-file", plan)
    assert f"Successfully started partition reassignment for {name}-0" in said
    assert "is still in progress." in verify(cluster, plan)
    assert f"{name}-0: replicas: {other},{victim}. adding: {other}. removing: {victim}." in tool(
        cluster, "--list"
    )
    wait_until("the new replica", lambda: other in directories(cluster, name)[0])

    with RawClient(cluster.address(controller(cluster))) as client:
        asked = cp.CreatePartitionsTopic(name=name, count=2, assignments=None)
        request = cp.CreatePartitionsRequest(topics=[asked], timeout_ms=1000)
        [refused] = client.ask(ApiKey.CREATE_PARTITIONS, 3, request).results
        assert refused.error_code == ErrorCode.REASSIGNMENT_IN_PROGRESS

    cancelled = tool(cluster, "--cancel", "--reassignment-json-file", plan, "--preserve-throttles")
    assert f"Successfully cancelled partition reassignment for: {name}-0" in cancelled
    assert tool(cluster, "--list").strip() == "No partition reassignments found."
    wait_until("its files to go", lambda: directories(cluster, name) == {0: {victim}})
    wait_until("all to be as it was", lambda: replicas_of(cluster, name) == {0: [victim]})
    cluster.brokers[victim].start()
    cluster.wait_ready()
    wait_until("the leader to be back", lambda: leaders_of(cluster, name) == {0: victim})
    assert consume(cluster, name, 100) == 100


def test_what_is_refused(cluster: TestCluster, name: str) -> None:
    create(cluster, name, {0: [1], 1: [1], 2: [1], 3: [1]})
    controller_id = controller(cluster)
    asked: dict[int, list[int] | None] = {0: [], 1: [2, 2], 2: [-1], 3: None, 9: [1]}
    with RawClient(cluster.address(controller_id)) as client:
        assert errors(client, name, asked) == {
            0: (ErrorCode.INVALID_REPLICA_ASSIGNMENT, "Empty replica list specified in"),
            1: (ErrorCode.INVALID_REPLICA_ASSIGNMENT, "Duplicate replica ids in partition"),
            2: (ErrorCode.INVALID_REPLICA_ASSIGNMENT, "Invalid broker id in replica"),
            3: (ErrorCode.NO_REASSIGNMENT_IN_PROGRESS, ""),
            9: (ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "The partition does not exist."),
        }
        dead = errors(client, name, {0: [1, 77]})
        assert dead == {
            0: (ErrorCode.INVALID_REPLICA_ASSIGNMENT, "Replica assignment has brokers that")
        }
        listed = client.ask(
            ApiKey.LIST_PARTITION_REASSIGNMENTS,
            0,
            lr.ListPartitionReassignmentsRequest(
                topics=[lr.ListPartitionReassignmentsTopics(name=name, partition_indexes=[0, 9])]
            ),
        )
        assert (listed.error_code, listed.topics) == (0, [])
    another = next(iter(cluster.brokers.keys() - {controller_id}))
    with RawClient(cluster.address(another)) as client:
        for key, request in {
            ApiKey.ALTER_PARTITION_REASSIGNMENTS: ar.AlterPartitionReassignmentsRequest(),
            ApiKey.LIST_PARTITION_REASSIGNMENTS: lr.ListPartitionReassignmentsRequest(topics=None),
        }.items():
            assert client.ask(key, 0, request).error_code == ErrorCode.NOT_CONTROLLER


# -- asking -------------------------------------------------------------------------


def tool(cluster: TestCluster, *arguments: str) -> str:
    return kafka_tool(REASSIGN, "--bootstrap-server", cluster.bootstrap, *arguments).stdout


def verify(cluster: TestCluster, plan: str) -> str:
    return tool(cluster, "--verify", "--reassignment-json-file", plan, "--preserve-throttles")


def errors(
    client: RawClient, topic: str, targets: dict[int, list[int] | None]
) -> dict[int, tuple[ErrorCode, str]]:
    """Each partition's error and the first words of its message, where Kafka's are said."""
    partitions = [
        ar.ReassignablePartition(partition_index=index, replicas=replicas)
        for index, replicas in targets.items()
    ]
    request = ar.AlterPartitionReassignmentsRequest(
        topics=[ar.ReassignableTopic(name=topic, partitions=partitions)]
    )
    answer = client.ask(ApiKey.ALTER_PARTITION_REASSIGNMENTS, 0, request)
    assert answer.error_code == 0
    found = {}
    for each in answer.responses[0].partitions:
        code = ErrorCode.of(each.error_code)
        words = " ".join((each.error_message or "").split()[:5])
        found[each.partition_index] = (
            code,
            "" if code is ErrorCode.NO_REASSIGNMENT_IN_PROGRESS else words,
        )
    return found


def create(cluster: TestCluster, topic: str, assignment: dict[int, list[int]]) -> None:
    replicas = [assignment[number] for number in sorted(assignment)]
    new = NewTopic(topic, num_partitions=len(replicas), replica_assignment=replicas)
    make_topics(cluster.bootstrap, new)


def produce(cluster: TestCluster, topic: str, count: int) -> None:
    producer = Producer({"bootstrap.servers": cluster.bootstrap, "acks": "all"})
    for number in range(count):
        producer.produce(topic, b"%d" % number)
    assert producer.flush(TIMEOUT_S) == 0


def consume(cluster: TestCluster, topic: str, count: int) -> int:
    """How many records there are, of `count` expected."""
    consumer = Consumer(
        {"bootstrap.servers": cluster.bootstrap, "group.id": topic, "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([topic])
    try:
        return len(consumer.consume(count, TIMEOUT_S))
    finally:
        consumer.close()


# -- plans and what came of them ------------------------------------------------------


def json_file(path: Path, document: object) -> str:
    path.write_text(json.dumps(document))
    return str(path)


def plan_of(topic: str, assignment: dict[int, list[int]]) -> object:
    partitions = [
        {"topic": topic, "partition": number, "replicas": replicas}
        for number, replicas in assignment.items()
    ]
    return {"version": 1, "partitions": partitions}


def replicas_in(plan: dict[str, Any]) -> dict[int, list[int]]:
    return {each["partition"]: each["replicas"] for each in plan["partitions"]}


def described(cluster: TestCluster, topic: str) -> dict[int, Any]:
    return cluster.metadata(controller(cluster)).topics[topic].partitions


def replicas_of(cluster: TestCluster, topic: str) -> dict[int, list[int]]:
    return {n: each.replicas for n, each in described(cluster, topic).items()}


def leaders_of(cluster: TestCluster, topic: str) -> dict[int, int]:
    return {n: each.leader for n, each in described(cluster, topic).items()}


def controller(cluster: TestCluster) -> int:
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap})
    return admin.list_topics(timeout=TIMEOUT_S).controller_id


def directories(cluster: TestCluster, topic: str) -> dict[int, set[int]]:
    """For each partition the brokers that have files of it, waiting to be deleted or not."""
    found: dict[int, set[int]] = {}
    for broker_id in cluster.brokers:
        for path in cluster.log_dir(broker_id).glob(f"{topic}-*"):
            number = path.name.removeprefix(f"{topic}-").split(".")[0]
            found.setdefault(int(number), set()).add(broker_id)
    return found
