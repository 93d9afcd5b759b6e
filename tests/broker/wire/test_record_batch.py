"""Batches: framing, CRC, what a leader writes into them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.wire.compression import Compression
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.record_batch import (
    HEADER_BYTES,
    RecordBatch,
    batches,
    build_batch,
    stamp,
    stamp_append_time,
)
from broker.wire.records import Record

RECORDS = [Record(b"k", b"one", 1000), Record(b"k", b"two", 1003)]


def only(data: bytes | bytearray) -> RecordBatch:
    [batch] = batches(data)
    return batch


def test_a_built_batch_says_what_it_is() -> None:
    batch = only(
        build_batch(RECORDS, base_offset=40, producer_id=7, producer_epoch=2, base_sequence=9)
    )
    batch.check_crc()
    assert (batch.base_offset, batch.last_offset, batch.end_offset) == (40, 41, 42)
    assert (batch.producer_id, batch.producer_epoch, batch.base_sequence) == (7, 2, 9)
    assert (batch.base_timestamp_ms, batch.max_timestamp_ms, batch.count) == (1000, 1003, 2)
    assert batch.last_sequence == 10
    assert not batch.is_control
    assert not batch.is_transactional
    assert [record.value for record in batch.records()] == [b"one", b"two"]


@pytest.mark.parametrize("compression", list(Compression))
def test_every_codec(compression: Compression) -> None:
    batch = only(build_batch(RECORDS * 50, compression=compression))
    batch.check_crc()
    assert batch.codec == compression
    assert [record.offset for record in batch.records()] == list(range(100))


def test_sequences_wrap_to_zero() -> None:
    batch = only(build_batch(RECORDS, producer_id=1, producer_epoch=0, base_sequence=2**31 - 1))
    assert batch.last_sequence == 0


def test_a_stamp_leaves_the_crc_valid() -> None:
    data = build_batch(RECORDS)
    stamp(memoryview(data), 12345678901, 77)
    batch = only(data)
    batch.check_crc()
    assert (batch.base_offset, batch.leader_epoch) == (12345678901, 77)


def test_append_time_is_stamped_with_a_new_crc() -> None:
    data = build_batch(RECORDS)
    stamp_append_time(memoryview(data), 0, 5555)
    batch = only(data)
    batch.check_crc()
    assert batch.is_log_append_time
    assert [record.timestamp_ms for record in batch.records()] == [5555, 5555]


def test_batches_follow_each_other_and_a_torn_one_is_left_out() -> None:
    data = build_batch(RECORDS) + build_batch(RECORDS, base_offset=2)
    assert [batch.base_offset for batch in batches(data)] == [0, 2]
    assert [batch.base_offset for batch in batches(data[:-1])] == [0]
    assert list(batches(data[:16])) == []


@given(position=st.integers(21, HEADER_BYTES + 10), flip=st.integers(1, 255))
def test_any_changed_byte_fails_the_crc(position: int, flip: int) -> None:
    data = build_batch(RECORDS)
    data[position] ^= flip
    with pytest.raises(KafkaError) as caught:
        only(data).check_crc()
    assert caught.value.code is ErrorCode.CORRUPT_MESSAGE


@pytest.mark.parametrize(
    ("magic", "code"),
    [
        (0, ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT),
        (1, ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT),
        (3, ErrorCode.CORRUPT_MESSAGE),
        (255, ErrorCode.CORRUPT_MESSAGE),
    ],
)
def test_other_formats(magic: int, code: ErrorCode) -> None:
    data = build_batch(RECORDS)
    data[16] = magic
    with pytest.raises(KafkaError) as caught:
        list(batches(data))
    assert caught.value.code is code


@pytest.mark.parametrize("length", [-1, 0, 13, 14, 48])
def test_a_length_below_any_batch(length: int) -> None:
    data = build_batch(RECORDS)
    data[8:12] = length.to_bytes(4, "big", signed=True)
    with pytest.raises(KafkaError) as caught:
        list(batches(data))
    assert caught.value.code is ErrorCode.CORRUPT_MESSAGE


@given(data=st.binary(max_size=200))
def test_any_bytes_are_batches_or_refused(data: bytes) -> None:
    code = None
    try:
        for batch in batches(data):
            batch.check_crc()
            batch.records()
    except KafkaError as error:
        code = error.code
    assert code in (
        None,
        ErrorCode.CORRUPT_MESSAGE,
        ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT,
        ErrorCode.INVALID_RECORD,
    )
