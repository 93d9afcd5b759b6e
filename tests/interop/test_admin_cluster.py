"""`zbroker-admin cluster` beside Kafka's own tools."""

import json
import subprocess
import sys

import pytest

from tests.interop.test_admin import admin, ended
from tests.interop.test_kafka_tools import CLUSTER, run_subcommand
from tests.support.cluster import Kind, TestCluster

pytestmark = pytest.mark.server


def test_who_belongs_to_it(cluster: TestCluster) -> None:
    assert admin(cluster, "cluster", "id") in run_subcommand(cluster, CLUSTER, "cluster-id")
    facts = json.loads(admin(cluster, "cluster", "describe", "-o", "json"))
    assert facts["controller"] in cluster.brokers
    assert {each["id"]: f"{each['host']}:{each['port']}" for each in facts["brokers"]} == {
        broker_id: broker.address for broker_id, broker in cluster.brokers.items()
    }
    assert admin(cluster, "cluster", "brokers", "-o", "name").split() == ["1", "2", "3"]


def test_a_broker_and_the_controller(cluster: TestCluster) -> None:
    """The brokers and ZooKeeper name the same controller."""
    elected = admin_of_zookeeper(cluster, "controller", "show", "-o", "name").strip()
    described = json.loads(admin(cluster, "broker", "describe", elected, "-o", "json"))
    assert described["controller"] is True
    assert described["replica_count"] >= described["leader_count"]
    assert [each["error"] for each in described["log_dirs"]] == [None]
    shown = admin_of_zookeeper(cluster, "controller", "show")
    assert shown.startswith(f"Controller: broker {elected} (127.0.0.1:")
    assert json.loads(admin(cluster, "cluster", "features", "-o", "json"))["brokers"]


def admin_of_zookeeper(cluster: TestCluster, *arguments: str) -> str:
    address = ("--zookeeper", cluster.zookeeper_connect)
    return subprocess.check_output(
        [sys.executable, "-m", "cli.admin", *arguments, *address], text=True, timeout=60
    )


def test_what_differs_from_kafka(cluster: TestCluster, kind: Kind) -> None:
    """Nothing on a Kafka; on zbroker what is for security, which it has not."""
    diff = ("cluster", "api-versions", "--broker", "1", "--diff", "kafka-3.9.1")
    result = ended(cluster, *diff, "-o", "json")
    apis = json.loads(result.stdout)["apis"]
    if kind == "kafka":
        assert (result.returncode, apis) == (0, [])
        return
    assert result.returncode == 4
    assert [each["name"] for each in apis if each["versions"] is not None] == []
    assert {each["name"] for each in apis} == {
        *("SaslHandshake", "SaslAuthenticate", "DescribeAcls", "CreateAcls", "DeleteAcls"),
        *("CreateDelegationToken", "RenewDelegationToken"),
        *("ExpireDelegationToken", "DescribeDelegationToken"),
    }
