"""Offsets by timestamp: the special values, and the first record that is not earlier."""

import os

import pytest

from broker.log.values import TimestampOffset
from broker.wire.compression import Compression
from tests.broker.log.logs import START_MS, LogWorld, fill, make_batch, record_at


def test_the_special_timestamps(small_segments: LogWorld) -> None:
    log = small_segments.open()
    assert log.named_offset(-1) == TimestampOffset(-1, 0, -1)
    assert record_at(log, -3) is None
    fill(log, 10, leader_epoch=3)
    log.append_as_leader(make_batch("a", "b", timestamp_ms=START_MS + 50), 4)
    fill(log, 5, leader_epoch=5)
    log.update_high_watermark(10)
    log.increment_log_start_offset(2)
    assert log.named_offset(-1) == TimestampOffset(-1, 17, 5)
    assert log.named_offset(-2) == TimestampOffset(-1, 2, 3)
    assert record_at(log, -3) == TimestampOffset(START_MS + 51, 11, 4)
    assert log.named_offset(-4) == TimestampOffset(-1, 2, 3)
    assert log.named_offset(-5) == TimestampOffset(-1, -1, -1)


@pytest.mark.parametrize("compression", list(Compression))
def test_the_first_record_that_is_not_earlier(
    small_segments: LogWorld, compression: Compression
) -> None:
    log = small_segments.open()
    for hundred in range(20):
        batch = make_batch(
            "a", "b", "c", timestamp_ms=START_MS + 100 * hundred, compression=compression
        )
        log.append_as_leader(batch, 0)
    for timestamp_ms, offset in ((0, 0), (1, 1), (3, 3), (100, 3), (702, 23), (1900, 57)):
        found = record_at(log, START_MS + timestamp_ms)
        assert found is not None
        assert found.offset == offset
    assert record_at(log, START_MS + 1903) is None


def test_records_before_the_start_are_not_found(small_segments: LogWorld) -> None:
    log = small_segments.open()
    log.append_as_leader(make_batch("a", "b", "c"), 0)
    log.update_high_watermark(3)
    log.increment_log_start_offset(1)
    assert record_at(log, START_MS - 5) == TimestampOffset(START_MS + 1, 1, 0)


def test_what_lies_before_the_start_hides_nothing(small_segments: LogWorld) -> None:
    """Kafka looks no further than into the first segment with so late a record."""
    log = small_segments.open()
    log.append_as_leader(make_batch(timestamp_ms=START_MS + 900), 0)
    for number in range(11):
        log.append_as_leader(make_batch(timestamp_ms=START_MS + number), 0)
    log.update_high_watermark(12)
    for start in (1, 7):  # in the first segment, beyond it
        log.increment_log_start_offset(start)
        found = record_at(log, START_MS)
        assert found == TimestampOffset(START_MS + start - 1, start, 0)
    assert record_at(log, START_MS + 10) == TimestampOffset(START_MS + 10, 11, 0)


def test_where_segments_begin_that_were_written_before(small_segments: LogWorld) -> None:
    """What version 0 of ListOffsets asks, from before records had timestamps."""
    log = small_segments.open()
    assert log.segment_starts_before(-1, 5) == [0], "an empty segment has no end"
    fill(log, 12)
    for at, segment in enumerate(log.local.segments):
        os.utime(segment.path, (1000 + at, 1000 + at))
    small_segments.clock.now_ms = 2_000_000
    log.update_high_watermark(12)
    log.increment_log_start_offset(3)
    assert log.segment_starts_before(-1, 1) == [12]
    assert log.segment_starts_before(-1, 99) == [12, 10, 5, 3]
    assert log.segment_starts_before(-2, 99) == [3]
    assert log.segment_starts_before(1_001_000, 99) == [5, 3]
    assert log.segment_starts_before(1_001_999, 1) == [5]
    assert log.segment_starts_before(999_999, 99) == []
    assert log.segment_starts_before(2_000_000, 2) == [12, 10]
    assert log.segment_starts_before(-1, 0) == []
