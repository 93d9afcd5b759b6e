"""Message sets of old producers: what becomes of them in a log, and what is refused."""

import pytest

from broker.log.log_config import LogConfig, TimestampType
from broker.wire.compression import Compression
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.format_conversion import message_set_of
from broker.wire.message_set import LOG_APPEND_TIME, put_message
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


def by_append_time() -> bytes:
    out = bytearray()
    put_message(out, 0, 1, LOG_APPEND_TIME, START_MS, b"k", b"v")
    return bytes(out)


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
        (by_append_time(), LogConfig(), None),
        (
            by_append_time(),
            LogConfig(message_timestamp_type=TimestampType.LOG_APPEND_TIME),
            CODE.INVALID_TIMESTAMP,
        ),
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


def test_it_is_made_ready_by_another_thread(world: LogWorld) -> None:
    log = world.open()
    data = memoryview(old("a", "b"))
    assert log.must_prepare(data)
    log.append_as_leader(log.prepared(data), 0)
    assert [record.value for record in read_batches(log)[0].records()] == [b"a", b"b"]
