"""A future log follows the partition's log, whatever happens to that one meanwhile."""

import random
from pathlib import Path

import attrs
import pytest

from broker.log.log_config import LogConfig
from broker.log.partition_log import PartitionLog
from broker.replica.move import Move
from broker.replica.partition import Partition
from tests.broker.log.logs import Clock, fill, make_batch, read_batches
from tests.broker.replica.support import TOPIC_ID, leader_and_isr
from tests.support.unsynced_disk import UnsyncedDisk

CONFIG = LogConfig(segment_bytes=400, index_interval_bytes=100)
PIECE_BYTES = 200  # two or three records


def open_log(path: Path) -> PartitionLog:
    path.parent.mkdir()
    return PartitionLog.open(
        path, CONFIG, disk=UnsyncedDisk(), clock_ms=Clock(), randomness=random.Random(1)
    )


@attrs.define
class World:
    log: PartitionLog
    move: Move

    @property
    def future(self) -> PartitionLog:
        return self.move.future

    async def copy(self, pieces: int) -> None:
        for _ in range(pieces):
            await self.move.copy(self.move.next_slice(PIECE_BYTES))

    def check(self) -> None:
        """Catch up, and compare."""
        self.move.copy_rest(PIECE_BYTES)
        assert told(self.future) == told(self.log)
        assert self.future.epochs.entries() == self.log.epochs.entries()


def told(log: PartitionLog) -> tuple[object, ...]:
    offsets = log.log_start_offset, log.high_watermark, log.log_end_offset
    return (*offsets, [bytes(batch.view) for batch in read_batches(log)])


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Twenty records of epoch 0, ten committed."""
    log = open_log(tmp_path / "a" / "t-0")
    partition = Partition(log.topic_partition, 1, TOPIC_ID, log, 30.0, is_alive=lambda _: True)
    partition.become_leader(leader_and_isr(1, 0, (1, 2)), (1, 2), 0.0)
    partition.future = open_log(tmp_path / "b" / "t-0.00-future")
    fill(log, 20)
    log.update_high_watermark(10)
    return World(log, Move(partition, partition.future))


async def test_piece_by_piece(world: World) -> None:
    ends = []
    while True:
        found = world.move.next_slice(PIECE_BYTES)
        is_last = world.move.reaches_end(found)
        assert await world.move.copy(found) <= PIECE_BYTES
        ends.append(world.future.log_end_offset)
        if is_last:
            break
    assert len(ends) > 5
    assert ends == sorted(set(ends))
    assert ends[-1] == 20
    assert world.move.reaches_end(world.move.next_slice(PIECE_BYTES))
    world.check()


@pytest.mark.parametrize("cut", [0, 3, 5, 17, 20])
@pytest.mark.parametrize("pieces", [0, 2, 100])
async def test_the_log_is_cut_back_and_grows_again(world: World, cut: int, pieces: int) -> None:
    world.log.update_high_watermark(0)
    await world.copy(pieces)
    world.log.truncate_to(cut)
    fill(world.log, 4, leader_epoch=2)
    world.check()
    world.log.truncate_to(cut + 2)  # within the new epoch
    world.check()


async def test_the_log_is_cut_to_an_older_epoch(world: World) -> None:
    fill(world.log, 4, leader_epoch=1)
    await world.copy(100)
    world.log.truncate_to(15)
    world.check()


@pytest.mark.parametrize("start", [5, 20, 50])
@pytest.mark.parametrize("grows", [0, 3])
async def test_the_log_begins_anew(world: World, start: int, grows: int) -> None:
    await world.copy(100)
    world.log.truncate_fully_and_start_at(start)
    fill(world.log, grows, leader_epoch=4)
    world.log.update_high_watermark(start + grows)
    world.move.copy_rest(PIECE_BYTES)
    assert told(world.future) == told(world.log)


@pytest.mark.parametrize("pieces", [0, 1, 100])
@pytest.mark.parametrize("start", [4, 10])
async def test_its_beginning_goes(world: World, pieces: int, start: int) -> None:
    await world.copy(pieces)
    world.log.increment_log_start_offset(start)
    world.log.delete_old_segments()
    world.move.copy_rest(PIECE_BYTES)
    assert told(world.future) == told(world.log)


async def test_the_start_lies_within_a_batch(world: World) -> None:
    world.log.append_as_leader(make_batch("a", "b", "c"), 0)
    fill(world.log, 1)
    world.log.update_high_watermark(24)
    world.log.increment_log_start_offset(21)
    world.move.copy_rest(PIECE_BYTES)
    assert told(world.future) == told(world.log)
    assert world.future.log_start_offset == 21


async def test_what_was_cut_off_while_it_was_read_is_not_appended(world: World) -> None:
    """The bytes in its place may be another history's."""
    found = world.move.next_slice(PIECE_BYTES)

    class Cutting:
        def __iter__(self) -> object:
            world.log.truncate_to(1)
            fill(world.log, 5, leader_epoch=3)
            return iter(found.regions)

    torn = attrs.evolve(found, regions=Cutting())  # type: ignore[arg-type]
    assert await world.move.copy(torn) == 0
    assert world.future.log_end_offset == 0
    world.check()


async def test_what_compaction_left_out_at_the_end_is_skipped(world: World) -> None:
    world.log.skip_to(30)
    world.check()
    fill(world.log, 2)
    world.check()


async def test_it_rests_without_a_role_and_ends_with_its_future(world: World) -> None:
    partition = world.move.partition
    assert world.move.is_current
    partition.stop()
    assert not world.move.is_current
    partition.become_follower(leader_and_isr(2, 1, (1, 2)), (1, 2))
    assert world.move.is_current
    partition.future = None
    assert not world.move.is_current
