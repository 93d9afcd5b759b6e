"""Fetch, as a client or a follower sends it: topics by name and by id, news of followers."""

from pathlib import Path

import attrs
import pytest
import trio
from trio.testing import MockClock

from broker.broker import Broker
from broker.log.log_config import ThrottledReplicas
from broker.wire.errors import ErrorCode
from broker.wire.message_set import messages
from broker.wire.messages.fetch import (
    FetchPartition,
    FetchRequest,
    FetchResponse,
    FetchTopic,
    ForgottenTopic,
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


async def test_aborted_transactions_are_none_or_null(tmp_path: Path) -> None:
    """Where no log was asked there are none of them; where one was and refuses, they're null."""
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0")
        unknown = FetchTopic(topic="x", partitions=[FetchPartition(partition=0)])
        data = await fetch(broker, request(topics=[unknown]), 12)
        assert (data.error_code, data.aborted_transactions) == (
            ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
            [],
        )
        data = await fetch(broker, request(offset=9), 12)
        assert (data.error_code, data.aborted_transactions) == (ErrorCode.OFFSET_OUT_OF_RANGE, None)


async def test_the_order_is_kept_but_unknown_ones_come_last(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        for name in ("t-0", "t-1", "u-0"):
            await lead(broker, name)
        topics = [
            FetchTopic(topic=name, partitions=[FetchPartition(partition=at) for at in partitions])
            for name, partitions in (("t", [0]), ("x", [0]), ("u", [9, 0]), ("t", [1, 0]))
        ]
        answer = await call(broker, request(topics=topics), 12)
        assert [
            (topic.topic, [each.partition_index for each in topic.partitions])
            for topic in answer.responses
        ] == [("t", [0]), ("u", [0]), ("t", [1]), ("x", [0]), ("u", [9])]
        await know(broker, partitions=[("t-0", 1, (1,))])
        by_id = [
            FetchTopic(topic_id=topic_id(name), partitions=[FetchPartition(partition=at)])
            for name, at in (("t", 9), ("x", 0), ("t", 0))
        ]
        answer = await call(broker, request(topics=by_id), 13)
        assert [(topic.topic_id, topic.partitions[0].error_code) for topic in answer.responses] == [
            (topic_id("t"), ErrorCode.NONE),
            (topic_id("x"), ErrorCode.UNKNOWN_TOPIC_ID),
            (topic_id("t"), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        ]


async def test_no_id_at_all_is_one_that_nobody_knows(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0")
        nothing = FetchTopic(topic_id=ZERO_UUID, partitions=[FetchPartition(partition=0)])
        data = await fetch(broker, request(topics=[nothing]), 14)
        assert data.error_code == ErrorCode.UNKNOWN_TOPIC_ID


async def test_an_isolation_level_that_there_is_none_of(tmp_path: Path) -> None:
    failed = ErrorCode.UNKNOWN_SERVER_ERROR
    async with open_broker(tmp_path) as broker:
        await know(broker, partitions=[("t-0", 1, (1,))])
        await lead(broker, "t-0")
        asked = request(isolation_level=7, session_id=0, session_epoch=0)
        old = await call(broker, asked, 12)
        assert (old.error_code, old.session_id) == (failed, 0)
        [data] = old.responses[0].partitions
        assert (data.error_code, data.high_watermark, data.records) == (failed, -1, None)
        new = await call(broker, asked, 13)
        assert (new.error_code, new.responses) == (failed, [])


@pytest.mark.parametrize(("whole", "part"), [(100, -1), (-1, 100)])
async def test_sizes_below_nothing(tmp_path: Path, whole: int, part: int) -> None:
    """They are refused where there are records to read."""
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0")
        broker.replicas.partitions[tp("t-0")].append_as_leader(batch("a"), 1, 0.0)
        for offset, error in ((0, ErrorCode.UNKNOWN_SERVER_ERROR), (1, ErrorCode.NONE)):
            asked = request(offset, max_bytes=whole)
            asked.topics[0].partitions[0].partition_max_bytes = part
            assert (await fetch(broker, asked)).error_code == error


async def test_nobody_waits_longer_than_a_connection_may_be_idle(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_broker(tmp_path, connections_max_idle_ms="9000") as broker:
        await lead(broker, "t-0")
        data = await fetch(broker, request(max_wait_ms=2**31 - 1), 12)
        assert (data.error_code, data.high_watermark) == (ErrorCode.NONE, 0)
        assert 9 <= trio.current_time() < 10


async def test_a_session_that_is_not_there(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        answer = await call(broker, request(session_id=7, session_epoch=3), 12)
        assert answer.error_code == ErrorCode.FETCH_SESSION_ID_NOT_FOUND
        assert (answer.session_id, answer.responses) == (0, [])


@pytest.mark.parametrize("version", [7, 12, 13, 17])
async def test_a_session_from_its_beginning_to_its_end(tmp_path: Path, version: int) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0")
        await lead(broker, "t-1")
        by_id = version >= 13
        topic = FetchTopic(
            topic="" if by_id else "t",
            topic_id=topic_id("t") if by_id else ZERO_UUID,
            partitions=[FetchPartition(partition=n, partition_max_bytes=1000) for n in (0, 1)],
        )
        whole = request(session_epoch=0, topics=[topic])
        opened = await call(broker, whole, version)
        assert opened.session_id > 0
        assert [data.partition_index for data in opened.responses[0].partitions] == [0, 1]

        goes_on = attrs.evolve(whole, session_id=opened.session_id, session_epoch=1, topics=[])
        assert (await call(broker, goes_on, version)).responses == []
        broker.replicas.partitions[tp("t-1")].append_as_leader(batch("a"), 1, 0.0)
        news = await call(broker, attrs.evolve(goes_on, session_epoch=2), version)
        assert news.session_id == opened.session_id
        [data] = news.responses[0].partitions
        assert (data.partition_index, data.high_watermark) == (1, 1)
        assert (news.responses[0].topic, news.responses[0].topic_id) == (
            topic.topic or "t",
            topic.topic_id,
        )

        repeated = await call(broker, attrs.evolve(goes_on, session_epoch=2), version)
        assert repeated.error_code == ErrorCode.INVALID_FETCH_SESSION_EPOCH
        other = 12 if by_id else 13
        mixed = await call(broker, attrs.evolve(goes_on, session_epoch=3), other)
        assert mixed.error_code == ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR

        forgotten = ForgottenTopic(topic=topic.topic, topic_id=topic.topic_id, partitions=[0, 1])
        last = attrs.evolve(goes_on, session_epoch=3, forgotten_topics_data=[forgotten])
        ended = await call(broker, last, version)
        assert (ended.error_code, ended.session_id, ended.responses) == (0, 0, [])


async def test_a_session_hears_of_a_topic_that_comes_goes_and_comes_back(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        asked = FetchTopic(topic_id=topic_id("t"), partitions=[FetchPartition(partition=0)])
        opened = await call(broker, request(session_epoch=0, topics=[asked]), 17)
        epoch = 0

        async def error() -> ErrorCode | None:
            nonlocal epoch
            epoch += 1
            goes_on = request(session_id=opened.session_id, session_epoch=epoch, topics=[])
            answer = await call(broker, goes_on, 17)
            found = [p.error_code for topic in answer.responses for p in topic.partitions]
            return ErrorCode(found[0]) if found else None

        for _ in range(2):  # as long as it's so
            assert await error() is ErrorCode.UNKNOWN_TOPIC_ID
        await lead(broker, "t-0")
        assert await error() is ErrorCode.NONE
        assert await error() is None
        broker.replicas.partitions[tp("t-0")].stop()
        assert await error() is ErrorCode.NOT_LEADER_OR_FOLLOWER
        broker.replicas.remove(tp("t-0"))
        assert await error() is ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        await broker.logs.delete([tp("t-0")])
        await lead(broker, "t-0", id_of_topic=topic_id("another"))
        assert await error() is ErrorCode.INCONSISTENT_TOPIC_ID


async def test_who_does_not_lead_says_who_does_and_where(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await know(broker, partitions=[("t-0", 2, (1, 2))], leader_epoch=4)
        await lead(broker, "t-0", (1, 2), leader=2, leader_epoch=4)
        follower = request(replica_state=ReplicaState(replica_id=3), replica_id=3)
        answer = await call(broker, follower, 16)
        [data] = answer.responses[0].partitions
        assert data.error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER
        assert data.current_leader is not None
        assert (data.current_leader.leader_id, data.current_leader.leader_epoch) == (2, 4)
        [node] = answer.node_endpoints
        assert (node.node_id, node.host, node.port) == (2, "broker-2", 9092)
        assert (await fetch(broker, follower, 15)).current_leader is None


async def test_the_replica_knows_the_leader_before_the_metadata_do(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await know(broker, partitions=[("t-0", 1, (1, 2))], leader_epoch=3)
        await lead(broker, "t-0", (1, 2), leader=2, leader_epoch=4)
        follower = request(replica_state=ReplicaState(replica_id=3), replica_id=3)
        data = await fetch(broker, follower, 16)
        assert data.current_leader is not None
        assert (data.current_leader.leader_id, data.current_leader.leader_epoch) == (2, 4)


async def test_an_old_consumer_is_not_served_by_a_follower(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0", (1, 2), leader=2)
        assert (await fetch(broker, request(), 10)).error_code == (ErrorCode.NOT_LEADER_OR_FOLLOWER)
        assert (await fetch(broker, request(), 11)).error_code == ErrorCode.NONE


async def test_a_consumer_is_sent_to_the_replica_in_its_rack_at_once(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    selector = "org.apache.kafka.common.replica.RackAwareReplicaSelector"
    async with open_broker(tmp_path, replica_selector_class=selector, broker_rack="a") as broker:
        await know(broker, racks={2: "b"})
        await lead(broker, "t-0", (1, 2))
        partition = broker.replicas.partitions[tp("t-0")]
        partition.append_as_leader(batch("a"), 1, 0.0)
        partition.follower_fetched(2, 1, 0, 0.0, -1)
        for version, rack, preferred in ((11, "b", 2), (17, "b", 2), (17, "a", -1), (17, "", -1)):
            data = await fetch(broker, request(rack_id=rack, max_wait_ms=5_000), version)
            assert data.preferred_read_replica == preferred
            assert bool(data.records) is (preferred == -1)
            assert data.high_watermark == 1


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


async def test_a_throttled_follower_gets_nothing_above_the_rate_unless_it_is_in_sync(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """KIP-73, on the leader: follower 2 is in sync, 3 is not."""
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0", (1, 2), (1, 2, 3))
        partition = broker.replicas.partitions[tp("t-0")]
        partition.append_as_leader(batch("a" * 1000), 1, 0.0)

        async def has_got(follower: int, max_wait_ms: int = 0) -> bool:
            asked = request(replica_id=follower, max_wait_ms=max_wait_ms)
            return bool((await fetch(broker, asked, 14)).records)

        broker.configs.current = attrs.evolve(broker.config, leader_replication_throttled_rate=500)
        for _ in range(5):  # not throttled: the rate is another's
            assert await has_got(3)
        throttled = ThrottledReplicas(frozenset({(0, 1)}))
        config = attrs.evolve(partition.log.config, leader_replication_throttled_replicas=throttled)
        partition.log.update_config(config)
        assert await has_got(3)
        assert not await has_got(3)
        assert await has_got(2)
        before_s = trio.current_time()
        assert not await has_got(3, max_wait_ms=500)
        assert trio.current_time() == before_s + 0.5  # it waits for what it may have
        await trio.sleep(5)  # 2 kB in 5 s
        assert await has_got(3)


async def test_who_could_not_read_the_records_is_told(tmp_path: Path) -> None:
    async with open_broker(tmp_path, compression_type="zstd") as broker:
        await lead(broker, "t-0")
        broker.replicas.partitions[tp("t-0")].append_as_leader(batch("a"), 1, 0.0)
        for version, code in (
            (3, ErrorCode.UNSUPPORTED_COMPRESSION_TYPE),
            (4, ErrorCode.UNSUPPORTED_COMPRESSION_TYPE),
            (9, ErrorCode.UNSUPPORTED_COMPRESSION_TYPE),
            (10, ErrorCode.NONE),
        ):
            assert (await fetch(broker, request(), version)).error_code == code


@pytest.mark.parametrize(("version", "magic"), [(0, 0), (1, 0), (2, 1), (3, 1)])
async def test_old_clients_get_the_records_in_their_format(
    tmp_path: Path, version: int, magic: int
) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0")
        partition = broker.replicas.partitions[tp("t-0")]
        partition.append_as_leader(batch("a", "b"), 1, 0.0)
        partition.append_as_leader(batch("c"), 1, 0.0)
        answer = await fetch(broker, request(), version)
        found = list(messages(memoryview(bytes(answer.records))))  # type: ignore[arg-type]
        assert [(message.magic, message.offset, message.value) for message in found] == [
            (magic, 0, b"a"),
            (magic, 1, b"b"),
            (magic, 2, b"c"),
        ]
        assert (answer.error_code, answer.high_watermark) == (ErrorCode.NONE, 3)
        refusing = attrs.evolve(partition.log.config, message_downconversion_enable=False)
        partition.log.update_config(refusing)
        assert (await fetch(broker, request(), version)).error_code == ErrorCode.UNSUPPORTED_VERSION
        assert (await fetch(broker, request(), 4)).error_code == ErrorCode.NONE
