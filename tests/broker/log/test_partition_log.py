"""A log's promises to the leader, the follower and the reader."""

import errno
import uuid

import pytest

from broker.log.disk import Data, RealDisk
from broker.log.log_config import LogConfig, TimestampType
from broker.log.validation import UnexpectedAppendOffset
from broker.log.values import AppendInfo, EpochEndOffset, Origin
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.regions import OpenFile
from tests.broker.log.logs import (
    START_MS,
    LogWorld,
    fill,
    make_batch,
    read_batches,
    values,
)


def test_batches_get_the_next_offsets_and_the_leaders_epoch(world: LogWorld) -> None:
    log = world.open()
    assert log.append_as_leader(make_batch("a", "b"), 4) == AppendInfo(
        0, 1, START_MS + 1, -1, 0, size_bytes=77
    )
    assert log.append_as_leader(make_batch("c"), 5).first_offset == 2
    assert log.log_end_offset == 3
    assert [(b.base_offset, b.leader_epoch) for b in read_batches(log)] == [(0, 4), (2, 5)]
    assert values(log) == ["a", "b", "c"]


def test_read_only_bytes_are_taken_too(world: LogWorld) -> None:
    log = world.open()
    log.append_as_leader(bytes(make_batch("a")), 0)
    log.append_as_leader(bytes(make_batch("b")), 0)
    assert values(log) == ["a", "b"]


def test_log_append_time(world: LogWorld) -> None:
    world.config = LogConfig(message_timestamp_type=TimestampType.LOG_APPEND_TIME)
    world.clock.now_ms = 9_999
    log = world.open()
    assert log.append_as_leader(make_batch("a"), 0).log_append_time_ms == 9_999
    [batch] = read_batches(log)
    batch.check_crc()
    assert [record.timestamp_ms for record in batch.records()] == [9_999]


def test_an_idempotent_batch_again_gets_its_first_offsets(world: LogWorld) -> None:
    log = world.open()
    for sequence in range(8):
        log.append_as_leader(make_batch(producer=(1, 0, sequence)), 0)
    again = log.append_as_leader(make_batch(producer=(1, 0, 4)), 0)
    assert (again.first_offset, again.is_duplicate) == (4, True)
    with pytest.raises(KafkaError) as caught:  # only the last five are remembered
        log.append_as_leader(make_batch(producer=(1, 0, 2)), 0)
    assert caught.value.code is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert log.log_end_offset == 8


def test_a_refused_append_changes_nothing(world: LogWorld) -> None:
    log = world.open()
    fill(log, 2, leader_epoch=1)
    batch = make_batch("x")
    batch[-1] ^= 1
    with pytest.raises(KafkaError):
        log.append_as_leader(batch, 2)
    assert (log.log_end_offset, log.latest_epoch, values(log)) == (2, 1, ["0", "1"])


def test_a_follower_copies_offsets_and_epochs(world: LogWorld, small_segments: LogWorld) -> None:
    leader = world.open()
    for epoch in (0, 0, 3, 7):
        fill(leader, 4, leader_epoch=epoch)
    leader_bytes = b"".join(bytes(b.view) for b in read_batches(leader))
    small_segments.directory = world.directory.with_name("copy-0")
    follower = small_segments.open()
    torn = leader_bytes[:-10]
    info = follower.append_as_follower(torn)
    assert info is not None
    assert info.end_offset == follower.log_end_offset == 15
    assert follower.append_as_follower(leader_bytes[-70:-5]) is None
    assert follower.epochs.entries() == leader.epochs.entries() == [(0, 0), (3, 8), (7, 12)]
    assert values(follower) == values(leader)[:15]


def test_a_follower_refuses_what_does_not_follow(world: LogWorld) -> None:
    log = world.open()
    fill(log, 3)
    with pytest.raises(UnexpectedAppendOffset):
        log.append_as_follower(make_batch("old", base_offset=1))
    with pytest.raises(UnexpectedAppendOffset):
        log.append_as_follower(make_batch(base_offset=9) + make_batch(base_offset=8))
    assert log.log_end_offset == 3


def test_an_empty_follower_takes_a_batch_that_begins_before_its_start(world: LogWorld) -> None:
    """DeleteRecords can move the leader's start into a batch."""
    log = world.open()
    log.truncate_fully_and_start_at(11)
    log.append_as_follower(make_batch("a", "b", "c", base_offset=10, leader_epoch=2))
    assert (log.log_start_offset, log.log_end_offset) == (11, 13)
    assert [batch.base_offset for batch in read_batches(log)] == [10]


def test_offsets_outside_are_out_of_range(world: LogWorld) -> None:
    log = world.open()
    log.truncate_fully_and_start_at(5)
    fill(log, 2)
    for offset in (4, 8):
        with pytest.raises(KafkaError) as caught:
            log.read(offset, 1000, log.log_end_offset)
        assert caught.value.code is ErrorCode.OFFSET_OUT_OF_RANGE
    assert log.read(7, 1000, 7).regions == ()


def test_truncation_forgets_records_epochs_and_sequences(small_segments: LogWorld) -> None:
    log = small_segments.open()
    for offset in range(20):
        log.append_as_leader(make_batch(str(offset), producer=(1, 0, offset)), offset // 5)
    log.update_high_watermark(20)
    assert log.truncate_to(8)
    assert (log.log_end_offset, log.high_watermark, log.latest_epoch) == (8, 8, 1)
    assert values(log) == [str(offset) for offset in range(8)]
    assert log.append_as_leader(make_batch(producer=(1, 0, 8)), 4).first_offset == 8
    assert not log.truncate_to(9)
    assert log.truncate_to(0)
    assert (log.log_end_offset, log.epochs.entries(), values(log)) == (0, [], [])


def test_truncation_inside_a_batch_drops_all_of_it(world: LogWorld) -> None:
    log = world.open()
    log.append_as_leader(make_batch("a"), 0)
    log.append_as_leader(make_batch("b", "c", "d"), 0)
    assert log.truncate_to(3)
    assert (log.log_end_offset, values(log)) == (1, ["a"])


def test_a_truncation_without_effect_still_forgets_an_empty_epoch(world: LogWorld) -> None:
    log = world.open()
    fill(log, 3, leader_epoch=1)
    log.assign_epoch_start_offset(2, 3)
    assert not log.truncate_to(3)
    assert log.latest_epoch == 1


def test_starting_over_elsewhere(small_segments: LogWorld) -> None:
    log = small_segments.open()
    fill(log, 20)
    log.truncate_fully_and_start_at(100)
    assert (log.log_start_offset, log.log_end_offset, log.high_watermark) == (100, 100, 100)
    fill(log, 3)
    assert values(log) == ["100", "101", "102"]
    log.close()
    again = small_segments.open(was_clean=True)
    assert values(again) == ["100", "101", "102"]


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


def test_the_high_watermark_stays_within_the_log(world: LogWorld) -> None:
    log = world.open()
    fill(log, 5)
    assert log.update_high_watermark(9) == 5
    assert log.increment_log_start_offset(3)
    assert log.update_high_watermark(1) == 3
    assert not log.increment_log_start_offset(2)
    with pytest.raises(KafkaError) as caught:
        log.increment_log_start_offset(4)
    assert caught.value.code is ErrorCode.OFFSET_OUT_OF_RANGE


def test_an_open_transaction_holds_the_last_stable_offset(world: LogWorld) -> None:
    log = world.open()
    fill(log, 2)
    log.append_as_leader(make_batch(producer=(1, 0, 0), transactional=True), 0, Origin.CLIENT)
    fill(log, 2)
    log.update_high_watermark(5)
    assert log.last_stable_offset == 2


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
