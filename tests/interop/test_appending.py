"""What a topic's configuration does to a batch: refused, stamped, compressed anew.

Every expectation was read off the real 3.9.1, and holds there too: `pytest --cluster kafka`. Not
only the code counts but all that the answer says, the names of single records among it. (What no
topic takes is in test_bad_input.)
"""

import json
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs
import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import NewTopic

from broker.wire.apis import ApiKey
from broker.wire.compression import Compression
from broker.wire.errors import ErrorCode
from broker.wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic
from broker.wire.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from broker.wire.messages.produce import (
    PartitionProduceData,
    PartitionProduceResponse,
    ProduceRequest,
    TopicProduceData,
)
from broker.wire.record_batch import RecordBatch, batches, build_batch, stamp_append_time
from broker.wire.records import Record
from tests.support.batches import lying, misnumbered
from tests.support.cluster import Kind, TestCluster
from tests.support.kafka import kafka_tool
from tests.support.raw_client import RawClient
from tests.support.topics import make_topics

pytestmark = pytest.mark.server

E = ErrorCode
LEADER = 1  # of all topics here
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
CODECS = {
    "uncompressed": Compression.NONE,
    "gzip": Compression.GZIP,
    "snappy": Compression.SNAPPY,
    "lz4": Compression.LZ4,
    "zstd": Compression.ZSTD,
}
WORDS = [f"value {number} of a batch that is worth compressing" for number in range(500)]

TOPICS: dict[str, dict[str, str]] = {
    "append-plain": {"retention.ms": "-1"},
    "append-compacted": {"cleanup.policy": "compact"},
    "append-both": {"cleanup.policy": "compact,delete", "message.timestamp.after.max.ms": "1000"},
    "append-bounded": {
        "message.timestamp.before.max.ms": str(DAY_MS),
        "message.timestamp.after.max.ms": str(HOUR_MS),
    },
    "append-since": {"message.timestamp.before.max.ms": str(DAY_MS)},
    "append-difference": {"message.timestamp.difference.max.ms": str(HOUR_MS)},
    "append-difference-and-after": {
        "message.timestamp.difference.max.ms": str(HOUR_MS),
        "message.timestamp.after.max.ms": str(DAY_MS),
    },
    "append-time": {"message.timestamp.type": "LogAppendTime"},
    "append-time-bounded": {
        "message.timestamp.type": "LogAppendTime",
        "message.timestamp.before.max.ms": "1",
        "message.timestamp.after.max.ms": "1",
    },
    "append-short-segments": {"segment.bytes": "1000"},
    "append-opened-small": {"compression.type": "uncompressed", "max.message.bytes": "1000"},
    "append-packed-small": {"compression.type": "gzip", "max.message.bytes": "1000"},
    "append-packed-segments": {"compression.type": "gzip", "segment.bytes": "1000"},
    **{f"append-{name}": {"compression.type": name, "retention.ms": "-1"} for name in CODECS},
    **{f"append-read-{name}": {"compression.type": name, "retention.ms": "-1"} for name in CODECS},
    "append-quick-gzip": {"compression.type": "gzip", "compression.gzip.level": "1"},
    "append-small-gzip": {"compression.type": "gzip", "compression.gzip.level": "9"},
    "append-quick-zstd": {"compression.type": "zstd", "compression.zstd.level": "-100"},
    "append-small-zstd": {"compression.type": "zstd", "compression.zstd.level": "19"},
    "append-quick-lz4": {"compression.type": "lz4"},
    "append-small-lz4": {"compression.type": "lz4", "compression.lz4.level": "12"},
    "append-offsets": {"segment.bytes": "1000"},
}


@pytest.fixture(scope="session")
def appending_topics(cluster: TestCluster) -> None:
    """One partition each, with its only replica on LEADER."""
    make_topics(
        cluster.bootstrap,
        *(
            NewTopic(name, 1, replica_assignment=[[LEADER]], config=config)
            for name, config in TOPICS.items()
        ),
    )


@pytest.fixture
def client(cluster: TestCluster, appending_topics: None) -> Iterator[RawClient]:
    with RawClient(cluster.address(LEADER)) as client:
        yield client


def now_ms() -> int:
    return int(time.time() * 1000)


def produced(
    client: RawClient, topic: str, records: bytes | bytearray, version: int = 9
) -> PartitionProduceResponse:
    data = PartitionProduceData(index=0, records=records)
    request = ProduceRequest(
        acks=-1,
        timeout_ms=5000,
        topic_data=[TopicProduceData(name=topic, partition_data=[data])],
    )
    answer = client.ask(ApiKey.PRODUCE, version, request)
    [partition] = answer.responses[0].partition_responses
    assert isinstance(partition, PartitionProduceResponse)
    return partition


def kept(client: RawClient, topic: str, offset: int) -> RecordBatch:
    """The batch that begins at `offset`, as the broker keeps it."""
    entry = FetchPartition(partition=0, fetch_offset=offset, partition_max_bytes=1 << 20)
    request = FetchRequest(
        max_wait_ms=5000,
        min_bytes=1,
        max_bytes=1 << 20,
        topics=[FetchTopic(topic=topic, partitions=[entry])],
    )
    answer = client.ask(ApiKey.FETCH, 12, request)
    found = next(batches(bytes(answer.responses[0].partitions[0].records)))
    assert found.base_offset == offset
    found.check_crc()
    return found


# Refused


@attrs.frozen
class Refusal:
    """A batch of records, each a key and how far from now it is; and all that is answered.

    `records` are the bad ones, with a pattern for what is said of each. "{topic}" is the partition.
    """

    topic: str
    sent: Sequence[tuple[bytes | None, int]]
    code: ErrorCode
    message: str | None = None
    records: dict[int, str] = attrs.field(factory=dict)
    codec: Compression = Compression.NONE
    says_append_time: bool = False


NO_KEY = "Compacted topic cannot accept message without key in topic partition {topic}"
NO_KEYS = (
    "One or more records have been rejected due to {count} record errors in total, and only "
    "showing the first three errors at most: [{shown}]"
)
OUT_OF_RANGE = (
    r"Timestamp \d+ of message with offset {at} is out of range. The timestamp should be within "
    r"\[-?\d+, -?\d+\]"  # no bound is 2^63 - 1 ms, and the sum of 64 bits goes round
)
TIMES = "One or more records have been rejected due to invalid timestamp"
NOT_YOURS = (
    r"Invalid timestamp type in message {kind}\(offset={at}, timestamp=\d+, key=1 bytes, value=5 "
    r"bytes\). Producer should not set timestamp type to LogAppendTime."
)


def no_keys(*places: int) -> str:
    shown = ", ".join(f"RecordError(batchIndex={at}, message='{NO_KEY}')" for at in places[:3])
    return NO_KEYS.format(count=len(places), shown=shown)


LATE, EARLY = 2 * HOUR_MS, -25 * HOUR_MS
REFUSALS = {
    f"{name}, {codec.name.lower()}": attrs.evolve(refusal, codec=codec)
    for codec in (Compression.NONE, Compression.ZSTD)
    for name, refusal in {
        "keys": Refusal(
            "append-compacted",
            [(b"k", 0), (None, 0), (None, 0), (None, 0), (None, 0)],
            E.INVALID_RECORD,
            no_keys(1, 2, 3, 4),
            dict.fromkeys((1, 2, 3, 4), NO_KEY),
        ),
        "late": Refusal(
            "append-bounded",
            [(None, 0), (None, LATE), (None, 1000)],
            E.INVALID_TIMESTAMP,
            TIMES,
            {1: OUT_OF_RANGE.format(at=1)},
        ),
        "early": Refusal(
            "append-bounded",
            [(None, EARLY), (None, 0), (None, EARLY)],
            E.INVALID_TIMESTAMP,
            TIMES,
            {at: OUT_OF_RANGE.format(at=at) for at in (0, 2)},
        ),
        "late by the old property": Refusal(
            "append-difference",
            [(None, LATE)],
            E.INVALID_TIMESTAMP,
            TIMES,
            {0: OUT_OF_RANGE.format(at=0)},
        ),
        "early by the old property": Refusal(
            "append-difference-and-after",
            [(None, -LATE)],
            E.INVALID_TIMESTAMP,
            TIMES,
            {0: OUT_OF_RANGE.format(at=0)},
        ),
        "early, without a bound for late": Refusal(
            "append-since",
            [(None, EARLY)],
            E.INVALID_TIMESTAMP,
            TIMES,
            {0: OUT_OF_RANGE.format(at=0)},
        ),
        "keys and times": Refusal(
            "append-both",
            [(None, 0), (b"k", LATE), (None, LATE)],
            E.INVALID_TIMESTAMP,
            TIMES,
            {0: NO_KEY, 1: OUT_OF_RANGE.format(at=1), 2: NO_KEY},
        ),
        "the broker's time": Refusal(
            "append-time",
            [(b"k", 0), (b"k", 0)],
            E.INVALID_TIMESTAMP,
            TIMES,
            {
                at: NOT_YOURS.format(
                    at=at, kind="DefaultRecord" if codec == 0 else "PartialDefaultRecord"
                )
                for at in (0, 1)
            },
            says_append_time=True,
        ),
    }.items()
} | {
    "longer than a segment": Refusal(
        "append-short-segments", [(b"k" * 1000, 0)], E.RECORD_LIST_TOO_LARGE
    ),
    "too large when opened": Refusal(
        "append-opened-small",
        [(b"k" * 1000, 0)],
        E.MESSAGE_TOO_LARGE,
        codec=Compression.GZIP,
    ),
    "too large before it is packed": Refusal(
        "append-packed-small", [(b"k" * 1000, 0)], E.MESSAGE_TOO_LARGE
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_says_all_that_kafkas_does(client: RawClient, name: str) -> None:
    case = REFUSALS[name]
    time_ms = now_ms()
    records = [Record(key, b"value", time_ms + ms) for key, ms in case.sent]
    data = build_batch(records, compression=case.codec)
    if case.says_append_time:
        stamp_append_time(memoryview(data), case.codec, time_ms)
    answer = produced(client, case.topic, data)
    partition = f"{case.topic}-0"
    expected = case.message and case.message.replace("{topic}", partition)
    assert (E(answer.error_code), answer.error_message) == (case.code, expected)
    assert (answer.base_offset, answer.log_append_time_ms) == (-1, -1)
    found = {each.batch_index: each.batch_index_error_message for each in answer.record_errors}
    assert found.keys() == case.records.keys()
    for at, pattern in case.records.items():
        assert re.fullmatch(pattern.replace("{topic}", partition), found[at] or "")


@pytest.mark.parametrize(
    ("topic", "sent"),
    [
        ("append-bounded", [(None, HOUR_MS - 60_000), (None, 60_000 - DAY_MS)]),
        ("append-difference-and-after", [(None, LATE)]),
        ("append-time-bounded", [(None, LATE), (None, EARLY)]),
        ("append-packed-segments", [(b"k" * 2000, 0)]),
    ],
)
@pytest.mark.parametrize("codec", [Compression.NONE, Compression.LZ4])
def test_what_is_within_bounds_is_taken(
    client: RawClient, topic: str, sent: Sequence[tuple[bytes | None, int]], codec: Compression
) -> None:
    records = [Record(key, b"value", now_ms() + ms) for key, ms in sent]
    answer = produced(client, topic, build_batch(records, compression=codec))
    assert E(answer.error_code) is E.NONE


def test_no_timestamp_is_within_any_bounds(client: RawClient) -> None:
    answer = produced(client, "append-bounded", build_batch([Record(None, b"value", -1)]))
    assert E(answer.error_code) is E.NONE


# Stamped


@pytest.mark.parametrize("codec", [Compression.NONE, Compression.SNAPPY])
def test_the_brokers_time(client: RawClient, codec: Compression) -> None:
    began_ms = now_ms()
    records = [Record(None, b"value", ms) for ms in (5, 7)]
    answer = produced(client, "append-time", build_batch(records, compression=codec))
    assert began_ms <= answer.log_append_time_ms <= now_ms()
    batch = kept(client, "append-time", answer.base_offset)
    assert (batch.codec, batch.is_log_append_time) == (codec, True)
    assert {record.timestamp_ms for record in batch.records()} == {answer.log_append_time_ms}


def test_who_says_that_times_are_the_brokers_where_they_are_not(client: RawClient) -> None:
    """Its timestamps are taken for its own."""
    data = build_batch([Record(None, b"value", ms) for ms in (5, 7)])
    stamp_append_time(memoryview(data), 0, 7)
    answer = produced(client, "append-plain", data)
    assert (E(answer.error_code), answer.log_append_time_ms) == (E.NONE, -1)
    batch = kept(client, "append-plain", answer.base_offset)
    assert not batch.is_log_append_time
    assert [record.timestamp_ms for record in batch.records()] == [5, 7]


# Compressed anew


@pytest.mark.parametrize("source", Compression)
@pytest.mark.parametrize("target", CODECS)
def test_a_batch_is_kept_in_its_topics_codec(
    client: RawClient, source: Compression, target: str
) -> None:
    """Small ones and large ones: we convert these elsewhere."""
    topic = f"append-{target}"
    for words in (WORDS[:2], WORDS):
        records = [Record(b"k", word.encode(), 1000 + at) for at, word in enumerate(words)]
        answer = produced(client, topic, build_batch(records, compression=source))
        batch = kept(client, topic, answer.base_offset)
        assert batch.codec == CODECS[target]
        assert (batch.count, batch.max_timestamp_ms) == (len(words), 999 + len(words))
        assert [(record.value, record.timestamp_ms) for record in batch.records()] == [
            (record.value, record.timestamp_ms) for record in records
        ]


@pytest.mark.parametrize("codec", ["gzip", "lz4", "zstd"])
def test_the_topics_level_counts(client: RawClient, codec: str) -> None:
    sizes = []
    for topic in (f"append-small-{codec}", f"append-quick-{codec}"):
        data = build_batch([Record(None, word.encode(), 1000) for word in WORDS])
        sizes.append(kept(client, topic, produced(client, topic, data).base_offset).size_bytes)
    assert sizes[0] < sizes[1]


@pytest.mark.parametrize(
    ("topic", "version", "code"),
    [
        ("append-zstd", 9, E.UNSUPPORTED_COMPRESSION_TYPE),
        ("append-zstd", 10, E.NONE),
        ("append-plain", 9, E.NONE),
    ],
)
def test_who_does_not_know_of_zstd(
    client: RawClient, topic: str, version: int, code: ErrorCode
) -> None:
    """It is the topic's codec that counts, and not the records'."""
    entry = FetchPartition(partition=0, partition_max_bytes=1 << 20)
    topics = [FetchTopic(topic=topic, partitions=[entry])]
    answer = client.ask(ApiKey.FETCH, version, FetchRequest(max_bytes=1 << 20, topics=topics))
    assert E(answer.responses[0].partitions[0].error_code) is code


CONSOLE_CONSUMER = "org.apache.kafka.tools.consumer.ConsoleConsumer"


def test_clients_read_what_was_compressed_anew(cluster: TestCluster, client: RawClient) -> None:
    """librdkafka and Java (one JVM for all codecs), each batch larger than a block of any."""
    values = [f"{number} " + "x" * 1000 for number in range(200)]
    for name in CODECS:
        came = Compression.GZIP if name == "uncompressed" else Compression.NONE
        records = [Record(None, value.encode(), 1000) for value in values]
        produced(client, f"append-read-{name}", build_batch(records, compression=came))
    for name in CODECS:
        assert read_by_librdkafka(cluster, f"append-read-{name}", 0, len(values)) == values
    said = kafka_tool(
        *(CONSOLE_CONSUMER, "--bootstrap-server", cluster.bootstrap, "--from-beginning"),
        *("--include", "append-read-.*", "--max-messages", str(len(CODECS) * len(values))),
        *("--timeout-ms", "40000"),
    )
    assert Counter(said.stdout.splitlines()) == Counter(values * len(CODECS)), said.stderr


def read_by_librdkafka(cluster: TestCluster, topic: str, start: int, count: int) -> list[str]:
    consumer = Consumer({"bootstrap.servers": cluster.bootstrap, "group.id": "append-readers"})
    consumer.assign([TopicPartition(topic, 0, start)])
    messages = consumer.consume(count, 30)
    consumer.close()
    return [(message.value() or b"").decode() for message in messages]


# What a header or the numbers of records say wrongly


@pytest.mark.parametrize("says", [1, 2**62])
@pytest.mark.parametrize("codec", list(Compression))
def test_the_latest_timestamp_is_the_records(
    client: RawClient, codec: Compression, says: int
) -> None:
    time_ms = now_ms()
    records = [Record(b"k", b"v", time_ms + at) for at in range(2)]
    data = lying(build_batch(records, compression=codec), max_timestamp=says)
    answer = produced(client, "append-plain", data)
    batch = kept(client, "append-plain", answer.base_offset)
    assert (batch.max_timestamp_ms, batch.codec) == (time_ms + 1, codec)
    assert [record.timestamp_ms for record in batch.records()] == [time_ms, time_ms + 1]


@pytest.mark.parametrize("topic", ["append-plain", "append-compacted", "append-uncompressed"])
@pytest.mark.parametrize("codec", [Compression.NONE, Compression.GZIP, Compression.ZSTD])
def test_records_are_numbered_in_their_order(
    client: RawClient, topic: str, codec: Compression, kind: Kind
) -> None:
    """But Kafka doesn't look at what isn't compressed; nor do we where nothing is compacted.

    What it would keep in its codec it means to write anew, and fails: it has skipped the values.
    """
    time_ms = now_ms()
    records = [Record(b"k", b"a", time_ms), Record(b"k", b"b", time_ms)]
    answer = produced(client, topic, misnumbered(records, codec, 0, 7))
    if kind == "kafka" and codec and topic != "append-uncompressed":
        assert E(answer.error_code) is E.UNKNOWN_SERVER_ERROR
        return
    assert E(answer.error_code) is E.NONE
    batch = kept(client, topic, answer.base_offset)
    assert batch.last_offset_delta == 1
    left = codec is Compression.NONE and (kind == "kafka" or topic != "append-compacted")
    offsets = [record.offset - batch.base_offset for record in batch.records()]
    assert offsets == ([0, 7] if left else [0, 1])


# The log start, and offsets by time


DELETE_RECORDS = "org.apache.kafka.tools.DeleteRecordsCommand"


def offset_at(
    client: RawClient, timestamp: int, version: int = 9, **asked: int
) -> ListOffsetsPartitionResponse:
    partition = ListOffsetsPartition(partition_index=0, timestamp=timestamp, **asked)
    request = ListOffsetsRequest(
        replica_id=-1,
        topics=[ListOffsetsTopic(name="append-offsets", partitions=[partition])],
    )
    [found] = client.ask(ApiKey.LIST_OFFSETS, version, request).topics[0].partitions
    assert isinstance(found, ListOffsetsPartitionResponse)
    return found


def delete_before(cluster: TestCluster, file: Path, offset: int) -> str:
    """What kafka-delete-records says of it."""
    asked = {"topic": "append-offsets", "partition": 0, "offset": offset}
    file.write_text(json.dumps({"partitions": [asked], "version": 1}))
    said = kafka_tool(
        *(DELETE_RECORDS, "--bootstrap-server", cluster.bootstrap),
        *("--offset-json-file", str(file)),
    )
    _, _, result = said.stdout.partition("partition: append-offsets-0\t")
    return result.strip()


def test_offsets_by_time_before_and_after_records_are_deleted(
    cluster: TestCluster, client: RawClient, kind: Kind, tmp_path: Path
) -> None:
    """kafka-delete-records, in the middle of a batch; and every version of ListOffsets."""
    time_ms = now_ms() - HOUR_MS
    for hundred in range(10):  # offsets 0 to 29, a segment for three batches or so
        records = [Record(None, b"x" * 100, time_ms + 100 * hundred + at) for at in range(3)]
        produced(client, "append-offsets", build_batch(records))

    def offset(timestamp: int, version: int = 9) -> tuple[int, int]:
        found = offset_at(client, timestamp, version)
        return found.offset, found.timestamp

    for version in range(1, 10):
        assert offset(-1, version) == (30, -1)
        assert offset(-2, version) == (0, -1)
        assert offset(time_ms + 401, version) == (13, time_ms + 401)
        assert offset(time_ms + 403, version) == (15, time_ms + 500)
        assert offset(time_ms + 903, version) == (-1, -1)
    assert offset(-3) == (29, time_ms + 902)
    assert offset(-4) == (0, -1)
    assert offset(-5) == (-1, -1)
    assert offset_at(client, -1, 0).old_style_offsets == [30]
    several = offset_at(client, -1, 0, max_num_offsets=99).old_style_offsets
    assert (several[0], several[-1]) == (30, 0)
    assert len(several) > 3
    assert several == sorted(several, reverse=True)
    assert offset_at(client, -2, 0, max_num_offsets=99).old_style_offsets == [0]
    assert offset_at(client, 1, 0, max_num_offsets=99).old_style_offsets == []
    assert E(offset_at(client, -3, 0).error_code) is E.UNSUPPORTED_VERSION

    def delete(offset: int) -> str:
        return delete_before(cluster, tmp_path / "offsets.json", offset)

    assert delete(13) == "low_watermark: 13"
    assert offset(-2) == offset(-4) == (13, -1)
    # Kafka looks no further than into the first segment, of which nothing is left but its file.
    assert offset(0) == ((-1, -1) if kind == "kafka" else (13, time_ms + 401))
    assert offset_at(client, -2, 0).old_style_offsets == [13]
    assert "requested offset is not within the range" in delete(31)
    assert delete(5) == "low_watermark: 13", "it never goes back"
    assert delete(-1) == "low_watermark: 30"
    assert offset(-2) == offset(-1) == (30, -1)
    assert offset(0) == (-1, -1)
