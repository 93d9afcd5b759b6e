"""Fetch, as a client or a follower sends it: topics by name and by id, news of followers."""

from pathlib import Path

import attrs
from trio.testing import MockClock

from broker.broker import Broker
from broker.wire.errors import ErrorCode
from broker.wire.messages.fetch import (
    FetchPartition,
    FetchRequest,
    FetchResponse,
    FetchTopic,
    PartitionData,
    ReplicaState,
)
from broker.wire.regions import FileRegion
from coordination.values import ZERO_UUID
from tests.broker.replica.support import batch
from tests.broker.support import call, know, lead, open_broker, topic_id, tp


def request(offset: int = 0, **more: object) -> FetchRequest:
    partition = FetchPartition(partition=0, fetch_offset=offset, partition_max_bytes=1 << 20)
    whole = FetchRequest(
        max_wait_ms=0,
        min_bytes=1,
        topics=[FetchTopic(topic="t", topic_id=topic_id("t"), partitions=[partition])],
    )
    return attrs.evolve(whole, **more)  # type: ignore[arg-type]


async def fetch(broker: Broker, asked: FetchRequest, version: int = 12) -> PartitionData:
    answer = await call(broker, asked, version)
    assert isinstance(answer, FetchResponse)
    [partition] = answer.responses[0].partitions
    return partition


async def test_by_name_and_by_id(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0")
        broker.replicas.partitions[tp("t-0")].append_as_leader(batch("a"), 1, 0.0)
        for version, named in ((12, {"topic_id": ZERO_UUID}), (13, {"topic": ""})):
            topic = attrs.evolve(request().topics[0], **named)  # type: ignore[arg-type]
            data = await fetch(broker, request(topics=[topic]), version)
            assert (data.error_code, data.high_watermark) == (ErrorCode.NONE, 1)
            assert isinstance(data.records, list)
            [region] = data.records
            assert isinstance(region, FileRegion)  # never read: it leaves by sendfile


async def test_an_id_that_nobody_knows_is_answered_without_waiting(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0")
        unknown = FetchTopic(topic_id=topic_id("x"), partitions=[FetchPartition(partition=0)])
        data = await fetch(broker, request(topics=[unknown], max_wait_ms=60_000), 13)
        assert data.error_code == ErrorCode.UNKNOWN_TOPIC_ID


async def test_a_session_that_is_not_there(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        answer = await call(broker, request(session_id=7, session_epoch=3), 12)
        assert answer.error_code == ErrorCode.FETCH_SESSION_ID_NOT_FOUND


async def test_who_does_not_lead_says_who_does(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await know(broker, partitions=[("t-0", 2, (1, 2))], leader_epoch=4)
        await lead(broker, "t-0", (1, 2), leader=2, leader_epoch=4)
        data = await fetch(broker, request())
        assert data.error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER
        assert data.current_leader is not None
        assert (data.current_leader.leader_id, data.current_leader.leader_epoch) == (2, 4)
        assert (await fetch(broker, request(), 11)).current_leader is None


async def test_a_followers_fetch_commits_and_lets_it_join_the_isr(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await know(broker)
        await lead(broker, "t-0", (1, 2), (1, 2, 3))
        partition = broker.replicas.partitions[tp("t-0")]
        partition.append_as_leader(batch("a"), 1, 0.0)
        for follower in (3, 2):
            state = ReplicaState(replica_id=follower, replica_epoch=follower)
            data = await fetch(broker, request(1, replica_state=state), 17)
            assert data.error_code == ErrorCode.NONE
        assert partition.leading().proposed_isr == (1, 2, 3)
        assert partition.high_watermark == 1
        assert (await fetch(broker, request(1))).high_watermark == 1


async def test_a_follower_older_than_version_15_names_itself_elsewhere(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0", (1, 2))
        partition = broker.replicas.partitions[tp("t-0")]
        partition.append_as_leader(batch("a"), 1, 0.0)
        await fetch(broker, request(1, replica_id=2), 14)
        assert partition.high_watermark == 1
