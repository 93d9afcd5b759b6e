"""Fetching: who may read how far, what a follower's fetch means, and waiting for records."""

from pathlib import Path

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from broker.broker import Broker
from broker.log.values import EpochEndOffset
from broker.replica.fetch import (
    FetchParameters,
    PartitionFetch,
    PartitionRead,
    fetch,
    note_progress,
    read_all,
)
from broker.replica.partition import Partition
from broker.wire.errors import ErrorCode
from tests.broker.replica.support import batch
from tests.broker.support import lead, open_broker, topic_id, tp

CONSUMER = FetchParameters(
    replica_id=-1,
    replica_epoch=-1,
    max_wait_s=10,
    min_bytes=1,
    max_bytes=1 << 20,
    read_committed=False,
)
FOLLOWER = attrs.evolve(CONSUMER, replica_id=2, replica_epoch=20)


def ask(offset: int, name: str = "t-0", **more: int) -> PartitionFetch:
    return PartitionFetch(tp(name), fetch_offset=offset, max_bytes=1 << 20, **more)  # type: ignore[arg-type]


async def led(broker: Broker, *values: str, isr: tuple[int, ...] = (1, 2)) -> Partition:
    await lead(broker, "t-0", isr, (1, 2, 3))
    partition = broker.replicas.partitions[tp("t-0")]
    for value in values:
        partition.append_as_leader(batch(value), 1, trio.current_time())
    return partition


def error_of(read: PartitionRead) -> ErrorCode | None:
    return None if read.error is None else read.error.code


async def test_a_consumer_reads_up_to_the_high_watermark_a_follower_to_the_end(
    tmp_path: Path,
) -> None:
    async with open_broker(tmp_path) as broker:
        partition = await led(broker, "a", "b", "c")
        one = len(batch("a"))
        [read] = read_all(broker.replicas, CONSUMER, [ask(0)])
        assert (read.size_bytes, read.high_watermark) == (0, 0)
        partition.follower_fetched(2, 2, 0, 0.0, 20)
        [read] = read_all(broker.replicas, CONSUMER, [ask(0)])
        assert (read.size_bytes, read.high_watermark) == (2 * one, 2)
        [read] = read_all(broker.replicas, FOLLOWER, [ask(0)])
        assert read.size_bytes == 3 * one


async def test_the_first_partition_with_records_gives_one_batch_whatever_the_limits(
    tmp_path: Path,
) -> None:
    """KIP-74."""
    async with open_broker(tmp_path) as broker:
        await led(broker, "a", "b", isr=(1,))
        small = attrs.evolve(CONSUMER, max_bytes=1)
        [nothing, first, second] = read_all(broker.replicas, small, [ask(2), ask(0), ask(1)])
        assert nothing.size_bytes == second.size_bytes == 0
        assert first.size_bytes == len(batch("a"))


@pytest.mark.parametrize(
    ("item", "error"),
    [
        (ask(4), ErrorCode.OFFSET_OUT_OF_RANGE),
        (ask(0, current_leader_epoch=1), ErrorCode.UNKNOWN_LEADER_EPOCH),
        (ask(0, "u-0"), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        (ask(0, "followed-0"), ErrorCode.NOT_LEADER_OR_FOLLOWER),
        (attrs.evolve(ask(0), topic_id=topic_id("other")), ErrorCode.INCONSISTENT_TOPIC_ID),
    ],
)
async def test_errors_are_answered_at_once(
    tmp_path: Path, autojump_clock: MockClock, item: PartitionFetch, error: ErrorCode
) -> None:
    async with open_broker(tmp_path) as broker:
        await led(broker, "a", "b", "c", isr=(1,))
        await lead(broker, "followed-0", (2,), (1, 2), leader=2)
        before_s = trio.current_time()
        [read, _] = await fetch(broker.replicas, CONSUMER, [item, ask(3)])
        assert error_of(read) is error
        assert trio.current_time() == before_s


async def test_an_older_epoch_is_fenced(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await led(broker, "a")
        await lead(broker, "t-0", (1, 2), (1, 2, 3), leader_epoch=1)
        [read] = read_all(broker.replicas, FOLLOWER, [ask(0, current_leader_epoch=0)])
        assert error_of(read) is ErrorCode.FENCED_LEADER_EPOCH


async def test_who_is_no_replica_gets_nothing(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await led(broker, "a")
        stranger = attrs.evolve(FOLLOWER, replica_id=9)
        assert note_progress(broker.replicas, stranger, [ask(0)]) == []
        [read] = read_all(broker.replicas, stranger, [ask(0)])
        assert error_of(read) is ErrorCode.UNKNOWN_LEADER_EPOCH


async def test_a_diverged_follower_hears_where_and_makes_no_progress(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        partition = await led(broker, "a")
        await lead(broker, "t-0", (1, 2), (1, 2, 3), leader_epoch=2)
        partition.append_as_leader(batch("b"), 1, 0.0)
        # It has a second record of epoch 0, or one of epoch 1: both unknown here.
        for epoch in (0, 1):
            item = ask(2, last_fetched_epoch=epoch)
            assert note_progress(broker.replicas, FOLLOWER, [item]) == []
            [read] = await fetch(broker.replicas, FOLLOWER, [item])
            assert read.diverging == EpochEndOffset(0, 1)
            assert read.size_bytes == 0
        assert partition.high_watermark == 0
        agreeing = ask(2, last_fetched_epoch=2)
        assert note_progress(broker.replicas, FOLLOWER, [agreeing]) == [partition]
        assert partition.high_watermark == 2


async def test_a_late_fetch_of_a_followers_former_life_is_no_news(tmp_path: Path) -> None:
    """It died with records that its disk lost: only the new life knows what is there."""
    async with open_broker(tmp_path) as broker:
        partition = await led(broker, "a", "b")
        reborn = attrs.evolve(FOLLOWER, replica_epoch=21)
        note_progress(broker.replicas, reborn, [ask(0)])
        note_progress(broker.replicas, FOLLOWER, [ask(2)])
        assert partition.high_watermark == 0
        note_progress(broker.replicas, reborn, [ask(2)])
        assert partition.high_watermark == 2


async def test_a_follower_waits_for_an_append_a_consumer_for_the_high_watermark(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_broker(tmp_path) as broker:
        partition = await led(broker)
        answered: list[str] = []

        async def wait(name: str, parameters: FetchParameters) -> None:
            [read] = await fetch(broker.replicas, parameters, [ask(0)])
            assert read.size_bytes
            answered.append(name)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait, "follower", FOLLOWER)
            nursery.start_soon(wait, "consumer", CONSUMER)
            await wait_all_tasks_blocked()
            partition.append_as_leader(batch("a"), 1, 0.0)
            await wait_all_tasks_blocked()
            assert answered == ["follower"]
            partition.follower_fetched(2, 1, 0, 0.0, 20)
        assert answered == ["follower", "consumer"]


async def test_a_wait_ends_with_its_time_or_with_the_leadership(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_broker(tmp_path) as broker:
        await led(broker)
        before_s = trio.current_time()
        [read] = await fetch(broker.replicas, CONSUMER, [ask(0)])
        assert (read.error, read.size_bytes) == (None, 0)
        assert trio.current_time() == before_s + 10
        reads: list[PartitionRead] = []

        async def wait() -> None:
            reads.extend(await fetch(broker.replicas, CONSUMER, [ask(0)]))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await wait_all_tasks_blocked()
            await lead(broker, "t-0", (1, 2), (1, 2, 3), leader=2, leader_epoch=1)
        assert error_of(reads[0]) is ErrorCode.NOT_LEADER_OR_FOLLOWER
