"""Message sets of old producers: what becomes of them in a log, and what is refused."""

import pytest

from broker.log.log_config import LogConfig, TimestampType
from broker.wire.compression import Compression, compress
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.format_conversion import message_set_of
from broker.wire.message_set import LOG_APPEND_TIME, Message, put_message, read_message
from broker.wire.record_batch import RecordBatch
from tests.broker.log.logs import START_MS, LogWorld, make_batch, read_batches

CODE = ErrorCode
COMPACTED = LogConfig(cleanup_policy=frozenset({"compact"}))
MAGICS = pytest.mark.parametrize("magic", [0, 1])


def old(
    *values: str, magic: int = 1, codec: Compression = Compression.NONE, key: str | None = None
) -> bytearray:
    batch = make_batch(*values, key=key, compression=codec)
    return bytearray(message_set_of(batch, magic, 0, 1 << 20))


def appended(world: LogWorld, data: bytearray, config: LogConfig = LogConfig()) -> RecordBatch:  # noqa: B008
    world.config = config
    log = world.open()
    log.append_as_leader(make_batch("b", key="k"), 3)
    info = log.append_as_leader(data, 3)
    batch = read_batches(log)[-1]
    batch.check_crc()
    assert (info.first_offset, info.last_offset) == (batch.base_offset, batch.last_offset)
    return batch


def refusal(world: LogWorld, data: bytes, config: LogConfig = LogConfig()) -> ErrorCode | None:  # noqa: B008
    try:
        appended(world, bytearray(data), config)
    except KafkaError as error:
        return error.code
    return None


@MAGICS
@pytest.mark.parametrize(
    "codec", [Compression.NONE, Compression.GZIP, Compression.SNAPPY, Compression.LZ4]
)
@pytest.mark.parametrize("target", [None, Compression.NONE, Compression.ZSTD])
def test_one_batch_of_format_2(
    world: LogWorld, magic: int, codec: Compression, target: Compression | None
) -> None:
    data = old("a", "b", "c", magic=magic, codec=codec)
    batch = appended(world, data, LogConfig(compression_type=target))
    assert (batch.magic, batch.base_offset, batch.count, batch.leader_epoch) == (2, 1, 3, 3)
    assert batch.codec == (codec if target is None else target)
    assert [record.value for record in batch.records()] == [b"a", b"b", b"c"]
    times = [START_MS, START_MS + 1, START_MS + 2] if magic else [-1] * 3
    assert [record.timestamp_ms for record in batch.records()] == times
    assert batch.max_timestamp_ms == times[-1]


@MAGICS
def test_the_topics_time(world: LogWorld, magic: int) -> None:
    config = LogConfig(message_timestamp_type=TimestampType.LOG_APPEND_TIME)
    world.clock.now_ms = START_MS + 99
    batch = appended(world, old("a", "b", magic=magic), config)
    assert {record.timestamp_ms for record in batch.records()} == {START_MS + 99}


def message(
    magic: int = 1,
    attributes: int = 0,
    timestamp_ms: int = START_MS,
    value: bytes | None = b"v",
) -> bytes:
    out = bytearray()
    put_message(out, 0, magic, attributes, timestamp_ms, b"k", value)
    return bytes(out)


def packed(data: bytes) -> bytes:
    return message(1, Compression.GZIP, value=compress(Compression.GZIP, data))


TIMED = LogConfig(message_timestamp_before_max_ms=1000)
BY_TOPIC = LogConfig(message_timestamp_type=TimestampType.LOG_APPEND_TIME)
STAMPED = message(attributes=LOG_APPEND_TIME)
STAMPED_WITHOUT_TIME = message(attributes=LOG_APPEND_TIME, timestamp_ms=-1)
TOO_OLD = message(timestamp_ms=START_MS - 2000)
TIMELESS = message(timestamp_ms=-1)
TINY = message(0, value=None)
COMPRESSING = LogConfig(compression_type=Compression.GZIP, max_message_bytes=300)


@pytest.mark.parametrize(
    ("data", "config", "code"),
    [
        (old("a"), COMPACTED, CODE.INVALID_RECORD),
        (old("a", key="k"), COMPACTED, None),
        (old("a", codec=Compression.GZIP), COMPACTED, CODE.INVALID_RECORD),
        (old("a"), LogConfig(message_timestamp_after_max_ms=0), None),
        (
            old("a", "b"),
            LogConfig(message_timestamp_after_max_ms=0, message_timestamp_before_max_ms=0),
            CODE.INVALID_TIMESTAMP,
        ),
        (old("a", "b", magic=0), LogConfig(message_timestamp_after_max_ms=0), None),
        (STAMPED, LogConfig(), None),
        (STAMPED, BY_TOPIC, CODE.INVALID_TIMESTAMP),
        (STAMPED_WITHOUT_TIME, LogConfig(), CODE.INVALID_TIMESTAMP),
        (message(0, LOG_APPEND_TIME), LogConfig(), None),
        (message(0, LOG_APPEND_TIME), BY_TOPIC, None),
        # What one says of its time is true of no other, and each is looked at.
        (message(timestamp_ms=-1) + STAMPED, LogConfig(), None),
        (STAMPED + TOO_OLD, TIMED, CODE.INVALID_TIMESTAMP),
        (TOO_OLD + STAMPED, TIMED, CODE.INVALID_TIMESTAMP),
        (message() + STAMPED, TIMED, None),
        # A wrapper's word is for all that are in it.
        (packed(STAMPED_WITHOUT_TIME + TIMELESS), LogConfig(), None),
        (
            message(
                1, Compression.GZIP | LOG_APPEND_TIME, -1, compress(Compression.GZIP, TIMELESS)
            ),
            LogConfig(),
            CODE.INVALID_TIMESTAMP,
        ),
        (message(timestamp_ms=-2), LogConfig(), CODE.UNKNOWN_SERVER_ERROR),
        (message() + message(timestamp_ms=-(2**63)), BY_TOPIC, CODE.UNKNOWN_SERVER_ERROR),
        (packed(message(timestamp_ms=-2)), LogConfig(), CODE.UNKNOWN_SERVER_ERROR),
        (message(timestamp_ms=-2), TIMED, CODE.INVALID_TIMESTAMP),
        (message(timestamp_ms=-1) + message(timestamp_ms=2**63 - 1), LogConfig(), None),
        (message(0, timestamp_ms=-2), LogConfig(), None),
        (old("a" * 100)[:-1] + b"b", LogConfig(max_message_bytes=100), CODE.MESSAGE_TOO_LARGE),
        (TINY * 50, COMPRESSING, None),
        (TINY * 50, LogConfig(max_message_bytes=300), CODE.MESSAGE_TOO_LARGE),
        (old("a" * 100), LogConfig(max_message_bytes=100), CODE.MESSAGE_TOO_LARGE),
        (old(*"abcdefghijklmnop"), LogConfig(max_message_bytes=80), CODE.MESSAGE_TOO_LARGE),
        (old("a")[:-1], LogConfig(), CODE.INVALID_RECORD),
        (old("a") + old("b")[:-1], LogConfig(), None),
        (old("a")[:-1] + b"b", LogConfig(), CODE.CORRUPT_MESSAGE),
        (old("a") + old("b", codec=Compression.GZIP), LogConfig(), CODE.INVALID_RECORD),
    ],
)
def test_what_is_taken(
    world: LogWorld, data: bytes, config: LogConfig, code: ErrorCode | None
) -> None:
    assert refusal(world, data, config) is code


def test_what_is_too_large_in_any_case_is_not_read_to_its_end(
    world: LogWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request of 100 MB may hold four million of the smallest."""
    read = []

    def noted(frame: memoryview) -> Message:
        read.append(frame)
        return read_message(frame)

    monkeypatch.setattr("broker.log.old_formats.read_message", noted)
    config = LogConfig(max_message_bytes=61 + 8 * 10)
    assert refusal(world, TINY * 1000, config) is CODE.MESSAGE_TOO_LARGE
    assert len(read) == 11, "each takes at least 7 bytes and its key"
    monkeypatch.setattr("broker.wire.message_set.MOST_MESSAGES", 20)
    read.clear()
    assert refusal(world, TINY * 1000, COMPRESSING) is CODE.MESSAGE_TOO_LARGE
    assert len(read) == 20


def test_it_is_made_ready_by_another_thread(world: LogWorld) -> None:
    log = world.open()
    data = memoryview(old("a", "b"))
    assert log.must_prepare(data)
    log.append_as_leader(log.prepared(data), 0)
    assert [record.value for record in read_batches(log)[0].records()] == [b"a", b"b"]
