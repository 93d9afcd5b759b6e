"""A log's promises about its epochs, its topic and its files; the rest is beside it."""

import errno
import uuid
from pathlib import Path

import pytest

from broker.log.disk import Data, RealDisk
from broker.log.flushing import Flush
from broker.log.log_config import LogConfig
from broker.log.values import EpochEndOffset
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.regions import OpenFile
from tests.broker.log.logs import (
    LogWorld,
    fill,
    values,
)


def test_where_epochs_end(world: LogWorld) -> None:
    log = world.open()
    for epoch in (2, 3, 5):
        fill(log, 10, leader_epoch=epoch)
    assert log.end_offset_for_epoch(5) == EpochEndOffset(5, 30)
    assert log.end_offset_for_epoch(4) == EpochEndOffset(3, 20)
    assert log.end_offset_for_epoch(2) == EpochEndOffset(2, 10)
    assert log.end_offset_for_epoch(1) == EpochEndOffset(1, 0)
    assert log.end_offset_for_epoch(6) is None
    assert log.end_offset_for_epoch(-1) is None


def test_a_topic_id_is_kept_and_not_changed(world: LogWorld) -> None:
    log = world.open()
    topic_id = uuid.UUID(int=77)
    log.assign_topic_id(topic_id)
    log.close()
    again = world.open(was_clean=True)
    assert again.topic_id == topic_id
    with pytest.raises(KafkaError) as caught:
        again.assign_topic_id(uuid.UUID(int=78))
    assert caught.value.code is ErrorCode.INCONSISTENT_TOPIC_ID


def test_a_flush_moves_the_recovery_point(small_segments: LogWorld) -> None:
    log = small_segments.open()
    assert log.local.due_flush() is None
    fill(log, 7)
    due = log.local.due_flush()
    assert due is not None
    due.run()
    log.local.finish_flush(due)
    assert log.recovery_point == 5  # where the active segment begins
    log.flush()
    assert log.recovery_point == 7


def test_a_flush_overtaken_by_a_truncation_counts_for_nothing(world: LogWorld) -> None:
    log = world.open()
    fill(log, 7)
    flush = log.local.flushing.begin(log.local.segments, log.log_end_offset)
    log.truncate_to(3)
    fill(log, 7)
    flush.run()
    log.local.finish_flush(flush)
    assert log.recovery_point == 0


def test_a_truncation_is_synced_soon(world: LogWorld) -> None:
    """In a thread: or the next segment would be begun by a sync of this one in the event loop, a
    gigabyte perhaps."""
    log = world.open()
    fill(log, 7)
    assert not log.local.awaits_upkeep
    log.truncate_to(3)
    fill(log, 2)
    flush = log.local.due_flush()
    assert log.local.awaits_upkeep
    assert flush is not None
    log.truncate_to(4)
    flush.run()
    log.local.finish_flush(flush)
    flush = log.local.due_flush()
    assert flush is not None, "that one was for nothing"
    flush.run()
    log.local.finish_flush(flush)
    assert not log.local.flushing.must_precede_roll
    assert not log.local.awaits_upkeep


def test_flush_messages_and_flush_ms(world: LogWorld) -> None:
    world.config = LogConfig(flush_messages=3, flush_ms=1000)
    log = world.open()
    fill(log, 2)
    assert log.recovery_point == 0
    fill(log, 1)
    assert log.recovery_point == 3
    fill(log, 1)
    assert log.local.due_flush() is None
    world.clock.now_ms += 1000
    assert log.local.due_flush() is not None


@pytest.mark.long
def test_a_flush_opens_a_bounded_number_of_files(tmp_path: Path) -> None:
    """After a start without a recovery point all segments wait for one: a log of many would have
    taken all descriptors, and its directory offline."""
    world = LogWorld(tmp_path / "topic-0", LogConfig(segment_bytes=100))
    log = world.open()
    fill(log, 150)
    log.close()
    log = world.open(recovery_point=None)
    recovery_points = []
    while (flush := log.local.due_flush()) is not None:
        assert len(flush.files) <= 4 * 64 + 1
        flush.run()
        log.local.finish_flush(flush)
        recovery_points.append(log.recovery_point)
    assert recovery_points == [64, 127, 149]
    assert log.local.segments.active.base_offset == 149


@pytest.mark.long
def test_so_does_one_of_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when it's closed, or was copied to another directory."""
    world = LogWorld(tmp_path / "topic-0", LogConfig(segment_bytes=100))
    log = world.open()
    fill(log, 150)
    run, synced = Flush.run, []

    def counted(flush: Flush) -> None:
        run(flush)
        synced.append((len(flush.files) <= 4 * 64 + 1, flush.end_offset, flush.includes_active))

    monkeypatch.setattr(Flush, "run", counted)
    log.flush()
    assert synced == [(True, 64, False), (True, 127, False), (True, 150, True)]
    assert log.recovery_point == 150


class FullDisk(RealDisk):
    """Has room until it is told otherwise."""

    is_full = False

    def write_at(self, file: OpenFile, data: Data, position: int) -> None:
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        super().write_at(file, data, position)


def test_a_full_disk_ends_the_log_and_recovery_finds_what_was_acknowledged(
    world: LogWorld,
) -> None:
    disk = world.disk = FullDisk()
    log = world.open()
    fill(log, 3)
    disk.is_full = True
    with pytest.raises(KafkaError, match="No space left") as caught:
        fill(log, 1)
    assert caught.value.code is ErrorCode.KAFKA_STORAGE_ERROR
    assert log.is_failed
    disk.is_full = False
    with pytest.raises(KafkaError):  # nothing more is risked
        fill(log, 1)
    log.abandon()
    assert values(world.open()) == ["0", "1", "2"]
