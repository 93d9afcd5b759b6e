"""Fetching: who may read how far, what a follower's fetch means, and waiting for records."""

from pathlib import Path

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from broker.broker import Broker
from broker.log.values import EpochEndOffset
from broker.replica.fetch import fetch, note_progress
from broker.replica.interest import Interest
from broker.replica.looking import FetchParameters
from broker.replica.partition import Partition
from broker.replica.partition_read import PartitionRead
from broker.wire.errors import ErrorCode
from tests.broker.replica.support import ask, asking, batch, look_at
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


async def led(
    broker: Broker, *values: str, isr: tuple[int, ...] = (1, 2), name: str = "t-0"
) -> Partition:
    await lead(broker, name, isr, (1, 2, 3))
    partition = broker.replicas.partitions[tp(name)]
    for value in values:
        partition.append_as_leader(batch(value), 1, trio.current_time())
    return partition


async def fetch_of(
    broker: Broker, parameters: FetchParameters, *named: Interest
) -> list[PartitionRead]:
    interests = asking(*named, replica_id=parameters.replica_id)
    return list((await fetch(broker.replicas, parameters, interests)).values())


def note(broker: Broker, parameters: FetchParameters, item: Interest) -> list[Partition]:
    return note_progress(
        broker.replicas, parameters, asking(item, replica_id=parameters.replica_id)
    )


def error_of(read: PartitionRead) -> ErrorCode | None:
    return None if read.error is None else read.error.code


async def test_a_consumer_reads_up_to_the_high_watermark_a_follower_to_the_end(
    tmp_path: Path,
) -> None:
    async with open_broker(tmp_path) as broker:
        partition = await led(broker, "a", "b", "c")
        one = len(batch("a"))
        [read] = look_at(broker.replicas, CONSUMER, ask(0))
        assert (read.size_bytes, read.high_watermark) == (0, 0)
        partition.follower_fetched(2, 2, 0, 0.0, 20)
        [read] = look_at(broker.replicas, CONSUMER, ask(0))
        assert (read.size_bytes, read.high_watermark) == (2 * one, 2)
        [read] = look_at(broker.replicas, FOLLOWER, ask(0))
        assert read.size_bytes == 3 * one


async def test_the_first_partition_with_records_gives_one_batch_whatever_the_limits(
    tmp_path: Path,
) -> None:
    """KIP-74."""
    async with open_broker(tmp_path) as broker:
        for name in ("t-0", "t-1", "t-2"):
            await led(broker, "a", "b", isr=(1,), name=name)
        small = attrs.evolve(CONSUMER, max_bytes=1)
        [nothing, first, second] = look_at(
            broker.replicas, small, ask(2, "t-0"), ask(0, "t-1"), ask(1, "t-2")
        )
        assert nothing.size_bytes == second.size_bytes == 0
        assert first.size_bytes == len(batch("a"))


@pytest.mark.parametrize(
    ("item", "error"),
    [
        (ask(4), ErrorCode.OFFSET_OUT_OF_RANGE),
        (ask(0, current_leader_epoch=1), ErrorCode.UNKNOWN_LEADER_EPOCH),
        (ask(0, "u-0"), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        (ask(0, "followed-0"), ErrorCode.NOT_LEADER_OR_FOLLOWER),
        (ask(0, topic_id=topic_id("other")), ErrorCode.INCONSISTENT_TOPIC_ID),
    ],
)
async def test_errors_are_answered_at_once(
    tmp_path: Path, autojump_clock: MockClock, item: Interest, error: ErrorCode
) -> None:
    async with open_broker(tmp_path) as broker:
        await led(broker, "a", "b", "c", isr=(1,))
        await lead(broker, "followed-0", (2,), (1, 2), leader=2)
        await led(broker, isr=(1,), name="t-1")
        before_s = trio.current_time()
        [_, read] = await fetch_of(broker, CONSUMER, ask(0, "t-1"), item)
        assert error_of(read) is error
        assert trio.current_time() == before_s


async def test_an_older_epoch_is_fenced(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await led(broker, "a")
        await lead(broker, "t-0", (1, 2), (1, 2, 3), leader_epoch=1)
        [read] = look_at(broker.replicas, FOLLOWER, ask(0, current_leader_epoch=0))
        assert error_of(read) is ErrorCode.FENCED_LEADER_EPOCH


async def test_who_is_no_replica_gets_nothing(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await led(broker, "a")
        stranger = attrs.evolve(FOLLOWER, replica_id=9)
        for epoch, error in (
            (0, ErrorCode.UNKNOWN_LEADER_EPOCH),
            (-1, ErrorCode.NOT_LEADER_OR_FOLLOWER),
        ):
            assert note(broker, stranger, ask(0, current_leader_epoch=epoch)) == []
            [read] = look_at(broker.replicas, stranger, ask(0, current_leader_epoch=epoch))
            assert error_of(read) is error


async def test_a_diverged_follower_hears_where_and_makes_no_progress(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        partition = await led(broker, "a")
        await lead(broker, "t-0", (1, 2), (1, 2, 3), leader_epoch=2)
        partition.append_as_leader(batch("b"), 1, 0.0)
        # It has a second record of epoch 0, or one of epoch 1: both unknown here.
        for epoch in (0, 1):
            item = ask(2, last_fetched_epoch=epoch)
            assert note(broker, FOLLOWER, item) == []
            [read] = await fetch_of(broker, FOLLOWER, item)
            assert read.diverging == EpochEndOffset(0, 1)
            assert read.size_bytes == 0
        assert partition.high_watermark == 0
        agreeing = ask(2, last_fetched_epoch=2)
        assert note(broker, FOLLOWER, agreeing) == [partition]
        assert partition.high_watermark == 2


async def test_a_late_fetch_of_a_followers_former_life_is_no_news(tmp_path: Path) -> None:
    """It died with records that its disk lost: only the new life knows what is there."""
    async with open_broker(tmp_path) as broker:
        partition = await led(broker, "a", "b")
        reborn = attrs.evolve(FOLLOWER, replica_epoch=21)
        note(broker, reborn, ask(0))
        note(broker, FOLLOWER, ask(2))
        assert partition.high_watermark == 0
        note(broker, reborn, ask(2))
        assert partition.high_watermark == 2


async def test_such_a_fetch_does_not_silence_the_session_of_the_new_life(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_broker(tmp_path) as broker:
        partition = await led(broker, "a")
        reborn = attrs.evolve(FOLLOWER, replica_epoch=21, max_wait_s=0)
        session = asking(ask(1), replica_id=2)

        async def go_on() -> None:
            note_progress(broker.replicas, reborn, session)
            reads = await fetch(broker.replicas, reborn, session)
            session.news(reads)
            session.watch(reads)

        await go_on()
        await go_on()
        assert not session.due.items
        assert note(broker, FOLLOWER, ask(1)) == []
        await trio.sleep(40)
        await go_on()
        partition.append_as_leader(batch("b"), 1, trio.current_time())
        assert partition.shrunk_isr(trio.current_time()) is None


async def test_a_follower_waits_for_an_append_a_consumer_for_the_high_watermark(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_broker(tmp_path) as broker:
        partition = await led(broker)
        answered: list[str] = []

        async def wait(name: str, parameters: FetchParameters) -> None:
            [read] = await fetch_of(broker, parameters, ask(0))
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


async def test_who_waits_for_more_than_is_there_is_woken_by_more(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_broker(tmp_path) as broker:
        partition = await led(broker, "a", isr=(1,))
        two_batches = attrs.evolve(CONSUMER, min_bytes=2 * len(batch("a")))
        out_of_sync = attrs.evolve(FOLLOWER, replica_id=3)
        before_s = trio.current_time()

        async def wait(parameters: FetchParameters, offset: int) -> None:
            [read] = await fetch_of(broker, parameters, ask(offset))
            assert read.size_bytes
            assert trio.current_time() == before_s

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait, two_batches, 0)
            nursery.start_soon(wait, out_of_sync, 1)
            await wait_all_tasks_blocked()
            partition.append_as_leader(batch("b"), 1, 0.0)


async def test_what_a_session_forgets_while_a_fetch_waits_is_watched_no_more(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_broker(tmp_path) as broker:
        partition = await led(broker, "a", isr=(1,))
        kept = await led(broker, isr=(1,), name="t-1")
        waits = attrs.evolve(CONSUMER, min_bytes=1 << 10)
        interests = asking(ask(1), ask(0, "t-1"))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fetch, broker.replicas, waits, interests)
            await wait_all_tasks_blocked()
            interests.forget([("t", 0)])
            kept.append_as_leader(batch("b"), 1, 0.0)  # the fetch looks, and waits again
        interests.close()
        partition.wake_all()
        assert not interests.due.items


async def test_a_wait_ends_with_its_time_or_with_the_leadership(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_broker(tmp_path) as broker:
        await led(broker)
        before_s = trio.current_time()
        [read] = await fetch_of(broker, CONSUMER, ask(0))
        assert (read.error, read.size_bytes) == (None, 0)
        assert trio.current_time() == before_s + 10
        reads: list[PartitionRead] = []

        async def wait() -> None:
            reads.extend(await fetch_of(broker, CONSUMER, ask(0)))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await wait_all_tasks_blocked()
            await lead(broker, "t-0", (1, 2), (1, 2, 3), leader=2, leader_epoch=1)
        assert error_of(reads[0]) is ErrorCode.NOT_LEADER_OR_FOLLOWER


async def test_a_consumer_that_knows_of_followers_reads_what_one_knows_to_be_committed(
    tmp_path: Path,
) -> None:
    """KIP-392: Fetch 11 and later, whatever the rack."""
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0", (1, 2), leader=2, leader_epoch=3)
        partition = broker.replicas.partitions[tp("t-0")]
        partition.log.append_as_follower(batch("a", "b", "c"))
        partition.follow_high_watermark(2)
        modern = attrs.evolve(CONSUMER, client_rack="")
        [read] = look_at(broker.replicas, modern, ask(0))
        assert (read.error, read.high_watermark) == (None, 2)
        for item, error in (
            (ask(3), None),  # beyond what it knows to be committed, not beyond what it has
            (ask(4), ErrorCode.OFFSET_OUT_OF_RANGE),
            (ask(0, current_leader_epoch=2), ErrorCode.FENCED_LEADER_EPOCH),
            (ask(0, current_leader_epoch=4), ErrorCode.UNKNOWN_LEADER_EPOCH),
        ):
            [read] = look_at(broker.replicas, modern, item)
            assert (error_of(read), read.size_bytes) == (error, 0)
        [read] = look_at(broker.replicas, CONSUMER, ask(0))
        assert error_of(read) is ErrorCode.NOT_LEADER_OR_FOLLOWER
        partition.stop()
        [read] = look_at(broker.replicas, modern, ask(0))
        assert error_of(read) is ErrorCode.NOT_LEADER_OR_FOLLOWER


async def test_a_consumer_at_a_follower_waits_for_its_high_watermark(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0", (1, 2), leader=2)
        partition = broker.replicas.partitions[tp("t-0")]
        partition.log.append_as_follower(batch("a"))
        reads: list[PartitionRead] = []

        async def wait() -> None:
            reads.extend(await fetch_of(broker, attrs.evolve(CONSUMER, client_rack="r"), ask(0)))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            await wait_all_tasks_blocked()
            before_s = trio.current_time()
            partition.follow_high_watermark(1)
        assert reads[0].size_bytes == len(batch("a"))
        assert trio.current_time() == before_s


async def test_what_is_fetched_below_the_log_start_is_out_of_range_not_diverging(
    tmp_path: Path,
) -> None:
    async with open_broker(tmp_path) as broker:
        partition = await led(broker, "a", "b", "c", isr=(1,))
        partition.log.increment_log_start_offset(2)
        await lead(broker, "t-0", (1,), (1, 2, 3), leader_epoch=2)
        partition.append_as_leader(batch("d"), 1, 0.0)
        [read] = look_at(broker.replicas, FOLLOWER, ask(1, last_fetched_epoch=1))
        assert error_of(read) is ErrorCode.OFFSET_OUT_OF_RANGE
        [read] = look_at(broker.replicas, FOLLOWER, ask(2, last_fetched_epoch=1))
        assert read.diverging == EpochEndOffset(0, 3)
