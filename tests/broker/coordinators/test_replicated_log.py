"""A coordinator's topic on this broker's replicas: read back while the leadership goes on."""

from contextlib import aclosing
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from broker.broker import Broker
from broker.coordinators.replicated_log import ReplicatedLog
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.records import Record
from tests.broker.support import lead, open_broker, tp


def log_of(broker: Broker) -> ReplicatedLog:
    """It reads a batch at a time."""
    return ReplicatedLog("t", broker.partition_counts, 1_000, 1, broker.replicas)


async def test_what_was_appended_is_read_back(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0")
        log = log_of(broker)
        for key in (b"a", b"b"):
            await log.until_committed(log.append(0, [Record(key, b"value", 1)]))
        async with aclosing(log.read(0)) as batches:
            keys = [record.key async for batch in batches for record in batch.records()]
        assert keys == [b"a", b"b"]


async def test_a_newer_epoch_of_the_same_leader_does_not_end_the_reading(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """As when another replica's broker leaves, and so the ISR (seen on a real controller)."""
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0")
        log = log_of(broker)
        for key in (b"a", b"b"):
            log.append(0, [Record(key, b"value", 1)])
        keys = []
        async with aclosing(log.read(0)) as batches:
            async for batch in batches:
                keys += [record.key for record in batch.records()]
                await lead(broker, "t-0", leader_epoch=1, partition_epoch=1)
        assert keys == [b"a", b"b"]


@pytest.mark.parametrize("min_isr", [1, 2, 3])
async def test_what_all_who_may_be_elected_have_is_kept(
    tmp_path: Path, autojump_clock: MockClock, min_isr: int
) -> None:
    """However few they are: under min.insync.replicas, too, nobody else will lead."""
    async with open_broker(tmp_path, min_insync_replicas=str(min_isr)) as broker:
        await lead(broker, "t-0", isr=(1, 2, 3), replicas=(1, 2, 3))
        log, partition = log_of(broker), broker.replicas.find(tp("t-0"))
        log.append(0, [Record(b"a", b"value", 1)])
        kept = []

        async def wait() -> None:
            await log.until_kept(0, 1)
            kept.append(True)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            partition.follower_fetched(2, 1, 0, trio.current_time(), 1)
            await trio.sleep(60)
            assert not kept, "3 does not have it"
            # It leaves the ISR.
            await lead(
                broker,
                "t-0",
                isr=(1, 2),
                replicas=(1, 2, 3),
                leader_epoch=1,
                partition_epoch=1,
            )
        assert kept
        assert partition.high_watermark == (1 if min_isr < 3 else 0)


async def test_whoever_leads_no_more_does_not_wait_for_what_is_kept(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0", isr=(1, 2))
        log = log_of(broker)
        log.append(0, [Record(b"a", b"value", 1)])
        await log.until_kept(0, 0)
        with trio.fail_after(60):
            async with trio.open_nursery() as nursery:

                async def wait() -> None:
                    with pytest.raises(KafkaError) as refused:
                        await log.until_kept(0, 1)
                    assert refused.value.code is ErrorCode.NOT_LEADER_OR_FOLLOWER

                nursery.start_soon(wait)
                await trio.sleep(5)
                await lead(broker, "t-0", isr=(1, 2), leader=2, leader_epoch=1, partition_epoch=1)


async def test_who_leads_no_more_reads_no_more(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0", isr=(1, 2))
        log = log_of(broker)
        for key in (b"a", b"b"):
            log.append(0, [Record(key, b"value", 1)])
        async with aclosing(log.read(0)) as batches:
            await anext(batches)
            await lead(broker, "t-0", isr=(1, 2), leader=2, leader_epoch=1, partition_epoch=1)
            with pytest.raises(KafkaError) as refused:
                await anext(batches)
        assert refused.value.code is ErrorCode.NOT_LEADER_OR_FOLLOWER
