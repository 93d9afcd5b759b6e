"""What a leader refuses, and with which code."""

import attrs
import pytest
from crc32c import crc32c

from broker.log.conversion import ready_batch
from broker.log.log_config import LogConfig, TimestampType
from broker.log.record_validation import InvalidRecords
from broker.log.values import Origin
from broker.wire.compression import Compression
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.format_conversion import message_set_of
from broker.wire.record_batch import build_batch, stamp_append_time
from broker.wire.records import Record
from coordination.values import TopicPartition
from tests.broker.log.logs import START_MS, make_batch

CODE = ErrorCode
DEFAULTS = LogConfig()
TOPIC = TopicPartition("t", 0)


def refusal(
    data: bytes | bytearray, config: LogConfig = DEFAULTS, origin: Origin = Origin.CLIENT
) -> ErrorCode | None:
    try:
        ready_batch(data, TOPIC, config, origin, START_MS)
    except KafkaError as error:
        return error.code
    return None


def patched(offset: int, value: bytes) -> bytearray:
    """A batch of two records with other header bytes, and the CRC that fits them."""
    data = make_batch("a", "b")
    data[offset : offset + len(value)] = value
    data[17:21] = crc32c(memoryview(data)[21:]).to_bytes(4, "big")
    return data


def test_an_ordinary_batch_passes() -> None:
    assert refusal(make_batch("a", "b", producer=(1, 0, 0))) is None


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", CODE.INVALID_RECORD),
        (make_batch()[:-1], CODE.INVALID_RECORD),
        (make_batch() * 2, CODE.INVALID_RECORD),
        (make_batch() + message_set_of(make_batch(), 1, 0, 99), CODE.INVALID_RECORD),
        (make_batch(base_offset=1), CODE.INVALID_RECORD),
        (make_batch(producer=(1, 0, -1)), CODE.INVALID_RECORD),
        (build_batch([Record(b"k", b"v", 0)], is_control=True), CODE.INVALID_RECORD),
        (patched(57, (3).to_bytes(4, "big")), CODE.INVALID_RECORD),  # count
        (patched(23, (5).to_bytes(4, "big")), CODE.INVALID_RECORD),  # last offset delta
    ],
)
def test_batches_that_no_client_may_send(data: bytes, code: ErrorCode) -> None:
    assert refusal(data) is code


@pytest.mark.parametrize(
    "counts",
    [
        pytest.param((1, 0), id="fewer than there are"),
        pytest.param((3, 2), id="more"),
        pytest.param((2**31 - 1, 2**31 - 2), id="two thousand million more offsets"),
    ],
)
@pytest.mark.parametrize("compression", list(Compression))
def test_a_batch_has_as_many_records_as_it_says(
    counts: tuple[int, int], compression: Compression
) -> None:
    count, last_offset_delta = counts
    data = make_batch("a", "b", compression=compression)
    data[57:61] = count.to_bytes(4, "big")
    data[23:27] = last_offset_delta.to_bytes(4, "big")
    data[17:21] = crc32c(memoryview(data)[21:]).to_bytes(4, "big")
    assert refusal(data) is CODE.INVALID_RECORD


@pytest.mark.parametrize("compression", [c for c in Compression if c is not Compression.NONE])
def test_records_that_are_not_what_their_codec_says(compression: Compression) -> None:
    """No retry would mend them, so it is not the CORRUPT_MESSAGE that producers send again."""
    assert refusal(patched(21, bytes([0, compression]))) is CODE.UNKNOWN_SERVER_ERROR


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (make_batch() + b"x" * 5, None),  # too short to be a batch's beginning
        (make_batch() + b"x" * 100, CODE.CORRUPT_MESSAGE),
        (patched(16, b"\1"), CODE.CORRUPT_MESSAGE),  # an old format has another CRC
    ],
)
def test_what_is_no_batch(data: bytes, code: ErrorCode | None) -> None:
    assert refusal(data) is code


def refused_records(data: bytes | bytearray, config: LogConfig) -> InvalidRecords:
    with pytest.raises(InvalidRecords) as caught:
        ready_batch(data, TOPIC, config, Origin.CLIENT, START_MS)
    return caught.value


def test_the_records_to_blame_are_named() -> None:
    config = LogConfig(cleanup_policy=frozenset({"compact"}))
    records = [Record(key, b"v", START_MS) for key in (b"k", None, b"k", None)]
    refused = refused_records(build_batch(records), config)
    no_key = "Compacted topic cannot accept message without key in topic partition t-0"
    assert refused.reasons == {1: no_key, 3: no_key}
    assert refused.message.startswith(
        "One or more records have been rejected due to 2 record errors in total, and only showing "
        f"the first three errors at most: [RecordError(batchIndex=1, message='{no_key}'), Rec"
    )
    bounded = LogConfig(message_timestamp_after_max_ms=500, message_timestamp_before_max_ms=1000)
    late = build_batch([Record(None, b"v", START_MS + late_ms) for late_ms in (0, 501)])
    refused = refused_records(late, bounded)
    assert refused.message == "One or more records have been rejected due to invalid timestamp"
    assert refused.reasons == {
        1: f"Timestamp {START_MS + 501} of message with offset 1 is out of range. The timestamp "
        f"should be within [{START_MS - 1000}, {START_MS + 500}]"
    }


def test_a_record_has_one_fault_and_a_time_is_the_worst() -> None:
    config = LogConfig(cleanup_policy=frozenset({"compact"}), message_timestamp_after_max_ms=500)
    keyless, late = Record(None, b"v", START_MS), Record(b"k", b"v", START_MS + 501)
    both = Record(None, b"v", START_MS + 501)
    refused = refused_records(build_batch([keyless, late, both]), config)
    assert refused.code is CODE.INVALID_TIMESTAMP
    assert [reason.split()[0] for reason in refused.reasons.values()] == [
        "Compacted",
        "Timestamp",
        "Compacted",
    ]
    assert refused_records(build_batch([keyless, both]), config).code is CODE.INVALID_RECORD


def test_a_wrong_crc() -> None:
    data = make_batch()
    data[-1] ^= 1
    assert refusal(data) is CODE.CORRUPT_MESSAGE


@pytest.mark.parametrize(
    ("compression", "kind"),
    [(Compression.NONE, "DefaultRecord"), (Compression.GZIP, "PartialDefaultRecord")],
)
def test_a_timestamp_type_that_only_the_broker_sets(compression: Compression, kind: str) -> None:
    data = make_batch("a", key="key", compression=compression)
    stamp_append_time(memoryview(data), compression, START_MS + 7)
    assert refusal(data) is None, "taken for the producer's time"
    by_append_time = LogConfig(message_timestamp_type=TimestampType.LOG_APPEND_TIME)
    refused = refused_records(data, by_append_time)
    assert refused.code is CODE.INVALID_TIMESTAMP
    assert refused.reasons == {
        0: f"Invalid timestamp type in message {kind}(offset=0, timestamp={START_MS + 7}, key=3 "
        "bytes, value=1 bytes). Producer should not set timestamp type to LogAppendTime."
    }
    stamp_append_time(memoryview(data), compression, -1)
    assert refusal(data) is CODE.INVALID_TIMESTAMP, "nor is there a time of the producer's"


@pytest.mark.parametrize("codec", [5, 7])
def test_an_unknown_codec(codec: int) -> None:
    assert refusal(patched(21, bytes([0, codec]))) is CODE.UNKNOWN_SERVER_ERROR


def test_sizes() -> None:
    data = make_batch("x" * 100)
    assert refusal(data, LogConfig(max_message_bytes=len(data))) is None
    assert refusal(data, LogConfig(max_message_bytes=len(data) - 1)) is CODE.MESSAGE_TOO_LARGE
    assert refusal(data, LogConfig(segment_bytes=len(data) - 1)) is CODE.RECORD_LIST_TOO_LARGE


@pytest.mark.parametrize("compression", list(Compression))
def test_a_compacted_topic_wants_keys(compression: Compression) -> None:
    config = LogConfig(cleanup_policy=frozenset({"compact"}))
    assert refusal(make_batch("a", compression=compression), config) is CODE.INVALID_RECORD
    assert refusal(make_batch("a", key="k", compression=compression), config) is None


def test_timestamps_out_of_bounds() -> None:
    config = LogConfig(message_timestamp_before_max_ms=1000, message_timestamp_after_max_ms=500)
    for delta_ms, code in ((-1000, None), (-1001, CODE.INVALID_TIMESTAMP), (500, None)):
        assert refusal(make_batch(timestamp_ms=START_MS + delta_ms), config) is code
    late = make_batch("a", "b", timestamp_ms=START_MS + 500)  # the second is 1 ms too late
    assert refusal(late, config) is CODE.INVALID_TIMESTAMP
    by_append_time = attrs.evolve(config, message_timestamp_type=TimestampType.LOG_APPEND_TIME)
    assert refusal(late, by_append_time) is None


def test_a_coordinator_may_write_markers_and_need_no_sequence() -> None:
    marker = build_batch([Record(b"\0\0\0\1", b"\0\0\0\0\0\0", 0)], is_control=True, producer_id=1)
    assert refusal(marker, origin=Origin.COORDINATOR) is None
