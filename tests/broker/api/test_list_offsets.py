"""ListOffsets: the special timestamps, and how far each asker sees."""

from pathlib import Path

import pytest

from broker.broker import Broker
from broker.wire.errors import ErrorCode
from broker.wire.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopic,
)
from broker.wire.record_batch import build_batch
from broker.wire.records import Record
from tests.broker.support import call, lead, open_broker, tp

LATEST, EARLIEST, MAX_TIMESTAMP, EARLIEST_LOCAL, TIERED = -1, -2, -3, -4, -5


async def look_up(
    broker: Broker, timestamp: int, version: int = 9, replica_id: int = -1, **more: int
) -> ListOffsetsPartitionResponse:
    asked = ListOffsetsPartition(partition_index=0, timestamp=timestamp, **more)
    request = ListOffsetsRequest(
        replica_id=replica_id, topics=[ListOffsetsTopic(name="t", partitions=[asked])]
    )
    answer = await call(broker, request, version)
    assert isinstance(answer, ListOffsetsResponse)
    [found] = answer.topics[0].partitions
    return found


async def led(broker: Broker) -> None:
    """Records at 100, 300 and 200 ms; the first two are committed, the log starts at 0."""
    await lead(broker, "t-0", (1, 2), leader_epoch=3)
    partition = broker.replicas.partitions[tp("t-0")]
    for timestamp_ms in (100, 300, 200):
        records = [Record(value=b"x", timestamp_ms=timestamp_ms)]
        partition.append_as_leader(memoryview(build_batch(records)), 1, 0.0)
    partition.follower_fetched(2, 2, 0, 0.0, -1)


@pytest.mark.parametrize(
    ("timestamp", "offset", "answered_timestamp"),
    [
        (LATEST, 2, -1),
        (EARLIEST, 0, -1),
        (EARLIEST_LOCAL, 0, -1),
        (MAX_TIMESTAMP, 1, 300),
        (TIERED, -1, -1),
        (0, 0, 100),
        (101, 1, 300),
        (301, -1, -1),
    ],
)
async def test_a_consumer(
    tmp_path: Path, timestamp: int, offset: int, answered_timestamp: int
) -> None:
    async with open_broker(tmp_path) as broker:
        await led(broker)
        found = await look_up(broker, timestamp)
        assert found.error_code == ErrorCode.NONE
        assert (found.offset, found.timestamp) == (offset, answered_timestamp)


async def test_a_follower_sees_to_the_end(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await led(broker)
        assert (await look_up(broker, LATEST, replica_id=2)).offset == 3


async def test_the_epoch_of_who_asks_is_checked(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await led(broker)
        fenced = await look_up(broker, LATEST, current_leader_epoch=2)
        assert fenced.error_code == ErrorCode.FENCED_LEADER_EPOCH
        unknown = await look_up(broker, LATEST, current_leader_epoch=4)
        assert unknown.error_code == ErrorCode.UNKNOWN_LEADER_EPOCH
        assert (await look_up(broker, LATEST, current_leader_epoch=3)).leader_epoch == 3


async def test_version_0_answers_where_segments_begin(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await led(broker)
        latest = await look_up(broker, LATEST, version=0)
        assert latest.old_style_offsets == [2], "the high watermark, not the log end"
        both = await look_up(broker, LATEST, version=0, max_num_offsets=9)
        assert both.old_style_offsets == [2, 0]
        follower = await look_up(broker, LATEST, version=0, replica_id=2, max_num_offsets=9)
        assert follower.old_style_offsets == [3, 0]
        assert (await look_up(broker, EARLIEST, version=0)).old_style_offsets == [0]
        assert (await look_up(broker, 1, version=0)).old_style_offsets == []
        refused = await look_up(broker, MAX_TIMESTAMP, version=0)
        assert refused.error_code == ErrorCode.UNSUPPORTED_VERSION
        less_than_none = await look_up(broker, LATEST, version=0, max_num_offsets=-1)
        assert less_than_none.error_code == ErrorCode.UNKNOWN_SERVER_ERROR


async def test_an_isolation_level_that_there_is_none_of(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await led(broker)
        asked = ListOffsetsPartition(partition_index=0, timestamp=LATEST)
        topics = [ListOffsetsTopic(name="t", partitions=[asked])]
        for replica_id, error in ((-1, ErrorCode.UNKNOWN_SERVER_ERROR), (2, ErrorCode.NONE)):
            request = ListOffsetsRequest(replica_id=replica_id, isolation_level=7, topics=topics)
            answer = await call(broker, request, 9)
            assert answer.topics[0].partitions[0].error_code == error


async def test_the_latest_record_is_not_told_before_it_is_committed(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await led(broker)
        partition = broker.replicas.partitions[tp("t-0")]
        records = [Record(value=b"x", timestamp_ms=400)]
        partition.append_as_leader(memoryview(build_batch(records)), 1, 0.0)
        assert (await look_up(broker, MAX_TIMESTAMP)).offset == -1
        assert (await look_up(broker, MAX_TIMESTAMP, replica_id=2)).offset == 3
        partition.follower_fetched(2, 4, 0, 0.0, -1)
        found = await look_up(broker, MAX_TIMESTAMP)
        assert (found.offset, found.timestamp) == (3, 400)


async def test_only_the_leader_answers(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        assert (await look_up(broker, LATEST)).error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        await lead(broker, "t-0", (1, 2), leader=2)
        assert (await look_up(broker, LATEST)).error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER


async def test_a_new_leader_does_not_answer_an_older_high_watermark(tmp_path: Path) -> None:
    """KIP-207: consumers of the former leader may have read further."""
    async with open_broker(tmp_path) as broker:
        await led(broker)
        await lead(broker, "t-0", (1, 2), leader=2, leader_epoch=4)
        await lead(broker, "t-0", (1, 2), leader_epoch=5)
        for timestamp in (LATEST, 301):
            found = await look_up(broker, timestamp)
            assert found.error_code == ErrorCode.OFFSET_NOT_AVAILABLE
            older = await look_up(broker, timestamp, version=4)
            assert older.error_code == ErrorCode.LEADER_NOT_AVAILABLE
        assert (await look_up(broker, EARLIEST)).offset == 0
        assert (await look_up(broker, LATEST, replica_id=2)).offset == 3
        broker.replicas.partitions[tp("t-0")].follower_fetched(2, 3, 0, 1.0, -1)
        assert (await look_up(broker, LATEST)).offset == 3


async def test_any_replica_tells_a_tool_where_its_log_ends(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await led(broker)
        await lead(broker, "t-0", (2, 1), leader=2, leader_epoch=4)
        found = await look_up(broker, LATEST, replica_id=-2)
        assert (found.error_code, found.offset, found.leader_epoch) == (ErrorCode.NONE, 3, 4)
        fenced = await look_up(broker, LATEST, replica_id=-2, current_leader_epoch=3)
        assert fenced.error_code == ErrorCode.FENCED_LEADER_EPOCH
        assert (await look_up(broker, LATEST)).error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER
