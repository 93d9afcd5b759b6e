"""Formats 0 and 1, as another implementation writes and reads them."""

import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.wire.compression import Compression, compress
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.lz4_of_format_0 import with_right_checksum, with_wrong_checksum, xxhash_32
from broker.wire.message_set import (
    LOG_APPEND_TIME,
    Message,
    check_framing,
    messages,
    messages_in,
    put_message,
)
from broker.wire.record_batch import build_batch
from broker.wire.records import Record

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # while it is imported
    from kafka.record.legacy_records import LegacyRecordBatch, LegacyRecordBatchBuilder

TIME_MS = 1_700_000_000_000
MAGICS = pytest.mark.parametrize("magic", [0, 1])


def message(magic: int, value: bytes | None = b"v", attributes: int = 0, offset: int = 0) -> bytes:
    out = bytearray()
    put_message(out, offset, magic, attributes, TIME_MS, None, value)
    return bytes(out)


def code_of(data: bytes) -> ErrorCode | None:
    try:
        for each in messages(memoryview(data)):
            if each.codec:
                list(messages_in(each))
    except KafkaError as error:
        return error.code
    return None


@MAGICS
def test_what_kafka_python_writes_is_read(magic: int) -> None:
    builder = LegacyRecordBatchBuilder(magic, 0, 1 << 20)
    builder.append(0, timestamp=TIME_MS, key=b"k", value=b"a")
    builder.append(1, timestamp=TIME_MS + 1, key=None, value=None)
    first, second = messages(memoryview(bytes(builder.build())))
    assert (first.offset, first.magic, first.key, first.value) == (0, magic, b"k", b"a")
    assert (second.offset, second.key, second.value) == (1, None, None)
    assert [first.timestamp_ms, second.timestamp_ms] == (
        [TIME_MS, TIME_MS + 1] if magic else [-1] * 2
    )


@MAGICS
def test_kafka_pythons_wrappers_are_opened(magic: int) -> None:
    builder = LegacyRecordBatchBuilder(magic, int(Compression.GZIP), 1 << 20)
    for at in range(3):
        builder.append(at, timestamp=TIME_MS + at, key=None, value=b"%d" % at)
    [wrapper] = messages(memoryview(bytes(builder.build())))
    assert wrapper.codec == Compression.GZIP
    assert [each.value for each in messages_in(wrapper)] == [b"0", b"1", b"2"]


@MAGICS
def test_kafka_python_reads_what_is_written(magic: int) -> None:
    out = bytearray()
    put_message(out, 7, magic, 0, TIME_MS, b"k", None)
    [record] = LegacyRecordBatch(bytes(out), magic)
    assert record.validate_crc()
    assert (record.offset, record.key, record.value) == (7, b"k", None)
    assert record.timestamp == (TIME_MS if magic else None)


def test_the_bytes_are_those_of_the_diagram() -> None:
    out = bytearray()
    put_message(out, 2, 1, LOG_APPEND_TIME, 3, b"k", None)
    assert out.hex(" ") == (
        "00 00 00 00 00 00 00 02 00 00 00 17 0a 89 e9 22 01 08 00 00 00 00 00 00 00 03 "
        "00 00 00 01 6b ff ff ff ff"
    )


@given(data=st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    assert code_of(data) in (
        *(None, ErrorCode.CORRUPT_MESSAGE),
        *(ErrorCode.INVALID_RECORD, ErrorCode.UNKNOWN_SERVER_ERROR),
    )


@MAGICS
def test_what_is_cut_short_is_left_out(magic: int) -> None:
    data = message(magic) * 2
    for end in range(len(data)):
        assert len(list(messages(memoryview(data[:end])))) == end // len(message(magic))


def damaged(data: bytes, at: int, value: bytes) -> bytes:
    return data[:at] + value + data[at + len(value) :]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (damaged(message(1), 8, b"\0\0\0\x0d"), ErrorCode.CORRUPT_MESSAGE),
        (damaged(message(1), -1, b"w"), ErrorCode.CORRUPT_MESSAGE),
        (message(1) + damaged(message(1), 16, b"\3"), ErrorCode.CORRUPT_MESSAGE),
        (message(1) + damaged(message(1), 16, b"\2"), ErrorCode.CORRUPT_MESSAGE),
        (message(1) + build_batch([Record()]), ErrorCode.INVALID_RECORD),
        (message(1) + build_batch([Record()])[:-1], None),
        (message(0, b"v", 5), ErrorCode.UNKNOWN_SERVER_ERROR),
        (message(1, b"v", 7), ErrorCode.UNKNOWN_SERVER_ERROR),
        (message(1, None, 6), ErrorCode.UNKNOWN_SERVER_ERROR),
        (message(1, None, Compression.GZIP), ErrorCode.INVALID_RECORD),
        (message(1, b"", Compression.ZSTD), ErrorCode.INVALID_RECORD),
        (message(1, b"no gzip", Compression.GZIP), ErrorCode.UNKNOWN_SERVER_ERROR),
        (message(0, b"no lz4", Compression.LZ4), ErrorCode.CORRUPT_MESSAGE),
        (
            message(1, compress(Compression.GZIP, message(0)), Compression.GZIP),
            ErrorCode.INVALID_RECORD,
        ),
        (
            message(
                1,
                compress(Compression.GZIP, message(1, b"", Compression.LZ4)),
                Compression.GZIP,
            ),
            ErrorCode.INVALID_RECORD,
        ),
    ],
)
def test_what_no_producer_may_send(data: bytes, code: ErrorCode | None) -> None:
    assert code_of(data) is code


@pytest.mark.parametrize(
    ("behind", "is_refused"),
    [
        (b"", False),
        (bytes(11), False),  # less than a size
        (bytes(12), True),
        (bytes(8) + b"\0\0\0\x0d", True),
        (bytes(8) + b"\0\0\1\0" + bytes(4), False),  # cut short before the magic
        (bytes(8) + b"\0\0\1\0" + bytes(4) + b"\2", False),
        (bytes(8) + b"\0\0\1\0" + bytes(4) + b"\3", True),
        (bytes(8) + b"\0\0\1\0" + bytes(4) + b"\xff", True),
    ],
)
def test_what_can_be_no_message_nor_batch(behind: bytes, is_refused: bool) -> None:
    data = bytearray()
    put_message(data, 0, 1, 0, -1, None, b"v")
    data += build_batch([Record(b"k", b"v", 0)])
    data += behind
    if not is_refused:
        check_framing(memoryview(data))
        return
    with pytest.raises(KafkaError) as caught:
        check_framing(memoryview(data))
    assert caught.value.code == ErrorCode.CORRUPT_MESSAGE


def test_a_wrapper_opens_to_no_more_than_so_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("broker.wire.message_set.MOST_OPENED_BYTES", 1000)
    bomb = compress(Compression.GZIP, message(1, bytes(1000)))
    assert code_of(message(1, bomb, Compression.GZIP)) is ErrorCode.UNKNOWN_SERVER_ERROR


def test_a_set_has_no_more_than_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("broker.wire.message_set.MOST_MESSAGES", 3)
    for count, code in ((3, None), (4, ErrorCode.MESSAGE_TOO_LARGE)):
        several = message(1, None) * count
        assert code_of(several) is code
        assert code_of(message(1, compress(Compression.LZ4, several), Compression.LZ4)) is code


def test_format_0_has_no_append_time() -> None:
    for magic in (0, 1):
        [found] = messages(memoryview(message(magic, b"v", LOG_APPEND_TIME)))
        assert found.is_log_append_time == bool(magic)


def test_a_message_has_its_size() -> None:
    [found] = messages(memoryview(message(0, bytes(100))))
    assert found == Message(0, len(message(0, bytes(100))), 0, 0, -1, None, bytes(100))


# LZ4 in format 0


@pytest.mark.parametrize(
    ("data", "hashed"),
    [(b"", 0x02CC5D05), (b"a", 0x550D7456), (b"abc", 0x32D153FF)],
)
def test_xxhash(data: bytes, hashed: int) -> None:
    assert xxhash_32(data) == hashed


def test_the_checksum_of_format_0() -> None:
    frame = compress(Compression.LZ4, b"x" * 1000)
    wrong = with_wrong_checksum(frame)
    assert frame != wrong
    assert with_right_checksum(wrong) == frame
    assert wrong[6] == xxhash_32(frame[:6]) >> 8 & 0xFF
