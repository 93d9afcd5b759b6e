"""A record is searched by a thread, and what happens meanwhile is looked at."""

import random
import threading
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
import trio

from broker.log import timestamps
from broker.log.log_config import LogConfig
from broker.log.partition_log import PartitionLog
from broker.log.timestamps import Candidate
from broker.log.values import MAX_TIMESTAMP, TimestampOffset
from broker.replica.partition import Partition
from broker.replica.timestamp_search import find_record
from broker.wire.errors import ErrorCode, KafkaError
from tests.broker.log.logs import START_MS, Clock, make_batch
from tests.broker.replica.support import TOPIC_ID, leader_and_isr
from tests.support.unsynced_disk import UnsyncedDisk

LATEST = TimestampOffset(START_MS + 91, 19, 0)


@attrs.define
class World:
    partition: Partition
    monkeypatch: pytest.MonkeyPatch

    @property
    def log(self) -> PartitionLog:
        return self.partition.log

    def find_partition(self) -> Partition:
        self.partition.leading(0)
        return self.partition

    async def find(self, timestamp_ms: int) -> TimestampOffset | None:
        return await find_record(self.find_partition, timestamp_ms, trio.CapacityLimiter(1))

    def at_the_first_look(self, happen: Callable[[], object]) -> None:
        """Before the batch is read."""
        find, looks = Candidate.find, []

        def find_after(candidate: Candidate, start_offset: int) -> TimestampOffset | None:
            looks.append(candidate)
            if len(looks) == 1:
                trio.from_thread.run_sync(happen)
            return find(candidate, start_offset)

        self.monkeypatch.setattr(Candidate, "find", find_after)


def open_log(path: Path) -> PartitionLog:
    """Twenty records, two of each time, in several segments."""
    path.parent.mkdir()
    config = LogConfig(segment_bytes=400, index_interval_bytes=100)
    log = PartitionLog.open(
        path, config, disk=UnsyncedDisk(), clock_ms=Clock(), randomness=random.Random(1)
    )
    for number in range(10):
        log.append_as_leader(make_batch("a", "b", timestamp_ms=START_MS + 10 * number), 0)
    log.update_high_watermark(20)
    return log


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    log = open_log(tmp_path / "a" / "t-0")
    partition = Partition(log.topic_partition, 1, TOPIC_ID, log, 30.0, is_alive=lambda _: True)
    partition.become_leader(leader_and_isr(1, 0, (1, 2)), (1, 2), 0.0)
    return World(partition, monkeypatch)


async def test_a_thread_opens_the_batch(world: World) -> None:
    found_by: list[threading.Thread] = []
    world.at_the_first_look(lambda: None)
    find = Candidate.find

    def noted(candidate: Candidate, start_offset: int) -> TimestampOffset | None:
        found_by.append(threading.current_thread())
        return find(candidate, start_offset)

    world.monkeypatch.setattr(Candidate, "find", noted)
    assert await world.find(START_MS + 51) == TimestampOffset(START_MS + 51, 11, 0)
    assert await world.find(MAX_TIMESTAMP) == LATEST
    assert await world.find(START_MS + 92) is None
    assert len(found_by) == 2
    assert threading.current_thread() not in found_by


async def test_a_batch_that_ends_too_early_is_passed_over(world: World) -> None:
    """Its header says nothing of which record has the time."""
    world.log.increment_log_start_offset(10)
    late = make_batch("a", "b", timestamp_ms=START_MS + 500)
    world.log.append_as_leader(late, 0)
    world.log.append_as_leader(make_batch("c", timestamp_ms=START_MS + 500), 0)
    world.log.update_high_watermark(23)
    world.log.increment_log_start_offset(22)
    assert await world.find(START_MS + 501) is None
    assert await world.find(START_MS + 500) == TimestampOffset(START_MS + 500, 22, 0)


async def test_others_have_their_turn_while_many_batches_are_passed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The latest record of the segment, for whose sake it is looked at, lies before the start."""
    monkeypatch.setattr(timestamps, "MOST_LOOKED_AT", 3)
    log = world.log
    log.update_config(attrs.evolve(log.config, segment_bytes=10_000))
    log.local.roll(20)
    log.append_as_leader(make_batch("a", timestamp_ms=START_MS + 900), 0)
    for number in range(20):
        log.append_as_leader(make_batch("b", timestamp_ms=START_MS + 100 + number), 0)
    log.update_high_watermark(41)
    log.increment_log_start_offset(22)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(others)
        assert await world.find(START_MS + 800) is None
        assert turns >= 3
        assert await world.find(START_MS + 108) == TimestampOffset(START_MS + 108, 29, 0)
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("appended", [0, 5])
@pytest.mark.parametrize("timestamp_ms", [START_MS + 91, MAX_TIMESTAMP])
async def test_the_log_is_cut_back_meanwhile(
    world: World, timestamp_ms: int, appended: int
) -> None:
    """Where the batch was is the end of a file, or the middle of another batch."""

    def cut_back() -> None:
        world.log.truncate_to(11)
        for number in range(appended):
            world.log.append_as_leader(make_batch("x" * (7 * number), timestamp_ms=START_MS), 1)

    world.at_the_first_look(cut_back)
    expected = TimestampOffset(START_MS + 41, 9, 0) if timestamp_ms < 0 else None
    assert await world.find(timestamp_ms) == expected


async def test_the_log_is_exchanged_meanwhile(world: World, tmp_path: Path) -> None:
    def exchange() -> None:
        old, world.partition.log = world.log, open_log(tmp_path / "b" / "t-0")
        old.rename("t-0.00-delete")
        old.abandon()

    world.at_the_first_look(exchange)
    assert await world.find(START_MS + 91) == LATEST


async def test_another_broker_leads_meanwhile(world: World) -> None:
    world.at_the_first_look(
        lambda: world.partition.become_follower(leader_and_isr(2, 1, (1, 2)), (1, 2))
    )
    with pytest.raises(KafkaError) as caught:
        await world.find(START_MS)
    assert caught.value.code is ErrorCode.FENCED_LEADER_EPOCH


async def test_a_batch_that_makes_no_sense_is_said_to(world: World) -> None:
    UnsyncedDisk().write_at(world.log.local.segments.first.file(), bytes(20), 61)
    with pytest.raises(KafkaError) as caught:
        await world.find(START_MS)
    assert caught.value.code is ErrorCode.INVALID_RECORD
