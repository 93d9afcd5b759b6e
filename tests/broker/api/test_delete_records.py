"""DeleteRecords: the low watermark, what must not be deleted, and whom the answer waits for."""

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from broker.broker import Broker
from broker.replica.partition import Partition
from broker.wire.errors import ErrorCode
from broker.wire.messages.delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsPartitionResult,
    DeleteRecordsRequest,
    DeleteRecordsResponse,
    DeleteRecordsTopic,
)
from tests.broker.replica.support import batch
from tests.broker.support import call, know, lead, open_broker, tp


async def delete(
    broker: Broker, offset: int, partition: str = "t-0", timeout_ms: int = 1000
) -> DeleteRecordsPartitionResult:
    asked = DeleteRecordsPartition(partition_index=tp(partition).partition, offset=offset)
    topic = DeleteRecordsTopic(name=tp(partition).topic, partitions=[asked])
    answer = await call(broker, DeleteRecordsRequest(topics=[topic], timeout_ms=timeout_ms), 2)
    assert isinstance(answer, DeleteRecordsResponse)
    [result] = answer.topics[0].partitions
    return result


async def led(broker: Broker, isr: tuple[int, ...] = (1,)) -> Partition:
    """Five records, of which three are committed if there is a follower, else all."""
    await know(broker, partitions=[("t-0", 1, isr)])
    await lead(broker, "t-0", isr)
    partition = broker.replicas.partitions[tp("t-0")]
    for value in "abcde":
        partition.append_as_leader(batch(value), 1, trio.current_time())
    for follower in isr[1:]:
        partition.follower_fetched(follower, 3, 0, trio.current_time(), -1)
    return partition


async def test_alone_it_is_done_at_once(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        partition = await led(broker)
        assert (await delete(broker, 2)).low_watermark == 2
        assert partition.log.log_start_offset == 2
        assert (await delete(broker, 1)).low_watermark == 2, "it never goes back"
        assert (await delete(broker, -1)).low_watermark == 5, "the high watermark"


async def test_of_two_offsets_the_last_counts(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        partition = await led(broker)
        topics = [
            DeleteRecordsTopic(
                name=name, partitions=[DeleteRecordsPartition(partition_index=0, offset=offset)]
            )
            for name, offset in (("t", 3), ("u", 1), ("t", 2), ("u", 2))
        ]
        answer = await call(broker, DeleteRecordsRequest(topics=topics, timeout_ms=1000), 2)
        assert [(topic.name, len(topic.partitions)) for topic in answer.topics] == [
            ("t", 1),
            ("u", 1),
        ]
        assert partition.log.log_start_offset == 2


async def test_the_answer_waits_for_every_live_replica(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_broker(tmp_path) as broker:
        partition = await led(broker, (1, 2))
        results: list[DeleteRecordsPartitionResult] = []

        async def ask() -> None:
            results.append(await delete(broker, 3))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await wait_all_tasks_blocked()
            assert partition.log.log_start_offset == 3
            assert not results
            partition.follower_fetched(2, 3, 3, trio.current_time(), -1)
        assert (results[0].error_code, results[0].low_watermark) == (ErrorCode.NONE, 3)


async def test_a_dead_replica_is_not_waited_for(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await led(broker, (1, 2))
        await know(broker, brokers=(1,))
        assert (await delete(broker, 3)).low_watermark == 3


async def test_a_follower_that_does_not_come_in_time(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_broker(tmp_path) as broker:
        await led(broker, (1, 2))
        late = await delete(broker, 3)
        assert (late.error_code, late.low_watermark) == (ErrorCode.REQUEST_TIMED_OUT, 0)


@pytest.mark.parametrize("offset", [4, 9, -2])
async def test_what_is_not_committed_or_not_there(tmp_path: Path, offset: int) -> None:
    async with open_broker(tmp_path) as broker:
        partition = await led(broker, (1, 2))
        refused = await delete(broker, offset)
        assert (refused.error_code, refused.low_watermark) == (ErrorCode.OFFSET_OUT_OF_RANGE, -1)
        assert partition.log.log_start_offset == 0


async def test_who_does_not_lead(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await led(broker)
        assert (await delete(broker, 1, "u-0")).error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        await lead(broker, "t-0", (1, 2), leader=2, leader_epoch=1)
        assert (await delete(broker, 1)).error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER


async def test_losing_the_leadership_ends_the_wait(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_broker(tmp_path) as broker:
        await led(broker, (1, 2))
        results: list[DeleteRecordsPartitionResult] = []

        async def ask() -> None:
            results.append(await delete(broker, 3, timeout_ms=60_000))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await wait_all_tasks_blocked()
            await lead(broker, "t-0", (2,), (1, 2), leader=2, leader_epoch=1)
        assert results[0].error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER
        assert trio.current_time() < 60
