"""From the old formats to batches and back, with kafka-python as the client of before."""

import warnings
from collections.abc import Sequence
from typing import Any

import pytest

from broker.wire.compression import Compression
from broker.wire.control_records import build_marker
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.format_conversion import message_set_of, records_of
from broker.wire.message_set import LOG_APPEND_TIME, Message, messages, messages_in, put_message
from broker.wire.record_batch import batch_at, build_batch, stamp_append_time
from broker.wire.records import Record
from tests.support.batches import lying

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # while it is imported
    from kafka.record.legacy_records import LegacyRecordBatchBuilder
    from kafka.record.memory_records import MemoryRecords

TIME_MS = 1_700_000_000_000
RECORDS = [
    Record(b"k", b"a" * 200, TIME_MS, (("h", b"1"),)),
    Record(None, b"b" * 200, TIME_MS + 5),
    Record(b"k", None, TIME_MS + 2),
]
OLD_CODECS = [Compression.NONE, Compression.GZIP, Compression.SNAPPY, Compression.LZ4]
MAGICS = pytest.mark.parametrize("magic", [0, 1])
EVERYTHING = 1 << 20


def stored(codec: Compression, base_offset: int = 10) -> bytearray:
    return build_batch(RECORDS, base_offset=base_offset, compression=codec)


def old(data: bytes | bytearray, magic: int, first: int = 0, most: int = EVERYTHING) -> bytes:
    return message_set_of(data, magic, first, most)


def opened(data: bytes) -> list[Message]:
    """All messages, offsets as a consumer has them."""
    found = []
    for message in messages(memoryview(data)):
        if not message.codec:
            found.append(message)
            continue
        inner = list(messages_in(message))
        assert message.key is None
        start = message.offset - inner[-1].offset
        assert (start == 0) == (message.magic == 0)
        found += [Message(start + each.offset, *fields(each)[1:]) for each in inner]
    return found


def fields(message: Message) -> Sequence[Any]:
    return [getattr(message, name) for name in Message.__slots__ if name != "__weakref__"]


@MAGICS
@pytest.mark.parametrize("codec", OLD_CODECS)
def test_a_batch_in_an_old_format_has_its_records_offsets_and_codec(
    magic: int, codec: Compression
) -> None:
    data = old(stored(codec), magic)
    assert {message.codec for message in messages(memoryview(data))} == {codec}
    assert [
        (message.offset, message.key, message.value, message.timestamp_ms)
        for message in opened(data)
    ] == [
        (10 + at, record.key, record.value, record.timestamp_ms if magic else -1)
        for at, record in enumerate(RECORDS)
    ]


@MAGICS
@pytest.mark.parametrize("codec", [Compression.NONE, Compression.GZIP])
def test_kafka_python_reads_it(magic: int, codec: Compression) -> None:
    batch = MemoryRecords(old(stored(codec), magic))
    found = []
    while (each := batch.next_batch()) is not None:
        assert each.validate_crc()
        found += [(record.offset, record.value) for record in each]
    assert found == [(10 + at, record.value) for at, record in enumerate(RECORDS)]


def test_a_wrapper_has_the_latest_time() -> None:
    [wrapper] = messages(memoryview(old(stored(Compression.GZIP), 1)))
    assert (wrapper.offset, wrapper.timestamp_ms) == (12, TIME_MS + 5)


@pytest.mark.parametrize("codec", [Compression.NONE, Compression.GZIP])
def test_the_brokers_time_stays_the_brokers(codec: Compression) -> None:
    data = stored(codec)
    stamp_append_time(memoryview(data), codec, TIME_MS + 99)
    found = list(messages(memoryview(old(data, 1))))
    assert all(message.is_log_append_time for message in found)
    assert {message.timestamp_ms for message in found + opened(old(data, 1))} == {TIME_MS + 99}
    assert not any(message.is_log_append_time for message in messages(memoryview(old(data, 0))))


@pytest.mark.parametrize(
    ("codec", "offsets"), [(Compression.NONE, [11, 12]), (Compression.GZIP, [10, 11, 12])]
)
def test_what_lies_before_the_fetch_offset(codec: Compression, offsets: list[int]) -> None:
    """Left out, but a wrapper is whole."""
    assert [message.offset for message in opened(old(stored(codec), 1, 11))] == offsets


def test_markers_have_no_equivalent() -> None:
    marker = build_marker(7, 0, commit=True, coordinator_epoch=0, timestamp_ms=TIME_MS)
    assert old(marker, 1) == b""
    assert len(opened(old(marker + stored(Compression.NONE), 1))) == len(RECORDS)


def test_zstd_has_none_either() -> None:
    zstd = stored(Compression.ZSTD)
    with pytest.raises(KafkaError) as caught:
        old(zstd, 1)
    assert caught.value.code is ErrorCode.UNSUPPORTED_COMPRESSION_TYPE
    assert len(opened(old(stored(Compression.GZIP) + zstd, 1))) == len(RECORDS)


def test_what_no_64_bits_hold_goes_round() -> None:
    """A producer may send it, and no reader may come to harm."""
    data = lying(stored(Compression.NONE), base_timestamp=2**63 - 1)
    times = [message.timestamp_ms for message in opened(old(data, 1))]
    assert times == [2**63 - 1, 4 - 2**63, 1 - 2**63]


def test_no_more_than_so_much_but_one_message() -> None:
    """Of a batch that isn't compressed some: each message of the old formats can be fetched."""
    three = b"".join(bytes(stored(Compression.NONE, start)) for start in (0, 3, 6))
    sizes = [message.size_bytes for message in opened(old(three, 1))]
    for count in range(1, 10):
        most = sum(sizes[:count])
        assert len(opened(old(three, 1, most=most))) == count
        assert len(opened(old(three, 1, most=most - 1))) == max(1, count - 1)
    assert [each.offset for each in opened(old(three, 1, first=4, most=0))] == [4]


def test_no_more_than_so_much_but_one_wrapper() -> None:
    three = b"".join(bytes(stored(Compression.GZIP, start)) for start in (10, 13, 16))
    sizes = [message.size_bytes for message in messages(memoryview(old(three, 1)))]
    assert [
        len(opened(old(three, 1, most=most)))
        for most in (0, sum(sizes[:2]) - 1, sum(sizes[:2]), sum(sizes))
    ] == [3, 3, 6, 9]


@pytest.mark.parametrize("codec", [Compression.NONE, Compression.GZIP])
def test_what_compaction_left_before_the_fetch_offset_is_nothing(codec: Compression) -> None:
    """Offsets 10 to 12 of a batch that had 15: who has them asks for 13."""
    compacted = lying(stored(codec), last_offset_delta=5)
    assert [each.offset for each in opened(old(compacted, 1, 12))][-1] == 12
    assert old(compacted, 1, 13) == b""
    behind = stored(codec, 16)
    assert [each.offset for each in opened(old(compacted + behind, 1, 13))] == [16, 17, 18]


def test_a_wrapper_holds_no_more_than_so_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a batch of a megabyte opens to, and what that comes to as messages, is held by us."""
    packed = stored(Compression.GZIP)
    monkeypatch.setattr("broker.wire.format_conversion.MOST_PACKED_BYTES", 450)
    assert len(packed) < 450 < len(old(stored(Compression.NONE), 1))
    with pytest.raises(KafkaError) as caught:
        old(packed, 1)
    assert caught.value.code is ErrorCode.UNKNOWN_SERVER_ERROR
    assert len(opened(old(stored(Compression.NONE) + packed, 1))) == 3, "the next fetch is told"
    monkeypatch.setattr("broker.wire.format_conversion.MOST_PACKED_BYTES", 100)
    with pytest.raises(KafkaError) as caught:
        old(packed, 1)
    assert caught.value.code is ErrorCode.UNKNOWN_SERVER_ERROR


def test_what_is_cut_short_and_what_is_emptied() -> None:
    data = stored(Compression.NONE)
    assert old(data + data[:-1], 1) == old(data, 1)
    assert old(data[:-1], 1) == b""


# Up


@MAGICS
@pytest.mark.parametrize("codec", [Compression.NONE, Compression.GZIP])
def test_what_kafka_python_sends(magic: int, codec: Compression) -> None:
    builder = LegacyRecordBatchBuilder(magic, int(codec), EVERYTHING)
    for at, record in enumerate(RECORDS):
        builder.append(at, timestamp=record.timestamp_ms, key=record.key, value=record.value)
    records, found = records_of(list(messages(memoryview(bytes(builder.build())))))
    assert found is codec
    assert [(each.key, each.value, each.timestamp_ms, each.headers) for each in records] == [
        (each.key, each.value, each.timestamp_ms if magic else -1, ()) for each in RECORDS
    ]


@MAGICS
@pytest.mark.parametrize("codec", OLD_CODECS)
def test_there_and_back(magic: int, codec: Compression) -> None:
    records, found = records_of(list(messages(memoryview(old(stored(codec, 0), magic)))))
    assert found is codec
    again = build_batch(records, compression=codec)
    assert old(again, magic) == old(stored(codec, 0), magic)
    assert batch_at(memoryview(again), 0, len(again)).count == len(RECORDS)


def test_a_wrappers_append_time_is_that_of_its_records() -> None:
    data = stored(Compression.LZ4, 0)
    stamp_append_time(memoryview(data), Compression.LZ4, TIME_MS + 99)
    records, _ = records_of(list(messages(memoryview(old(data, 1)))))
    assert {record.timestamp_ms for record in records} == {TIME_MS + 99}


def of(magic: int, codec: Compression = Compression.NONE, offset: int = 0) -> bytes:
    data = old(stored(codec, 0), magic)
    if offset:
        [wrapper] = messages(memoryview(data))
        out = bytearray()
        put_message(out, offset, magic, wrapper.attributes, TIME_MS, None, wrapper.value)
        return bytes(out)
    return data


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (of(0) + of(1), ErrorCode.INVALID_RECORD),
        (of(1, Compression.GZIP) * 2, ErrorCode.INVALID_RECORD),
        (of(1) + of(1, Compression.GZIP), ErrorCode.INVALID_RECORD),
        (of(1, Compression.GZIP, offset=1), ErrorCode.INVALID_RECORD),
        (of(0, Compression.GZIP, offset=1), None),
        (of(1, Compression.GZIP, offset=5), None),
    ],
)
def test_sets_that_are_refused(data: bytes, code: ErrorCode | None) -> None:
    said = None
    try:
        records_of(list(messages(memoryview(data))))
    except KafkaError as error:
        said = error.code
    assert said is code


def test_the_attributes_of_format_0_know_no_time() -> None:
    assert not any(message.attributes & LOG_APPEND_TIME for message in messages(memoryview(of(0))))
