"""Transaction markers: Kafka's bytes, read back, and what is none."""

import pytest

from broker.wire.control_records import Marker, build_marker, read_marker
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.record_batch import RecordBatch, batches, build_batch
from broker.wire.records import Record


def marker(*, commit: bool) -> RecordBatch:
    data = build_marker(7, 3, commit=commit, coordinator_epoch=9, timestamp_ms=1000)
    [batch] = batches(data)
    return batch


def control(key: bytes | None, value: bytes | None) -> RecordBatch:
    [batch] = batches(build_batch([Record(key, value, 0)], producer_id=7, is_control=True))
    return batch


@pytest.mark.parametrize("commit", [True, False])
def test_what_is_written_is_read(commit: bool) -> None:
    batch = marker(commit=commit)
    batch.check_crc()
    assert read_marker(batch) == Marker(commit, 9)
    assert (batch.is_control, batch.is_transactional, batch.count) == (True, True, 1)
    assert (batch.producer_id, batch.producer_epoch, batch.base_sequence) == (7, 3, -1)
    assert batch.max_timestamp_ms == 1000


def test_the_bytes_are_kafkas() -> None:
    """As the log of a real broker has them: see tests/broker/log/test_with_kafka."""
    [commit] = marker(commit=True).records()
    [abort] = marker(commit=False).records()
    assert (commit.key, abort.key) == (b"\0\0\0\1", b"\0\0\0\0")
    assert commit.value == abort.value == b"\0\0\0\0\0\x09"


def test_an_emptied_batch_says_nothing() -> None:
    batch = marker(commit=True)
    batch.count = 0
    assert read_marker(batch) is None


def test_fields_of_later_versions_are_left_unread() -> None:
    batch = control(b"\0\5\0\1more", b"\0\5\0\0\0\x09more")
    assert read_marker(batch) == Marker(commit=True, coordinator_epoch=9)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (None, b"\0\0\0\0\0\1"),
        (b"\0\0\0\1", None),
        (b"\0\0\0", b"\0\0\0\0\0\1"),
        (b"\0\0\0\1", b"\0\0\0\0\0"),
        (b"\xff\xff\0\1", b"\0\0\0\0\0\1"),
        (b"\0\0\0\2", b"\0\0\0\0\0\1"),  # a leader change, of KRaft
    ],
)
def test_what_is_no_marker(key: bytes | None, value: bytes | None) -> None:
    with pytest.raises(KafkaError) as caught:
        read_marker(control(key, value))
    assert caught.value.code is ErrorCode.CORRUPT_MESSAGE
