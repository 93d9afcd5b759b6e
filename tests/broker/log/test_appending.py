"""A leader gives batches their offsets and epochs, a follower takes both as they are."""

import pytest

from broker.log.log_config import LogConfig, TimestampType
from broker.log.validation import UnexpectedAppendOffset
from broker.log.values import AppendInfo
from broker.wire.errors import ErrorCode, KafkaError
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
