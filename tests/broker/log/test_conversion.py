"""compression.type: the codec changes, and nothing else does."""

import pytest

from broker.log.log_config import LogConfig, TimestampType
from broker.log.values import Origin
from broker.wire.compression import Compression
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.record_batch import CONTROL, RecordBatch, build_batch
from broker.wire.records import Record
from tests.broker.log.logs import START_MS, LogWorld, make_batch, read_batches
from tests.support.batches import lying, misnumbered

CODECS = list(Compression)
WORDS = tuple(f"value {number} " * 20 for number in range(50))


def appended(world: LogWorld, data: bytearray, config: LogConfig) -> RecordBatch:
    world.config = config
    log = world.open()
    log.append_as_leader(data, 3)
    [batch] = read_batches(log)
    batch.check_crc()
    return batch


@pytest.mark.parametrize("target", CODECS)
@pytest.mark.parametrize("source", CODECS)
def test_from_any_codec_to_any_other(
    world: LogWorld, source: Compression, target: Compression
) -> None:
    data = make_batch(*WORDS, key="k", compression=source, producer=(7, 2, 40))
    came = bytes(data)
    batch = appended(world, data, LogConfig(compression_type=target))
    assert batch.codec == target
    assert (batch.base_offset, batch.leader_epoch, batch.count) == (0, 3, 50)
    assert (batch.producer_id, batch.producer_epoch, batch.base_sequence) == (7, 2, 40)
    assert batch.max_timestamp_ms == START_MS + 49
    assert [record.value for record in batch.records()] == [word.encode() for word in WORDS]
    assert [record.timestamp_ms - START_MS for record in batch.records()] == list(range(50))
    if source is target:
        assert bytes(batch.view)[21:] == came[21:], "what came in the right codec stays as it is"


@pytest.mark.parametrize(
    ("codec", "fast", "small"),
    [(Compression.GZIP, 1, 9), (Compression.LZ4, 9, 12), (Compression.ZSTD, -50, 19)],
)
def test_the_topics_level(world: LogWorld, codec: Compression, fast: int, small: int) -> None:
    """Of lz4, 9 is the default and the fast compressor, as in Kafka."""

    def size_bytes(level: int) -> int:
        name = f"compression_{codec.name.lower()}_level"
        world.directory = world.directory.with_name(f"level{level}-0")
        config = LogConfig(compression_type=codec, **{name: level})  # type: ignore[arg-type]
        return appended(world, make_batch(*WORDS), config).size_bytes

    assert size_bytes(small) < size_bytes(fast)


def test_log_append_time_is_stamped_on_the_converted_batch(world: LogWorld) -> None:
    config = LogConfig(
        compression_type=Compression.ZSTD, message_timestamp_type=TimestampType.LOG_APPEND_TIME
    )
    world.clock.now_ms = 9_999
    batch = appended(world, make_batch("a", "b"), config)
    assert batch.codec == Compression.ZSTD
    assert [record.timestamp_ms for record in batch.records()] == [9_999, 9_999]


def test_sizes_count_before_and_after(world: LogWorld) -> None:
    opened = make_batch(*WORDS)
    packed = make_batch(*WORDS, compression=Compression.GZIP)
    limit = len(opened) - 1
    too_large, too_long = ErrorCode.MESSAGE_TOO_LARGE, ErrorCode.RECORD_LIST_TOO_LARGE
    for data, config, code in (
        (opened, LogConfig(compression_type=Compression.GZIP, max_message_bytes=limit), too_large),
        (packed, LogConfig(compression_type=Compression.NONE, max_message_bytes=limit), too_large),
        (packed, LogConfig(compression_type=Compression.NONE, segment_bytes=limit), too_long),
    ):
        with pytest.raises(KafkaError) as caught:
            appended(world, data, config)
        assert caught.value.code is code
    fits = LogConfig(compression_type=Compression.GZIP, segment_bytes=limit)
    assert appended(world, opened, fits).size_bytes < limit


def test_a_batch_sent_again_is_known_in_its_new_codec(world: LogWorld) -> None:
    world.config = LogConfig(compression_type=Compression.LZ4)
    log = world.open()
    data = make_batch("a", "b", producer=(1, 0, 0))
    assert not log.append_as_leader(bytearray(data), 0).is_duplicate
    assert log.append_as_leader(bytearray(data), 0).is_duplicate


def test_a_transaction_marker_stays_as_it_is(world: LogWorld) -> None:
    world.config = LogConfig(compression_type=Compression.ZSTD)
    log = world.open()
    marker = build_batch(
        [Record(b"\0\0\0\1", b"\0\0\0\0\0\0", START_MS)],
        is_control=True,
        is_transactional=True,
        producer_id=1,
        producer_epoch=0,
    )
    log.append_as_leader(marker, 0, Origin.COORDINATOR)
    [batch] = read_batches(log)
    assert batch.attributes & CONTROL
    assert batch.codec == Compression.NONE


def test_another_thread_prepares_without_touching_the_log(world: LogWorld) -> None:
    world.config = LogConfig(compression_type=Compression.GZIP)
    log = world.open()
    data = memoryview(make_batch(*WORDS))
    assert log.must_compress(data)
    ready = log.prepared(data)
    assert log.log_end_offset == 0
    log.append_as_leader(ready, 0)
    [batch] = read_batches(log)
    assert [record.value for record in batch.records()] == [word.encode() for word in WORDS]
    refused = log.prepared(data[:-1])
    assert refused.is_refused
    with pytest.raises(KafkaError):
        log.append_as_leader(refused, 0)


def test_what_is_prepared_is_opened_once_unless_the_topic_changes(
    world: LogWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = world.open()
    data = memoryview(make_batch(*WORDS, compression=Compression.ZSTD))
    opened = []
    open_batch = RecordBatch.opened

    def counted(batch: RecordBatch, most_bytes: int = 0) -> memoryview:
        opened.append(batch)
        return open_batch(batch)

    monkeypatch.setattr(RecordBatch, "opened", counted)
    log.append_as_leader(log.prepared(data), 0)
    assert len(opened) == 1
    ready = log.prepared(data)
    log.update_config(LogConfig(compression_type=Compression.GZIP))
    log.append_as_leader(ready, 0)
    assert len(opened) == 3
    monkeypatch.undo()
    assert [batch.codec for batch in read_batches(log)] == [Compression.ZSTD, Compression.GZIP]


# What a header or the numbers of records say wrongly


@pytest.mark.parametrize("target", [None, Compression.NONE, Compression.LZ4])
@pytest.mark.parametrize("codec", [Compression.NONE, Compression.ZSTD])
@pytest.mark.parametrize("says", [1, 2**62, -1])
def test_the_records_say_what_the_latest_timestamp_is(
    world: LogWorld, codec: Compression, target: Compression | None, says: int
) -> None:
    """Else a producer whose clock is right has its records deleted, or kept for ever."""
    data = lying(make_batch("a", "b", compression=codec), max_timestamp=says)
    batch = appended(world, bytearray(data), LogConfig(compression_type=target))
    assert batch.max_timestamp_ms == START_MS + 1
    assert [record.value for record in batch.records()] == [b"a", b"b"]


def test_there_may_be_no_timestamp_at_all(world: LogWorld) -> None:
    data = lying(make_batch("a", timestamp_ms=-5), max_timestamp=7)
    assert appended(world, bytearray(data), LogConfig()).max_timestamp_ms == -1


def test_a_sum_of_timestamps_has_64_bits(world: LogWorld) -> None:
    data = lying(make_batch("a", "b"), base_timestamp=2**63 - 1)
    assert appended(world, bytearray(data), LogConfig()).max_timestamp_ms == -1


RECORDS = [
    Record(b"k", value, START_MS + at, (("h", b"1"),)) for at, value in enumerate((b"a", b"b"))
]
COMPACTED = LogConfig(cleanup_policy=frozenset({"compact"}))


@pytest.mark.parametrize(
    ("codec", "config"),
    [
        (Compression.ZSTD, LogConfig()),
        (Compression.ZSTD, LogConfig(compression_type=Compression.NONE)),
        (Compression.ZSTD, COMPACTED),
        (Compression.NONE, COMPACTED),
    ],
)
def test_records_that_do_not_count_up_are_numbered_anew(
    world: LogWorld, codec: Compression, config: LogConfig
) -> None:
    """Compaction and consumers could make nothing of offsets beyond the batch's."""
    batch = appended(world, misnumbered(RECORDS, codec, 0, 7), config)
    assert (batch.last_offset, batch.max_timestamp_ms) == (1, START_MS + 1)
    assert [(record.offset, record.value) for record in batch.records()] == [(0, b"a"), (1, b"b")]
    assert [record.headers for record in batch.records()] == [(("h", b"1"),)] * 2
