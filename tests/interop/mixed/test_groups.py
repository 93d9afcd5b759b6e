"""A group's coordinator is of one kind, then of the other: each loads what the other has written.

moved     by an election: the members go on in their generation, and whatever else is in the
          partition is told alike by both: offsets in both versions of their record, and what
          was deleted, an offset and a whole group
moved     while a transaction has offsets of the group: they are pending at the next one too, until
          the marker that he is sent says what becomes of them
killed    kill -9 of the coordinator under load: the members go on where they had committed
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import attrs
import pytest
from confluent_kafka import Consumer, TopicPartition

from broker.groups.offsets_log import OFFSETS_TOPIC
from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages.delete_groups import DeleteGroupsRequest
from broker.wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from broker.wire.messages.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteRequestPartition,
    OffsetDeleteRequestTopic,
)
from tests.interop.coordinators import coordinator, neighbour
from tests.interop.faults.load import Load
from tests.interop.faults.members import GroupHistory, java_members
from tests.interop.faults.verdict import settle
from tests.interop.faults.watch import ClusterWatch
from tests.interop.mixed.coordinators import known, move_coordinator, offsets_of
from tests.interop.mixed.ensembles import (
    ENSEMBLES,
    PROPERTIES,
    TIMEOUT_S,
    odd_one,
    one_of_the_pair,
)
from tests.interop.test_transactions import producer_of
from tests.support.cluster import TestCluster, running_cluster
from tests.support.polling import polled
from tests.support.raw_client import RawClient
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.server, pytest.mark.matrix]

PATIENCE_S = 2.0  # for the answer to one commit
A_YEAR_MS = 365 * 24 * 3600 * 1000


@pytest.fixture(scope="module", params=ENSEMBLES)
def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestCluster]:
    """Three brokers of two kinds, shared by these tests: each leaves them as it found them."""
    directory = tmp_path_factory.mktemp(request.param)
    with running_cluster(ENSEMBLES[request.param], directory, properties=PROPERTIES) as cluster:
        yield cluster


@attrs.define(eq=False)
class Member:
    """A consumer that is polled in the background; `rebalances` counts what it was told.

    All calls are the polling thread's: another one's wait until that leaves it alone, so for ever.
    """

    settings: dict[str, Any]
    consumer: Consumer = attrs.field(init=False)
    owned: list[int] = attrs.field(factory=list)
    rebalances: int = 0
    _to_commit: list[TopicPartition] = attrs.field(factory=list, init=False)
    _stored: threading.Event = attrs.field(factory=threading.Event, init=False)

    def __attrs_post_init__(self) -> None:
        self.consumer = Consumer(self.settings | {"on_commit": self.committed})

    def assigned(self, _: Consumer, partitions: Sequence[TopicPartition]) -> None:
        self.rebalances += 1
        self.owned = sorted(each.partition for each in partitions)

    def committed(self, error: object, partitions: Sequence[TopicPartition]) -> None:
        if error is None and all(each.error is None for each in partitions):
            self._stored.set()

    def commit(self, topic: str, offset: int) -> bool:
        """Commit for all its partitions; False if the coordinator could not take it now."""
        self._stored.clear()
        self._to_commit = [TopicPartition(topic, each, offset) for each in self.owned]
        return self._stored.wait(PATIENCE_S)

    def poll(self) -> None:
        offsets, self._to_commit = self._to_commit, []
        if offsets:
            self.consumer.commit(offsets=offsets, asynchronous=True)
        self.consumer.poll(0.05)


@pytest.fixture
def members(cluster: TestCluster, topic: str) -> Iterator[list[Member]]:
    """A group by the topic's name: one static member, one dynamic; each has its partitions."""
    with ExitStack() as stack:
        members = []
        for instance_id in ("static", None):
            settings = {"group.instance.id": instance_id} if instance_id else {}
            member = Member(
                {
                    "bootstrap.servers": cluster.bootstrap,
                    "group.id": topic,
                    "enable.auto.commit": False,
                    "heartbeat.interval.ms": 500,
                    "session.timeout.ms": 20_000,
                    **settings,
                }
            )
            members.append(member)
            member.consumer.subscribe([topic], on_assign=member.assigned)
            stack.callback(member.consumer.close)
            stack.enter_context(polled(member.poll))
        wait_until(
            "both to have half", lambda: [len(m.owned) for m in members] == [3, 3], TIMEOUT_S
        )
        yield members


def test_a_coordinator_is_moved(
    cluster: TestCluster, watch: ClusterWatch, topic: str, members: list[Member]
) -> None:
    one, other = odd_one(cluster), one_of_the_pair(cluster)
    stored, gone = neighbour(watch, topic, "stored"), neighbour(watch, topic, "gone")
    groups = (topic, stored, gone)
    rebalances = [member.rebalances for member in members]
    move_coordinator(cluster, watch, topic, one)
    for turn, (here, there) in enumerate([(one, other), (other, one)], start=1):
        store(cluster, here, stored, topic, offset=turn * 100)
        delete(cluster, here, stored, gone, topic)
        for member in members:
            wait_until("a commit", partial(member.commit, topic, turn), TIMEOUT_S)
        before = [known(cluster, here, group) for group in groups]
        assert [group.group_state for group, _ in before] == ["Stable", "Empty", "Dead"]
        assert [len(offsets) for _, offsets in before] == [6, 2, 0]
        move_coordinator(cluster, watch, topic, there)
        assert [known(cluster, there, group) for group in groups] == before
    for member in members:
        wait_until("a commit", partial(member.commit, topic, 3), TIMEOUT_S)
    assert [member.rebalances for member in members] == rebalances


def store(cluster: TestCluster, broker_id: int, group: str, topic: str, offset: int) -> None:
    """Three offsets: one for as long as the broker likes, one for a year, one to be deleted."""
    with RawClient(cluster.address(broker_id)) as client:
        for partition, version in ((0, 9), (1, 3), (2, 9)):
            committed = OffsetCommitRequestPartition(
                partition_index=partition,
                committed_offset=offset,
                committed_leader_epoch=5 if version >= 6 else -1,
                committed_metadata=f"note {offset}",
            )
            request = OffsetCommitRequest(
                group_id=group,
                retention_time_ms=A_YEAR_MS if version < 5 else -1,
                topics=[OffsetCommitRequestTopic(name=topic, partitions=[committed])],
            )
            answer = client.ask(ApiKey.OFFSET_COMMIT, version, request)
            assert answer.topics[0].partitions[0].error_code == ErrorCode.NONE


def delete(cluster: TestCluster, broker_id: int, stored: str, gone: str, topic: str) -> None:
    """One of the stored offsets, and a group that had as many."""
    store(cluster, broker_id, gone, topic, offset=1)
    forget = OffsetDeleteRequest(
        group_id=stored,
        topics=[
            OffsetDeleteRequestTopic(
                name=topic, partitions=[OffsetDeleteRequestPartition(partition_index=2)]
            )
        ],
    )
    with RawClient(cluster.address(broker_id)) as client:
        forgotten = client.ask(ApiKey.OFFSET_DELETE, 0, forget)
        assert forgotten.topics[0].partitions[0].error_code == ErrorCode.NONE
        deleted = client.ask(ApiKey.DELETE_GROUPS, 2, DeleteGroupsRequest(groups_names=[gone]))
        assert [result.error_code for result in deleted.results] == [ErrorCode.NONE]


def test_offsets_of_an_open_transaction_move(
    cluster: TestCluster, watch: ClusterWatch, topic: str
) -> None:
    one, other = odd_one(cluster), one_of_the_pair(cluster)
    group, committed = topic, 100
    consumer = Consumer({"bootstrap.servers": cluster.bootstrap, "group.id": group})
    consumer.commit(offsets=[TopicPartition(topic, 0, committed)], asynchronous=False)
    producer = producer_of(cluster, topic)
    producer.init_transactions(TIMEOUT_S)

    def offset(broker_id: int) -> int:
        [(_, found)] = offsets_of(cluster, broker_id, group)
        return int(found.committed_offset)

    def is_pending(broker_id: int) -> bool:
        [(_, found)] = offsets_of(cluster, broker_id, group, require_stable=True)
        return bool(found.error_code == ErrorCode.UNSTABLE_OFFSET_COMMIT)

    move_coordinator(cluster, watch, group, one)
    turns = [(one, other, True), (other, one, False), (one, other, False), (other, one, True)]
    for turn, (here, there, is_commit) in enumerate(turns, start=1):
        producer.begin_transaction()
        offsets = [TopicPartition(topic, 0, turn)]
        metadata = consumer.consumer_group_metadata()
        producer.send_offsets_to_transaction(offsets, metadata, TIMEOUT_S)
        assert (offset(here), is_pending(here)) == (committed, True)
        move_coordinator(cluster, watch, group, there)
        assert (offset(there), is_pending(there)) == (committed, True)
        if is_commit:
            producer.commit_transaction(TIMEOUT_S)
            committed = turn
        else:
            producer.abort_transaction(TIMEOUT_S)
        wait_until("the marker", lambda there=there: not is_pending(there), TIMEOUT_S)
        assert offset(there) == committed
    consumer.close()


def test_a_coordinator_is_killed(cluster: TestCluster, watch: ClusterWatch, load: Load) -> None:
    """The only one of its kind: the coordinator after it is of the other kind."""
    odd = odd_one(cluster)
    history = GroupHistory()
    with java_members(cluster.bootstrap, load.topic)(history):
        wait_until("both members", lambda: len(history.members_heard) == 2, 2 * TIMEOUT_S)
        move_coordinator(cluster, watch, load.topic, odd)
        history.committed.clear()
        wait_until("commits", lambda: len(history.committed) == 6, TIMEOUT_S)
        gone = watch.vanishing(f"/brokers/ids/{odd}")
        cluster.brokers[odd].kill()
        gone.wait()
        load.wait_for_more()
        heir = coordinator(watch, OFFSETS_TOPIC, load.topic)
        assert cluster.kinds[heir] != cluster.kinds[odd]
        history.wait_for(load.positions())
        cluster.start(odd)
        settle(cluster, watch, load)
        watch.wait_until_full_isr(OFFSETS_TOPIC)
        history.wait_for(load.positions())
    assert history.repeated == []
