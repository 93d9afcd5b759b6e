"""Row 41: a group's coordinator moves, and its clients stumble over what they are told meanwhile.

A coordinator that resigned and one that is still loading have both answered as if they knew the
group (KAFKA-4362, https://github.com/apache/kafka/pull/2116): offsets were lost, or consumed twice.
And an answer that is right can be too much for a client: kafkajs has no plan for
GROUP_LOAD_IN_PROGRESS, a consumer that hears it for too long "crashes" and starts anew
(https://github.com/tulios/kafkajs/pull/1779).

Provoked by a rolling restart of all brokers under kafkajs, with a group's partition that has a lot
in it. The codes are those that every client knows; what helps kafkajs is that it hears them for a
moment only: the loading opens no more records than hold, and is over before the client gives up.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import NewTopic
from trio.testing import MockClock

from broker.groups.offsets_log import OFFSETS_TOPIC
from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from tests.broker.groups import test_loading
from tests.interop.conftest import kafkajs
from tests.interop.coordinators import neighbour, partition_of
from tests.interop.faults.conftest import PROPERTIES
from tests.interop.faults.load import running_load
from tests.interop.faults.members import GroupHistory, running_members, take_kafkajs
from tests.interop.faults.verdict import settle
from tests.interop.faults.watch import ClusterWatch, watching
from tests.support.cluster import TestCluster, running_cluster
from tests.support.raw_client import RawClient
from tests.support.tools import require_tool
from tests.support.topics import make_topics
from tests.support.waiting import wait_until

__all__ = ["kafkajs"]

MEMBER = Path(__file__).parents[1] / "interop" / "faults" / "member.js"
TOPIC = GROUP = "rolling"
PARTITIONS = 6
# In the group's partition before the restart: 40,000 commits, of which one in 200 holds.
FILLING = "filling"
COMMITS, KEYS = 200, 200
TIMEOUT_S = 90.0


async def test_what_clients_are_told_by_one_that_loads(autojump_clock: MockClock) -> None:
    await test_loading.test_requests_while_loading(autojump_clock)


async def test_what_clients_are_told_by_one_that_resigned(autojump_clock: MockClock) -> None:
    await test_loading.test_resigning_answers_everyone_who_waits(autojump_clock)
    await test_loading.test_a_commit_on_its_way_when_resigning(autojump_clock)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[TestCluster]:
    with running_cluster("zbroker", tmp_path, properties=PROPERTIES) as cluster:
        yield cluster


@pytest.mark.server
@pytest.mark.matrix
def test_a_rolling_restart_under_kafkajs(cluster: TestCluster, kafkajs: Path) -> None:
    node = require_tool("node", "apt-get install nodejs")
    shutil.copy(MEMBER, kafkajs)
    make_topics(cluster.bootstrap, NewTopic(TOPIC, num_partitions=PARTITIONS, replication_factor=3))
    history = GroupHistory()
    members = running_members(
        history,
        take_kafkajs,
        [node, MEMBER.name],
        directory=kafkajs,
        environment={"BROKERS": cluster.bootstrap, "TOPIC": TOPIC, "GROUP": GROUP},
    )
    with (
        watching(cluster.zookeeper_connect) as watch,
        running_load(cluster.bootstrap, TOPIC) as load,
        members,
    ):
        wait_until("both members", lambda: len(history.members_heard) == 2, TIMEOUT_S)
        wait_until("commits", lambda: len(history.committed) == PARTITIONS, TIMEOUT_S)
        fill_the_partition(cluster, watch)
        for broker_id in cluster.brokers:
            watch.wait_until_full_isr(TOPIC, OFFSETS_TOPIC)
            cluster.brokers[broker_id].stop()
            load.wait_for_more()
            cluster.start(broker_id)
            cluster.wait_ready()
        settle(cluster, watch, load)
        history.wait_for(load.positions())
    assert history.repeated == []
    # It also gives up, and starts anew, when the broker that it would ask is down just then.
    assert [crash for crash in history.crashes if "coordinator" in crash] == []


def fill_the_partition(cluster: TestCluster, watch: ClusterWatch) -> None:
    """Commit again and again, in another group that is in the same partition as the members'."""
    make_topics(cluster.bootstrap, NewTopic(FILLING, num_partitions=KEYS, replication_factor=1))
    leader = watch.leaders(OFFSETS_TOPIC)[partition_of(watch, OFFSETS_TOPIC, GROUP)]
    with RawClient(cluster.address(leader)) as client:
        for number in range(COMMITS):
            committed = [
                OffsetCommitRequestPartition(partition_index=index, committed_offset=number)
                for index in range(KEYS)
            ]
            request = OffsetCommitRequest(
                group_id=neighbour(watch, GROUP, FILLING),
                topics=[OffsetCommitRequestTopic(name=FILLING, partitions=committed)],
            )
            answer = client.ask(ApiKey.OFFSET_COMMIT, 9, request)
            errors = {partition.error_code for partition in answer.topics[0].partitions}
            assert errors == {ErrorCode.NONE}
