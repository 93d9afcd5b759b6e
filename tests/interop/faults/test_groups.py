"""A group loses its coordinator, by kill -9, and goes on where it had committed."""

import shutil
from functools import partial
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from tests.interop.faults.load import Load
from tests.interop.faults.members import (
    GroupHistory,
    Members,
    java_members,
    running_members,
    take_kafkajs,
)
from tests.interop.faults.verdict import settle
from tests.interop.faults.watch import ClusterWatch
from tests.support.cluster import TestCluster
from tests.support.tools import require_tool
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.server, pytest.mark.matrix]

OFFSETS_TOPIC = "__consumer_offsets"
TIMEOUT_S = 30.0


@pytest.fixture
def kafkajs_members(cluster: TestCluster, topic: str, kafkajs: Path) -> Members:
    node = require_tool("node", "apt-get install nodejs")
    shutil.copy(Path(__file__).with_name("member.js"), kafkajs)
    return partial(
        running_members,
        take=take_kafkajs,
        argv=[node, "member.js"],
        directory=kafkajs,
        environment={"BROKERS": cluster.bootstrap, "TOPIC": topic, "GROUP": topic},
    )


@pytest.fixture(name="java_members")
def members_of_java(cluster: TestCluster, topic: str) -> Members:
    return java_members(cluster.bootstrap, topic)


def coordinator(cluster: TestCluster, group: str) -> int:
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap, "log_level": 0})
    described = admin.describe_consumer_groups([group])[group].result(TIMEOUT_S)
    return int(described.coordinator.id)


@pytest.mark.parametrize("kind_of_members", ["kafkajs_members", "java_members"])
def test_group_survives_its_coordinator(
    cluster: TestCluster,
    watch: ClusterWatch,
    load: Load,
    request: pytest.FixtureRequest,
    kind_of_members: str,
) -> None:
    members: Members = request.getfixturevalue(kind_of_members)
    history = GroupHistory()
    with members(history):
        wait_until("both members", lambda: len(history.members_heard) == 2)
        wait_until("commits", lambda: len(history.committed) == 6)
        broker_id = coordinator(cluster, load.topic)
        gone = watch.vanishing(f"/brokers/ids/{broker_id}")
        cluster.brokers[broker_id].kill()
        gone.wait()
        load.wait_for_more()
        assert coordinator(cluster, load.topic) != broker_id
        history.wait_for(load.positions())

        cluster.brokers[broker_id].start()
        settle(cluster, watch, load)
        watch.wait_until_full_isr(OFFSETS_TOPIC)
        history.wait_for(load.positions())
    assert history.repeated == []
    assert history.committed.keys() == {each.partition for each in load.acknowledged}
