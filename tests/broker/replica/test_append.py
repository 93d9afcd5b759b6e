"""Producing: all partitions at once, and an acknowledgement only when it's true."""

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from broker.broker import Broker
from broker.log.values import Origin
from broker.replica.append import (
    ALL,
    SENT_AGAIN_PATIENCE_S,
    Appended,
    append,
    wait_until_acknowledged,
)
from broker.replica.preparation import Entries, prepare
from broker.wire.errors import ErrorCode
from broker.wire.format_conversion import message_set_of
from broker.wire.record_batch import build_batch
from broker.wire.records import Record
from tests.broker.log.logs import make_batch
from tests.broker.replica.support import batch
from tests.broker.support import lead, open_broker, tp

T0, T1 = tp("t-0"), tp("t-1")


def fetched(broker: Broker, follower: int, offset: int) -> None:
    partition = broker.replicas.partitions[T0]
    partition.follower_fetched(follower, offset, 0, trio.current_time(), -1)


def error_of(entry: Appended) -> ErrorCode | None:
    return None if entry.error is None else entry.error.code


async def test_one_partition_that_refuses_leaves_the_others(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0")
        await lead(broker, "t-1", (2,), (1, 2), leader=2)
        broken = batch("x")
        broken[-1] ^= 1
        entries = [(T0, batch("a")), (T1, batch("b")), (tp("u-0"), batch("c")), (T0, broken)]
        done = append(broker.replicas, entries, ALL)
        assert [error_of(entry) for entry in done] == [
            None,
            ErrorCode.NOT_LEADER_OR_FOLLOWER,
            ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
            ErrorCode.CORRUPT_MESSAGE,
        ]
        assert broker.replicas.partitions[T0].log.log_end_offset == 1


async def test_acknowledged_when_the_whole_isr_has_it(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0", (1, 2, 3))
        done = append(broker.replicas, [(T0, batch("a", "b"))], ALL)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait_until_acknowledged, done, 30.0)
            for follower, offset in ((2, 2), (3, 1)):
                fetched(broker, follower, offset)
                await wait_all_tasks_blocked()
                assert nursery.child_tasks
            fetched(broker, 3, 2)
            acknowledged_s = trio.current_time()
        assert error_of(done[0]) is None
        assert trio.current_time() == acknowledged_s


async def test_not_in_time(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0", (1, 2))
        done = append(broker.replicas, [(T0, batch("a"))], ALL)
        await wait_until_acknowledged(done, 5)
        assert error_of(done[0]) is ErrorCode.REQUEST_TIMED_OUT
        assert broker.replicas.partitions[T0].log.log_end_offset == 1


async def test_who_waits_learns_that_the_leadership_is_lost(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0", (1, 2))
        done = append(broker.replicas, [(T0, batch("a"))], ALL)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait_until_acknowledged, done, 30.0)
            await wait_all_tasks_blocked()
            await lead(broker, "t-0", (1, 2), leader=2, leader_epoch=1)
        assert error_of(done[0]) is ErrorCode.NOT_LEADER_OR_FOLLOWER


async def test_a_newer_epoch_of_our_own_is_no_loss(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """3 died, the controller took it out of the ISR: what 1 and 2 have is committed."""
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0", (1, 2, 3))
        done = append(broker.replicas, [(T0, batch("a"))], ALL)
        fetched(broker, 2, 1)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait_until_acknowledged, done, 30.0)
            await wait_all_tasks_blocked()
            await lead(broker, "t-0", (1, 2), (1, 2, 3), leader_epoch=1)
            fetched(broker, 2, 1)
        assert error_of(done[0]) is None


async def test_lost_and_won_back_it_may_be_gone(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0", (1, 2))
        done = append(broker.replicas, [(T0, batch("a"))], ALL)
        await lead(broker, "t-0", (1, 2), leader=2, leader_epoch=1)
        await lead(broker, "t-0", (1,), (1, 2), leader_epoch=2)
        await wait_until_acknowledged(done, 30)
        assert error_of(done[0]) is ErrorCode.NOT_LEADER_OR_FOLLOWER


async def test_too_small_an_isr(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with open_broker(tmp_path, min_insync_replicas="2") as broker:
        await lead(broker, "t-0", (1, 2), (1, 2, 3))
        done = append(broker.replicas, [(T0, batch("a"))], ALL)
        fetched(broker, 2, 1)
        await lead(broker, "t-0", (1,), (1, 2, 3), leader_epoch=1)
        [refused] = append(broker.replicas, [(T0, batch("b"))], ALL)
        assert error_of(refused) is ErrorCode.NOT_ENOUGH_REPLICAS
        await wait_until_acknowledged(done, 30)
        assert error_of(done[0]) is ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND


@pytest.mark.parametrize("is_good", [True, False])
async def test_too_small_an_isr_for_a_message_set(tmp_path: Path, is_good: bool) -> None:
    """Be it that it was made ready, and refused, or that it came before its partition."""
    async with open_broker(tmp_path, min_insync_replicas="2") as broker:
        await lead(broker, "t-0", (1,), (1, 2))
        records = bytearray(message_set_of(batch("a"), 1, 0, 1 << 20))
        records[-1] ^= 0 if is_good else 1
        ready: Entries = {T0: memoryview(records)}
        for _ in range(2):
            [refused] = append(broker.replicas, ready.items(), ALL)
            assert error_of(refused) is ErrorCode.NOT_ENOUGH_REPLICAS
            await prepare(broker.replicas, ready)


async def test_what_is_sent_again_does_not_wait_long_for_the_isr(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """It comes again anyway, and answers for other partitions stand in line behind it."""
    async with open_broker(tmp_path, min_insync_replicas="2") as broker:
        await lead(broker, "t-0", (1, 2), (1, 2, 3))
        records = build_batch(
            [Record(value=b"a")], producer_id=9, producer_epoch=0, base_sequence=0
        )
        append(broker.replicas, [(T0, memoryview(records))], ALL)
        await lead(broker, "t-0", (1,), (1, 2, 3), leader_epoch=1)
        again = append(broker.replicas, [(T0, memoryview(records))], ALL)
        began_s = trio.current_time()
        await wait_until_acknowledged(again, 30)
        assert error_of(again[0]) is ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND
        assert trio.current_time() - began_s == SENT_AGAIN_PATIENCE_S


async def test_a_deleted_partition_is_waited_for_by_nobody(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0", (1, 2))
        done = append(broker.replicas, [(T0, batch("a"))], ALL)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait_until_acknowledged, done, 30.0)
            await wait_all_tasks_blocked()
            broker.replicas.partitions[T0].stop()
        assert error_of(done[0]) is ErrorCode.NOT_LEADER_OR_FOLLOWER
        assert trio.current_time() < 1


async def test_a_coordinators_batch_is_never_one_sent_again(tmp_path: Path) -> None:
    """Its sequences are not counted: two of them may look alike."""
    async with open_broker(tmp_path, min_insync_replicas="2") as broker:
        await lead(broker, "t-0", (1, 2))
        for isr, leader_epoch, expected in (
            ((1, 2), 0, None),
            ((1,), 1, ErrorCode.NOT_ENOUGH_REPLICAS),
        ):
            await lead(broker, "t-0", isr, (1, 2), leader_epoch=leader_epoch)
            records = memoryview(make_batch(producer=(7, 0, 0)))
            [done] = append(broker.replicas, [(T0, records)], ALL, Origin.COORDINATOR)
            assert error_of(done) is expected
        assert broker.replicas.partitions[T0].log.log_end_offset == 1
