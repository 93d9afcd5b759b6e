"""`zbroker-admin controller`, `broker sessions` and `group legacy`, which ask ZooKeeper."""

import json
import subprocess
import sys
from typing import Any

import pytest
from kazoo.client import KazooClient

from tests.cli.commands.canned import check_schema
from tests.support.cluster import Kind, TestCluster

pytestmark = pytest.mark.server


def at_zookeeper(
    cluster: TestCluster, *arguments: str, exit_code: int = 0
) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(
        [sys.executable, "-m", "cli.admin", *arguments, "--zookeeper", cluster.zookeeper_connect],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == exit_code, result.stdout + result.stderr
    if "json" in arguments:
        check_schema(arguments[:2], json.loads(result.stdout))
    return result


def facts(cluster: TestCluster, *arguments: str) -> Any:
    return json.loads(at_zookeeper(cluster, *arguments, "-o", "json").stdout)


def test_another_election(cluster: TestCluster, kind: Kind) -> None:
    before = facts(cluster, "controller", "show")
    refused = at_zookeeper(cluster, "controller", "move", exit_code=2)
    assert refused.stdout == ""
    assert refused.stderr == "Error: not on a terminal, where you would be asked: give --yes\n"
    assert facts(cluster, "controller", "show") == before

    moved = facts(cluster, "controller", "move", "--yes")
    assert moved["before"] == {name: before[name] for name in moved["before"]}
    assert moved["after"]["epoch"] > before["epoch"]
    assert moved["after"]["broker"] in cluster.brokers
    now = facts(cluster, "controller", "show")
    assert now == {"v": 1, **moved["after"]}
    if kind == "kafka":
        return  # which writes no trace

    traces = [str(cluster.log_dir(broker_id)) for broker_id in cluster.brokers]
    told = subprocess.run(
        [sys.executable, "-m", "cli.admin", "controller", "history", *traces, "-o", "json"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    terms = {each["epoch"]: each for each in json.loads(told.stdout)["terms"]}
    assert terms[before["epoch"]]["broker_id"] == before["broker"]
    assert terms[before["epoch"]]["ended"] == "deposed"
    assert terms[now["epoch"]]["broker_id"] == now["broker"]
    assert terms[now["epoch"]]["ended"] is None


def test_each_broker_lives_by_a_session(cluster: TestCluster) -> None:
    sessions = facts(cluster, "broker", "sessions")["sessions"]
    assert [each["broker"] for each in sessions] == sorted(cluster.brokers)
    owners = {
        each["broker"]: each["session"] for each in facts(cluster, "zk", "sessions")["sessions"]
    }
    assert all(owners[each["broker"]] == each["session"] for each in sessions)
    assert all(each["address"] == cluster.address(each["broker"]) for each in sessions)
    controller = facts(cluster, "controller", "show")["broker"]
    assert [each["broker"] for each in sessions if each["controller"]] == [controller]


def test_a_group_of_old_consumers(cluster: TestCluster, name: str) -> None:
    nobody = at_zookeeper(cluster, "group", "legacy", name, exit_code=1)
    assert nobody.stderr == f"Error: no group '{name}' in /consumers\n"
    client = KazooClient(cluster.zookeeper_connect)
    client.start()
    try:
        client.create(f"/consumers/{name}/offsets/orders/0", b"42", makepath=True)
        found = facts(cluster, "group", "legacy", name)
        client.delete(f"/consumers/{name}", recursive=True)
    finally:
        client.stop()
        client.close()
    assert found["partitions"] == [{"topic": "orders", "partition": 0, "offset": 42, "owner": None}]
