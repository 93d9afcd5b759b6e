"""`zbroker-admin partition reassign`, taking turns with Kafka's own tool."""

import json
from pathlib import Path

import pytest
from confluent_kafka import Producer

from tests.interop.test_admin import admin, ended
from tests.interop.test_kafka_tools import run
from tests.interop.test_reassignment import REASSIGN
from tests.support.cluster import TestCluster
from tests.support.topics import wait_until_known
from tests.support.waiting import wait_until

pytestmark = pytest.mark.server

VERIFY = ("partition", "reassign", "verify", "--reassignment-json-file")
EXECUTE = ("partition", "reassign", "execute", "--reassignment-json-file")


def replicas(cluster: TestCluster, name: str) -> list[list[int]]:
    topics = json.loads(admin(cluster, "topic", "describe", name, "-o", "json"))["topics"]
    return [each["replicas"] for each in topics[0]["partitions"]]


def test_there_and_back(cluster: TestCluster, name: str, tmp_path: Path) -> None:
    """Begun here, held back, and verified by both; rolled back there, with what we printed."""
    admin(cluster, "topic", "create", name, "--replica-assignment", "1:2,2:1")
    wait_until_known(cluster.bootstrap, name)
    producer = Producer({"bootstrap.servers": cluster.bootstrap})
    for number in range(100):
        producer.produce(name, b"x" * 100, partition=number % 2)
    producer.flush()
    partitions = [
        {"topic": name, "partition": number, "replicas": brokers}
        for number, brokers in enumerate(([3, 2], [3, 1]))
    ]
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps({"version": 1, "partitions": partitions}))
    begun = json.loads(admin(cluster, *EXECUTE, str(plan), "--throttle", "10000000", "-o", "json"))
    assert [each["error"] for each in begun["partitions"]] == [None, None]
    before = tmp_path / "before.json"
    before.write_text(json.dumps(begun["before"]))
    throttle = "follower.replication.throttled.replicas=0:3,1:3"
    wait_until(
        "the throttle",
        lambda: throttle in admin(cluster, "config", "describe", "--topic", name),
    )

    keep = "--preserve-throttles"
    wait_until("the moves", lambda: ended(cluster, *VERIFY, str(plan), keep).returncode == 0)
    theirs = run(cluster, REASSIGN, "--verify", "--reassignment-json-file", str(plan), keep)
    assert theirs.count("is completed.") == 2
    done = admin(cluster, *VERIFY, str(plan))
    assert f"Clearing topic-level throttles on topic {name}" in done
    wait_until(
        "no throttles",
        lambda: "throttled" not in admin(cluster, "config", "describe", "--topic", name),
    )
    assert replicas(cluster, name) == [[3, 2], [3, 1]]
    assert "rather than" in ended(cluster, *VERIFY, str(before), keep).stdout

    run(cluster, REASSIGN, "--execute", "--reassignment-json-file", str(before))
    wait_until("the way back", lambda: ended(cluster, *VERIFY, str(before)).returncode == 0)
    assert replicas(cluster, name) == [[1, 2], [2, 1]]


def test_a_proposal_is_a_plan_that_kafkas_tool_takes(
    cluster: TestCluster, name: str, tmp_path: Path
) -> None:
    admin(cluster, "topic", "create", name, "-p", "2", "-r", "2")
    wait_until_known(cluster.bootstrap, name)
    generate = ("partition", "reassign", "generate", name, "--broker-list", "1,3", "-o", "json")
    proposed = json.loads(admin(cluster, *generate))["proposed"]
    assert {frozenset(each["replicas"]) for each in proposed["partitions"]} == {frozenset({1, 3})}
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps(proposed))
    run(cluster, REASSIGN, "--execute", "--reassignment-json-file", str(plan))
    wait_until("the moves", lambda: ended(cluster, *VERIFY, str(plan)).returncode == 0)
    said = admin(cluster, "partition", "reassign", "cancel", "--reassignment-json-file", str(plan))
    assert said.startswith("None of the specified partition reassignments are active.")
    assert name not in admin(cluster, "partition", "reassign", "list")
