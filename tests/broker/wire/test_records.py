"""Records inside a batch: what is written is read, and nothing is believed beyond the bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.records import (
    SMALLEST_RECORD_BYTES,
    Record,
    as_long,
    counts_up,
    decode_records,
    encode_records,
    largest_timestamp_delta,
)

TIMESTAMP = st.integers(0, 2**60)
OPTIONAL_BYTES = st.none() | st.binary(max_size=200)
HEADERS = st.lists(st.tuples(st.text(max_size=10), OPTIONAL_BYTES), max_size=3).map(tuple)
RECORD = st.builds(Record, OPTIONAL_BYTES, OPTIONAL_BYTES, TIMESTAMP, HEADERS)


@pytest.mark.long
@given(records=st.lists(RECORD, min_size=1, max_size=5), base_timestamp=TIMESTAMP)
def test_what_is_written_is_read(records: list[Record], base_timestamp: int) -> None:
    body = encode_records(records, base_timestamp)
    found = list(decode_records(memoryview(body), len(records), 100, base_timestamp))
    assert [(r.key, r.value, r.timestamp_ms, r.headers) for r in found] == [
        (r.key, r.value, r.timestamp_ms, r.headers) for r in records
    ]
    assert [r.offset for r in found] == list(range(100, 100 + len(records)))


def test_the_bytes_are_those_of_kip_98() -> None:
    body = encode_records([Record(b"k", b"va", 1001, (("h", None),))], 1000)
    assert body.hex(" ") == "18 00 02 00 02 6b 04 76 61 02 02 68 01"


def test_times_may_lie_as_far_apart_as_64_bits_allow() -> None:
    """The difference goes round; so does the sum, for who reads it."""
    body = encode_records([Record(timestamp_ms=-1), Record(timestamp_ms=2**63 - 1)], -1)
    assert body.hex(" ") == "0c 00 00 00 01 01 00 1e 00 ff ff ff ff ff ff ff ff ff 01 02 01 01 00"
    assert [as_long(r.timestamp_ms) for r in decode_records(memoryview(body), 2, 0, -1)] == [
        *(-1, 2**63 - 1)
    ]


def test_log_append_time_overrides_every_timestamp() -> None:
    body = encode_records([Record(None, b"a", 5), Record(None, b"b", 6)], 5)
    found = list(decode_records(memoryview(body), 2, 0, 5, append_time_ms=77))
    assert [r.timestamp_ms for r in found] == [77, 77]


@pytest.mark.long
@given(data=st.binary(max_size=60), count=st.integers(1, 5))
def test_any_bytes_are_decoded_or_refused(data: bytes, count: int) -> None:
    code = None
    try:
        list(decode_records(memoryview(data), count, 0, 0))
    except KafkaError as error:
        code = error.code
    assert code in (None, ErrorCode.INVALID_RECORD)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("", "malformed"),
        ("7e 00", "record of 63 bytes"),
        ("ff ff ff ff ff ff ff ff ff ff ff 01", "longer than 10 bytes"),
        ("0e 00 00 00 02 6b 01 00 ff", "bytes left after 1"),
        ("0a 00 00 00 40 6b 00", "field of 32 bytes"),
        ("0c 00 00 00 01 01 40", "32 headers"),
        ("0e 00 00 00 01 01 02 01", "null header key"),
    ],
)
def test_malformed_records(body: str, why: str) -> None:
    with pytest.raises(KafkaError, match=why) as caught:
        list(decode_records(memoryview(bytes.fromhex(body)), 1, 0, 0))
    assert caught.value.code is ErrorCode.INVALID_RECORD


@pytest.mark.parametrize("sizes", [[], [0], [5, 5], [1, 63, 64, 200, 20_000]])
def test_records_are_counted_by_their_lengths(sizes: list[int]) -> None:
    body = encode_records([Record(value=bytes(size), timestamp_ms=0) for size in sizes], 0)
    largest_timestamp_delta(memoryview(body), len(sizes))
    for wrong in (len(sizes) - 1, len(sizes) + 1, 2**31 - 1):
        with pytest.raises(KafkaError):
            largest_timestamp_delta(memoryview(body), wrong)


@pytest.mark.parametrize(
    "body",
    ["02", "0d 00", "01", "03 00 00", "80", "80 80", "fe ff ff ff 0f", "ff " * 12],
)
def test_lengths_that_do_not_fill_the_body(body: str) -> None:
    data = bytes.fromhex(body).ljust(SMALLEST_RECORD_BYTES, b"\xff")
    with pytest.raises(KafkaError) as caught:
        largest_timestamp_delta(memoryview(data), 1)
    assert caught.value.code is ErrorCode.INVALID_RECORD


DELTAS = (0, 1, -1, 63, -64, 64, 100, -8192, 8191, 8192, 10**6, -(10**6), 2**40, -(2**62))


@pytest.mark.long
@given(st.lists(st.sampled_from(DELTAS), min_size=1, max_size=5), st.sampled_from([1, 50, 20_000]))
def test_the_latest_timestamp_is_found_without_decoding(deltas: list[int], size: int) -> None:
    records = [Record(value=bytes(size), timestamp_ms=1000 + delta) for delta in deltas]
    body = memoryview(encode_records(records, 1000))
    assert largest_timestamp_delta(body, len(deltas)) == max(deltas)


@pytest.mark.parametrize("count", [1, 64, 65, 8192, 8193, 9000])
def test_offset_deltas_count_up(count: int) -> None:
    records = [Record(timestamp_ms=1000 + at) for at in range(count)]
    body = encode_records(records, 1000)
    assert counts_up(memoryview(body), count)
    one = encode_records(records[:1], 1000)
    assert one.hex(" ") == "0c 00 00 00 01 01 00"
    assert not counts_up(memoryview(one + body), count + 1), "one number twice"
    assert not counts_up(memoryview(bytes.fromhex("0c 00 00 0e 01 01 00")), 1), "a gap"


def test_a_header_key_that_is_not_utf_8_comes_through() -> None:
    body = bytes.fromhex("12 00 00 00 01 01 02 02 ff 01")
    [record] = decode_records(memoryview(body), 1, 0, 0)
    assert bytes(encode_records([record], 0)) == body
