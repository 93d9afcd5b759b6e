"""Clients from before Kafka 0.11: they send and read message sets of formats 0 and 1.

One broker, of either kind; every expectation was read off the real 3.9.1, and holds there too:
`pytest --cluster kafka`. kafka-python still has the old formats, and with `api_version` the
requests of those times; it's the old client here. What it wouldn't send is sent raw.
"""

import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import NewTopic

from broker.wire.apis import ApiKey
from broker.wire.compression import Compression
from broker.wire.errors import ErrorCode
from broker.wire.format_conversion import message_set_of
from broker.wire.message_set import (
    CUT_SHORT,
    LOG_APPEND_TIME,
    Message,
    messages,
    messages_in,
    put_message,
)
from broker.wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic, PartitionData
from broker.wire.messages.produce import (
    PartitionProduceData,
    PartitionProduceResponse,
    ProduceRequest,
    TopicProduceData,
)
from broker.wire.record_batch import batches, build_batch
from broker.wire.records import Record
from tests.support.cluster import Kind, TestCluster, running_cluster
from tests.support.raw_client import RawClient
from tests.support.topics import make_topics

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # while it is imported
    import kafka

pytestmark = pytest.mark.server

E = ErrorCode
TIME_MS = 1_700_000_000_000
TIMEOUT_S = 30.0
OLD_CODECS = [Compression.NONE, Compression.GZIP, Compression.SNAPPY, Compression.LZ4]
TOPICS: dict[str, dict[str, str]] = {
    "old": {"retention.ms": "-1"},
    "old-compacted": {"cleanup.policy": "compact"},
    "old-time": {"message.timestamp.type": "LogAppendTime"},
    "old-zstd": {"compression.type": "zstd", "retention.ms": "-1"},
    "old-small": {"max.message.bytes": "200"},
    "old-refusing": {"message.downconversion.enable": "false"},
    "old-markers": {"segment.bytes": "1500"},
    **{
        f"old-{magic}-{codec.name.lower()}": {"retention.ms": "-1"}
        for magic in (0, 1, 2)
        for codec in Compression
    },
}


@pytest.fixture(scope="module")
def cluster(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestCluster]:
    properties = {
        "offsets.topic.replication.factor": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
    }
    directory = tmp_path_factory.mktemp("old-clients")
    with running_cluster(kind, directory, brokers=1, properties=properties) as cluster:
        new = [NewTopic(name, 1, 1, config=config) for name, config in TOPICS.items()]
        make_topics(cluster.bootstrap, *new)
        yield cluster


@pytest.fixture
def client(cluster: TestCluster) -> Iterator[RawClient]:
    with RawClient(cluster.bootstrap) as client:
        yield client


def produced(
    client: RawClient, topic: str, records: bytes, version: int = 2
) -> PartitionProduceResponse:
    data = PartitionProduceData(index=0, records=records)
    topics = [TopicProduceData(name=topic, partition_data=[data])]
    request = ProduceRequest(acks=-1, timeout_ms=5000, topic_data=topics)
    answer = client.ask(ApiKey.PRODUCE, version, request)
    [partition] = answer.responses[0].partition_responses
    assert isinstance(partition, PartitionProduceResponse)
    return partition


def fetched(
    client: RawClient, topic: str, version: int, offset: int = 0, max_wait_ms: int = 5000
) -> PartitionData:
    entry = FetchPartition(partition=0, fetch_offset=offset, partition_max_bytes=1 << 20)
    topics = [FetchTopic(topic=topic, partitions=[entry])]
    request = FetchRequest(max_wait_ms=max_wait_ms, min_bytes=1, max_bytes=1 << 20, topics=topics)
    answer = client.ask(ApiKey.FETCH, version, request)
    [partition] = answer.responses[0].partitions
    assert isinstance(partition, PartitionData)
    return partition


def message_set(
    *values: str,
    magic: int = 1,
    codec: Compression = Compression.NONE,
    key: bytes | None = None,
    time_ms: int = TIME_MS,
) -> bytes:
    records = [Record(key, value.encode(), time_ms + at) for at, value in enumerate(values)]
    return message_set_of(build_batch(records, compression=codec), magic, 0, 1 << 20)


def wrapper(
    value: bytes | None,
    attributes: int,
    magic: int = 1,
    offset: int = 0,
    time_ms: int = TIME_MS,
) -> bytes:
    out = bytearray()
    put_message(out, offset, magic, attributes, time_ms, None, value)
    return bytes(out)


def value_of(data: bytes) -> bytes | None:
    [message] = messages(memoryview(data))
    return message.value


# kafka-python


@pytest.mark.parametrize("codec", [None, "gzip"])
@pytest.mark.parametrize("version", [(0, 9), (0, 10, 0), (0, 10, 2)])
def test_kafka_python_of_those_times(
    cluster: TestCluster, name: str, version: tuple[int, ...], codec: str | None
) -> None:
    """It produces, and is one of a group that consumes."""
    make_topics(cluster.bootstrap, NewTopic(name, 1, 1))
    values = [f"value {number}".encode() for number in range(200)]
    common: dict[str, Any] = {"bootstrap_servers": cluster.bootstrap, "api_version": version}
    producer = kafka.KafkaProducer(compression_type=codec, linger_ms=5, **common)
    sent = [producer.send(name, value) for value in values]
    assert [each.get(TIMEOUT_S).offset for each in sent] == list(range(200))
    producer.close()
    consumer = kafka.KafkaConsumer(
        name,
        group_id=name,
        auto_offset_reset="earliest",
        consumer_timeout_ms=int(TIMEOUT_S * 1000),
        **common,
    )
    found = [next(consumer) for _ in values]
    consumer.close()
    assert [record.value for record in found] == values
    assert [record.offset for record in found] == list(range(200))


# What is sent


@pytest.mark.parametrize("codec", OLD_CODECS)
@pytest.mark.parametrize("magic", [0, 1])
def test_a_message_set_is_kept_as_one_batch(
    client: RawClient, magic: int, codec: Compression
) -> None:
    topic = f"old-{magic}-{codec.name.lower()}"
    for version in (0, 1, 2):
        start = 3 * version
        answer = produced(
            client, topic, message_set("a", "b", "c", magic=magic, codec=codec), version
        )
        assert (E(answer.error_code), answer.base_offset) == (E.NONE, start)
        [batch] = batches(bytes(fetched(client, topic, 12, start).records))  # type: ignore[arg-type]
        assert (batch.base_offset, batch.count, batch.codec) == (start, 3, codec)
        times = [TIME_MS + at if magic else -1 for at in range(3)]
        assert [(record.value, record.timestamp_ms) for record in batch.records()] == [
            *zip((b"a", b"b", b"c"), times, strict=True)
        ]
        assert batch.max_timestamp_ms == max(times)
        assert not batch.is_log_append_time


def test_it_gets_the_topics_time_and_codec(client: RawClient) -> None:
    answer = produced(client, "old-time", message_set("a"))
    assert answer.log_append_time_ms > TIME_MS
    [batch] = batches(bytes(fetched(client, "old-time", 12, answer.base_offset).records))  # type: ignore[arg-type]
    assert batch.is_log_append_time
    assert batch.max_timestamp_ms == answer.log_append_time_ms
    answer = produced(client, "old-zstd", message_set("a", codec=Compression.GZIP))
    [batch] = batches(bytes(fetched(client, "old-zstd", 12, answer.base_offset).records))  # type: ignore[arg-type]
    assert batch.codec == Compression.ZSTD


PLAIN, PACKED = message_set("a", "b"), message_set("a", "b", codec=Compression.GZIP)
BATCH = bytes(build_batch([Record(value=b"v")]))
SENT: dict[str, tuple[str, bytes, int, ErrorCode]] = {
    "format 2 in version 2": ("old", BATCH, 2, E.NONE),
    "format 2 behind format 1": ("old", PLAIN + BATCH, 2, E.INVALID_RECORD),
    "a wrong CRC of format 2 behind it": ("old", PLAIN + BATCH[:-1] + b"x", 2, E.CORRUPT_MESSAGE),
    "format 1 behind format 2": ("old", BATCH + PLAIN, 2, E.INVALID_RECORD),
    "format 1 behind it in version 9": ("old", BATCH + PLAIN, 9, E.INVALID_RECORD),
    "format 1 in version 3": ("old", PLAIN, 3, E.INVALID_RECORD),
    "format 0 in version 9": ("old", message_set("a", magic=0), 9, E.INVALID_RECORD),
    "nothing": ("old", b"", 2, E.NONE),
    "half a message": ("old", PLAIN[:30], 2, E.NONE),
    "one and a half": ("old", PLAIN[:-1], 2, E.NONE),
    "both formats": ("old", message_set("a", magic=0) + PLAIN, 2, E.INVALID_RECORD),
    "two wrappers": ("old", PACKED * 2, 2, E.INVALID_RECORD),
    "a wrapper beside messages": ("old", PLAIN + PACKED, 2, E.INVALID_RECORD),
    "a wrong CRC": ("old", PLAIN[:-1] + b"c", 2, E.CORRUPT_MESSAGE),
    "a size below any": ("old", PLAIN[:8] + bytes(4) + PLAIN[12:], 2, E.CORRUPT_MESSAGE),
    "an empty wrapper": ("old", wrapper(None, Compression.GZIP), 2, E.INVALID_RECORD),
    "zstd": ("old", wrapper(b"x", Compression.ZSTD), 2, E.INVALID_RECORD),
    "no codec": ("old", wrapper(b"x", 5), 2, E.UNKNOWN_SERVER_ERROR),
    "no codec, and nothing in it": ("old", wrapper(None, 7), 2, E.UNKNOWN_SERVER_ERROR),
    "no gzip": ("old", wrapper(b"x" * 50, Compression.GZIP), 2, E.UNKNOWN_SERVER_ERROR),
    "an offset within": (
        "old",
        wrapper(value_of(PACKED), Compression.GZIP, offset=0),
        2,
        E.NONE,
    ),
    "an offset too low": (
        "old",
        wrapper(
            value_of(message_set("a", "b", "c", codec=Compression.GZIP)), Compression.GZIP, offset=1
        ),
        2,
        E.INVALID_RECORD,
    ),
    "formats in one another": (
        "old",
        wrapper(value_of(PACKED), Compression.GZIP, magic=0),
        2,
        E.INVALID_RECORD,
    ),
    "no key": ("old-compacted", PLAIN, 2, E.INVALID_RECORD),
    "a key": ("old-compacted", message_set("a", key=b"k"), 2, E.NONE),
    "no keys, packed": ("old-compacted", PACKED, 2, E.INVALID_RECORD),
    "the broker's time": ("old", wrapper(b"v", LOG_APPEND_TIME), 2, E.NONE),
    "the broker's time, to it": (
        "old-time",
        wrapper(b"v", LOG_APPEND_TIME),
        2,
        E.INVALID_TIMESTAMP,
    ),
    "the broker's time, without one": (
        "old",
        wrapper(b"v", LOG_APPEND_TIME, time_ms=-1),
        2,
        E.INVALID_TIMESTAMP,
    ),
    "the broker's time in format 0": ("old", wrapper(b"v", LOG_APPEND_TIME, 0), 2, E.NONE),
    "it there, to it": ("old-time", wrapper(b"v", LOG_APPEND_TIME, 0), 2, E.NONE),
    "one without a time, one of the broker's": (
        "old",
        wrapper(b"v", 0, time_ms=-1) + wrapper(b"v", LOG_APPEND_TIME),
        2,
        E.NONE,
    ),
    "before all time": ("old", message_set("a", time_ms=-2), 2, E.UNKNOWN_SERVER_ERROR),
    "before all time, to the broker's": (
        "old-time",
        PLAIN + message_set("a", time_ms=-(2**63)),
        2,
        E.UNKNOWN_SERVER_ERROR,
    ),
    "before all time, packed": (
        "old",
        message_set("a", time_ms=-2, codec=Compression.GZIP),
        2,
        E.UNKNOWN_SERVER_ERROR,
    ),
    "too large, with a wrong CRC": (
        "old-small",
        message_set("x" * 200)[:-1] + b"y",
        2,
        E.MESSAGE_TOO_LARGE,
    ),
    "too large": ("old-small", message_set("x" * 200), 2, E.MESSAGE_TOO_LARGE),
    "too large together": ("old-small", message_set("x" * 90, "x" * 90), 2, E.MESSAGE_TOO_LARGE),
}


@pytest.mark.parametrize("name", SENT)
def test_what_is_taken(client: RawClient, name: str) -> None:
    topic, data, version, code = SENT[name]
    answer = produced(client, topic, data, version)
    assert E(answer.error_code) is code
    nothing = code is not E.NONE or name in ("nothing", "half a message")
    assert (answer.base_offset == -1) == nothing


# What is read


RECORDS = [
    Record(b"k", b"a" * 100, TIME_MS, (("header", b"lost"),)),
    Record(None, b"b" * 100, TIME_MS + 9),
    Record(b"k", None, TIME_MS + 5),
]


def flat(data: bytes) -> list[tuple[int, int, int, bytes | None, bytes | None]]:
    """(offset, codec, timestamp, key, value) of each message, as consumers have them."""
    found = []

    def add(message: Message, offset: int, codec: int) -> None:
        found.append((offset, codec, message.timestamp_ms, message.key, message.value))

    for message in messages(memoryview(data)):
        if not message.codec:
            add(message, message.offset, 0)
            continue
        inner = list(messages_in(message))
        start = message.offset - inner[-1].offset
        assert message.magic or start == 0
        for each in inner:
            add(each, start + each.offset, message.codec)
    return found


@pytest.mark.parametrize("version", [0, 1, 2, 3])
@pytest.mark.parametrize("codec", OLD_CODECS)
def test_batches_are_read_in_the_old_formats(
    client: RawClient, codec: Compression, version: int
) -> None:
    topic = f"old-2-{codec.name.lower()}"
    if fetched(client, topic, 12).high_watermark == 0:
        for _ in range(2):
            produced(client, topic, bytes(build_batch(RECORDS, compression=codec)), 9)
    magic = 0 if version < 2 else 1
    answer = fetched(client, topic, version)
    data = bytes(answer.records)  # type: ignore[arg-type]
    assert (E(answer.error_code), answer.high_watermark) == (E.NONE, 6)
    assert {message.magic for message in messages(memoryview(data))} == {magic}
    expected = [
        (offset, int(codec), record.timestamp_ms if magic else -1, record.key, record.value)
        for offset, record in enumerate(RECORDS * 2)
    ]
    assert flat(data) == expected[: len(flat(data))]
    assert len(flat(data)) >= 3, "at least a batch: Kafka fills up what it has read, and no more"
    second = flat(bytes(fetched(client, topic, version, 4).records))  # type: ignore[arg-type]
    assert second == expected[4 if codec is Compression.NONE else 3 :]


def test_zstd_has_no_old_format(client: RawClient) -> None:
    topic = "old-2-zstd"
    produced(client, topic, bytes(build_batch(RECORDS)), 9)
    produced(client, topic, bytes(build_batch(RECORDS, compression=Compression.ZSTD)), 9)
    for version in (0, 3):
        found = fetched(client, topic, version)
        assert [each[0] for each in flat(bytes(found.records))] == [0, 1, 2]  # type: ignore[arg-type]
        assert E(fetched(client, topic, version, 3).error_code) is E.UNSUPPORTED_COMPRESSION_TYPE
    produced(client, "old-zstd", bytes(build_batch(RECORDS)), 9)
    assert E(fetched(client, "old-zstd", 3).error_code) is E.UNSUPPORTED_COMPRESSION_TYPE


def test_who_reads_gets_past_a_segments_end(
    cluster: TestCluster, client: RawClient, kind: Kind
) -> None:
    """It ends with a transaction's marker. Kafka's old readers give up there.

    They are told so by a message that is cut short, as if one were larger than what they asked for.
    """
    topic = "old-markers"
    common = {"bootstrap.servers": cluster.bootstrap, "log_level": 0}
    producer = Producer({**common, "transactional.id": topic})
    producer.init_transactions(TIMEOUT_S)
    for value in (b"a", b"b"):
        producer.begin_transaction()
        producer.produce(topic, value * 1000)
        producer.commit_transaction(TIMEOUT_S)
    first = list(batches(bytes(fetched(client, topic, 12).records)))  # type: ignore[arg-type]
    assert [batch.is_control for batch in first] == [False, True], "it ends with the segment"
    for version in (0, 3):
        assert [each[0] for each in flat(bytes(fetched(client, topic, version).records))] == [0]  # type: ignore[arg-type]
        behind = fetched(client, topic, version, 1)
        assert (E(behind.error_code), behind.high_watermark) == (E.NONE, 4)
        found = bytes(behind.records)  # type: ignore[arg-type]
        at_the_end = bytes(fetched(client, topic, version, 3, max_wait_ms=100).records)  # type: ignore[arg-type]
        if kind == "kafka":
            assert found == at_the_end == CUT_SHORT
        else:
            assert [each[0] for each in flat(found)] == [2]
            assert at_the_end == b""


def test_kafka_python_gets_past_a_segments_end(cluster: TestCluster, kind: Kind) -> None:
    consumer = kafka.KafkaConsumer(
        "old-markers",
        bootstrap_servers=cluster.bootstrap,
        api_version=(0, 10, 2),
        auto_offset_reset="earliest",
        consumer_timeout_ms=int(TIMEOUT_S * 1000),
    )
    try:
        assert next(consumer).value == b"a" * 1000
        if kind == "kafka":
            with pytest.raises(kafka.errors.KafkaError):
                next(consumer)
        else:
            assert next(consumer).value == b"b" * 1000
    finally:
        consumer.close()


def test_a_topic_may_refuse(client: RawClient) -> None:
    assert E(produced(client, "old-refusing", PLAIN).error_code) is E.NONE
    for version, code in ((0, E.UNSUPPORTED_VERSION), (3, E.UNSUPPORTED_VERSION), (4, E.NONE)):
        assert E(fetched(client, "old-refusing", version).error_code) is code


def test_the_brokers_time_is_said_to_be(client: RawClient) -> None:
    produced(client, "old-time", message_set("a", codec=Compression.GZIP))
    found = list(messages(memoryview(bytes(fetched(client, "old-time", 3).records))))  # type: ignore[arg-type]
    assert found
    assert all(message.is_log_append_time for message in found)
    assert all(message.timestamp_ms > TIME_MS for message in found)
