"""Bad input: each gets the answer Kafka gives, and everyone else is served on.

Every expectation was read off the real 3.9.1, and holds there too: `pytest --cluster kafka`. Where
we knowingly differ, the entry says so. All the while a bystander produces and consumes on the same
brokers.
"""

import threading
from collections.abc import Iterator
from uuid import UUID

import attrs
import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import NewTopic

from broker.wire.apis import ApiKey
from broker.wire.compression import Compression
from broker.wire.errors import ErrorCode
from broker.wire.messages.alter_partition import AlterPartitionRequest
from broker.wire.messages.controlled_shutdown import ControlledShutdownRequest
from broker.wire.messages.create_topics import (
    CreatableReplicaAssignment,
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
)
from broker.wire.messages.delete_topics import DeleteTopicsRequest, DeleteTopicState
from broker.wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic
from broker.wire.messages.init_producer_id import InitProducerIdRequest
from broker.wire.messages.leader_and_isr import LeaderAndIsrRequest
from broker.wire.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from broker.wire.messages.metadata import MetadataRequest, MetadataRequestTopic
from broker.wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from broker.wire.messages.produce import (
    PartitionProduceData,
    PartitionProduceResponse,
    ProduceRequest,
    TopicProduceData,
)
from broker.wire.record_batch import build_batch
from broker.wire.records import Record
from tests.support.batches import lying
from tests.support.cluster import Kind, TestCluster
from tests.support.raw_client import RawClient
from tests.support.topics import make_topics, wait_until_known

pytestmark = pytest.mark.server

E = ErrorCode
TIMESTAMP_MS = 1_700_000_000_000
LEADER = 1  # of all topics here
OFFSETS_TOPIC = "__consumer_offsets"
MAX_MESSAGE_BYTES = 1000

TOPICS: dict[str, dict[str, str]] = {
    # The batches are of 2023: the broker's retention would delete them when it next looks.
    "bad-plain": {"retention.ms": "-1"},
    "bad-compacted": {"cleanup.policy": "compact"},
    "bad-small": {"max.message.bytes": str(MAX_MESSAGE_BYTES)},
    "bad-sequences": {"retention.ms": "-1"},
    "bad-bystander": {},
}


# As long as the cluster: who runs tests side by side may come to this module twice.
@pytest.fixture(scope="session")
def topics(cluster: TestCluster) -> None:
    """One partition each, with its only replica on LEADER."""
    new = [
        NewTopic(name, 1, replica_assignment=[[LEADER]], config=config)
        for name, config in TOPICS.items()
    ]
    make_topics(cluster.bootstrap, *new)


@pytest.fixture
def client(cluster: TestCluster, topics: None) -> Iterator[RawClient]:
    with RawClient(cluster.address(LEADER)) as client:
        yield client


@pytest.fixture
def controller(cluster: TestCluster, topics: None) -> Iterator[RawClient]:
    with RawClient(cluster.address(LEADER)) as client:
        metadata = client.ask(ApiKey.METADATA, 9, MetadataRequest(topics=[]))
    with RawClient(cluster.address(metadata.controller_id)) as client:
        yield client


@pytest.fixture(scope="module", autouse=True)
def bystander(cluster: TestCluster, topics: None) -> Iterator[None]:
    """Somebody else, who produces and consumes from the first test to the last."""
    stop = threading.Event()
    failures: list[str] = []
    counts = {"acknowledged": 0, "consumed": 0}

    def acknowledged(error: object, _message: object) -> None:
        if error is not None:
            failures.append(str(error))
        counts["acknowledged"] += 1

    def go_on() -> None:
        producer = Producer({"bootstrap.servers": cluster.bootstrap, "linger.ms": 0})
        consumer = Consumer(
            {
                "bootstrap.servers": cluster.bootstrap,
                "group.id": "bad-bystander",
                "auto.offset.reset": "earliest",
            }
        )
        consumer.subscribe(["bad-bystander"])
        produced = 0
        while not stop.is_set():
            producer.produce("bad-bystander", str(produced), on_delivery=acknowledged)
            produced += 1
            producer.poll(0)
            for message in consumer.consume(100, timeout=0.02):
                if message.error() is not None:
                    failures.append(str(message.error()))
                counts["consumed"] += 1
        assert producer.flush(30) == 0
        for message in iter(lambda: consumer.poll(5 if counts["consumed"] < produced else 0), None):
            counts["consumed"] += message.error() is None
        consumer.close()

    thread = threading.Thread(target=go_on)
    thread.start()
    yield
    stop.set()
    thread.join(60)
    assert not thread.is_alive()
    assert failures == []
    assert counts["consumed"] == counts["acknowledged"] > 0


# Batches


def batch(*values: bytes, key: bytes | None = b"k", **options: object) -> bytes:
    records = [Record(key, value, TIMESTAMP_MS) for value in values or (b"v",)]
    return bytes(build_batch(records, **options))  # type: ignore[arg-type]


def counting(data: bytes, count: int) -> bytes:
    return lying(data, count=count, last_offset_delta=count - 1)


@attrs.frozen
class Batch:
    """What is produced, and the code that both give. `ours`: where we knowingly differ."""

    name: str
    records: bytes
    expected: ErrorCode
    topic: str = "bad-plain"
    partition: int = 0
    acks: int = -1
    version: int = 9
    transactional_id: str | None = None
    ours: ErrorCode | None = None


TWO_MB = bytes(1_100_000)
COMPACTED = "bad-compacted"
CODECS = [codec for codec in Compression if codec is not Compression.NONE]

BATCHES = [
    Batch("good", batch(), E.NONE),
    Batch("acks 5", batch(), E.INVALID_REQUIRED_ACKS, acks=5),
    Batch("acks -2", batch(), E.INVALID_REQUIRED_ACKS, acks=-2),
    Batch("no batch", b"", E.INVALID_RECORD),
    Batch("two batches", batch() * 2, E.INVALID_RECORD),
    Batch("a cut batch", batch()[:-1], E.INVALID_RECORD),
    Batch("a cut header", batch()[:40], E.INVALID_RECORD),
    Batch("5 bytes behind it", batch() + b"abcde", E.NONE),
    Batch("100 bytes behind it", batch() + b"a" * 100, E.CORRUPT_MESSAGE),
    Batch("100 zeros behind it", batch() + bytes(100), E.CORRUPT_MESSAGE),
    Batch("a wrong CRC", lying(batch(), crc=1), E.CORRUPT_MESSAGE),
    *(
        Batch(f"format {magic}", lying(batch(), magic=magic), code)
        for magic, code in (
            (0, E.INVALID_RECORD),
            (1, E.INVALID_RECORD),
            (3, E.CORRUPT_MESSAGE),
            (-1, E.CORRUPT_MESSAGE),
        )
    ),
    Batch("larger than message.max.bytes", batch(TWO_MB), E.MESSAGE_TOO_LARGE),
    Batch(
        "larger than max.message.bytes",
        batch(bytes(MAX_MESSAGE_BYTES)),
        E.MESSAGE_TOO_LARGE,
        topic="bad-small",
    ),
    Batch("length 0", lying(batch(), length=0), E.CORRUPT_MESSAGE),
    Batch("length 20", lying(batch(), length=20), E.CORRUPT_MESSAGE),
    Batch("a negative length", lying(batch(), length=-1), E.CORRUPT_MESSAGE),
    # Kafka adds 12 to it, and has an integer that overflows.
    Batch(
        "the largest length",
        lying(batch(), length=2**31 - 1),
        E.UNKNOWN_SERVER_ERROR,
        ours=E.INVALID_RECORD,
    ),
    *(
        Batch(f"base offset {offset}", lying(batch(), base_offset=offset), E.INVALID_RECORD)
        for offset in (5, -1, 2**63 - 1)
    ),
    Batch("another last offset", lying(batch(), last_offset_delta=5), E.INVALID_RECORD),
    *(
        Batch(f"{count} records said, 3 there", counting(batch(b"1", b"2", b"3"), count), code)
        for count, code in (
            (3, E.NONE),
            (-1, E.INVALID_RECORD),
            (0, E.INVALID_RECORD),
            (2, E.INVALID_RECORD),
            (5, E.INVALID_RECORD),
            (2**31 - 1, E.INVALID_RECORD),
        )
    ),
    Batch("a control batch", batch(is_control=True), E.INVALID_RECORD),
    Batch(
        "transactional without transactional id",
        batch(is_transactional=True, producer_id=77, producer_epoch=0, base_sequence=0),
        E.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    ),
    *(
        Batch(
            f"timestamp {timestamp_ms}",
            bytes(build_batch([Record(b"k", b"v", timestamp_ms)])),
            E.NONE,
        )
        for timestamp_ms in (-1, -2, 2**63 - 1)
    ),
    Batch("zstd too early", batch(compression=Compression.ZSTD), E(76), version=6),
    Batch("zstd in time", batch(compression=Compression.ZSTD), E.NONE, version=7),
    Batch("partition -1", batch(), E.UNKNOWN_TOPIC_OR_PARTITION, partition=-1),
    Batch("partition 99", batch(), E.UNKNOWN_TOPIC_OR_PARTITION, partition=99),
    *(
        Batch(f"topic {topic!r}", batch(), E.UNKNOWN_TOPIC_OR_PARTITION, topic=topic)
        for topic in ("unknown", "", "..", "a/b", "tö☃")
    ),
    Batch("no key on a compacted topic", batch(key=None), E.INVALID_RECORD, topic=COMPACTED),
    *(
        Batch(
            f"{codec.name.lower()} that isn't, {topic}",
            lying(batch(), attributes=codec),
            E.UNKNOWN_SERVER_ERROR,
            topic=topic,
        )
        for codec in CODECS
        for topic in ("bad-plain", COMPACTED)
    ),
    *(
        Batch(
            f"{codec.name.lower()} with another count, {topic}",
            counting(batch(b"1", b"2", compression=codec), 3),
            E.INVALID_RECORD,
            topic=topic,
        )
        for codec in CODECS
        for topic in ("bad-plain", COMPACTED)
    ),
]


def produce(client: RawClient, case: Batch) -> ErrorCode:
    return ErrorCode(answer_to(client, case).error_code)


def answer_to(client: RawClient, case: Batch) -> PartitionProduceResponse:
    request = ProduceRequest(
        acks=case.acks,
        timeout_ms=5000,
        transactional_id=case.transactional_id,
        topic_data=[
            TopicProduceData(
                name=case.topic,
                partition_data=[PartitionProduceData(index=case.partition, records=case.records)],
            )
        ],
    )
    answer = client.ask(ApiKey.PRODUCE, case.version, request)
    [partition] = answer.responses[0].partition_responses
    assert isinstance(partition, PartitionProduceResponse)
    return partition


@pytest.mark.parametrize("case", BATCHES, ids=lambda case: case.name)
def test_a_bad_batch(client: RawClient, kind: Kind, case: Batch) -> None:
    expected = case.expected if kind == "kafka" or case.ours is None else case.ours
    assert produce(client, case) is expected


@pytest.mark.parametrize(
    ("name", "log_start_offset"),
    [
        ("acks 5", -1),
        ("no batch", -1),
        ("two batches", -1),
        ("a wrong CRC", -1),
        ("larger than message.max.bytes", -1),
        ("partition 99", -1),
        ("base offset 5", 0),
        ("a control batch", 0),
        ("no key on a compacted topic", 0),
    ],
)
def test_whether_a_refusal_tells_where_the_log_starts(
    client: RawClient, name: str, log_start_offset: int
) -> None:
    [case] = [case for case in BATCHES if case.name == name]
    answer = answer_to(client, case)
    assert (answer.base_offset, answer.log_start_offset) == (-1, log_start_offset)


def test_sequences_of_a_producer(client: RawClient) -> None:
    def send(epoch: int, sequence: int, producer_id: int = 1001) -> ErrorCode:
        records = batch(producer_id=producer_id, producer_epoch=epoch, base_sequence=sequence)
        return produce(client, Batch("", records, E.NONE, topic="bad-sequences"))

    out_of_order, old_epoch = E.OUT_OF_ORDER_SEQUENCE_NUMBER, E.INVALID_PRODUCER_EPOCH
    assert [send(0, 5), send(0, 6), send(0, 6)] == [E.NONE] * 3  # the last one: a duplicate
    assert [send(0, 9), send(0, 2), send(1, 3)] == [out_of_order] * 3
    assert [send(1, 0), send(0, 7)] == [E.NONE, old_epoch]
    assert [send(0, -1, 1002), send(0, -2, 1002)] == [E.INVALID_RECORD] * 2
    assert send(-2, 0, 1003) is old_epoch


def test_no_client_writes_to_an_internal_topic(cluster: TestCluster, client: RawClient) -> None:
    """The bystander's group makes the topic; its garbage would end up in the coordinators."""
    wait_until_known(cluster.bootstrap, OFFSETS_TOPIC)
    metadata = client.ask(
        ApiKey.METADATA, 9, MetadataRequest(topics=[MetadataRequestTopic(name=OFFSETS_TOPIC)])
    )
    partition = metadata.topics[0].partitions[0]
    with RawClient(cluster.address(partition.leader_id)) as leader:
        case = Batch("", batch(), E.NONE, OFFSETS_TOPIC, partition.partition_index)
        assert produce(leader, case) is E.INVALID_TOPIC_EXCEPTION


def test_a_partition_named_twice_is_appended_to_once(client: RawClient) -> None:
    entry = PartitionProduceData(index=0, records=batch())
    request = ProduceRequest(
        acks=1,
        timeout_ms=5000,
        topic_data=[TopicProduceData(name="bad-plain", partition_data=[entry, entry])],
    )
    [before] = list_offsets(client, -1)
    client.ask(ApiKey.PRODUCE, 9, request)
    [after] = list_offsets(client, -1)
    assert after.offset == before.offset + 1


# Reading


def fetch(client: RawClient, version: int = 12, **options: int) -> tuple[ErrorCode, bool]:
    """The partition's code, and whether there were records."""
    names = attrs.fields_dict(FetchPartition).keys() & options.keys()
    entry = FetchPartition(
        **{"partition": 0, "partition_max_bytes": 1 << 20} | {n: options.pop(n) for n in names}
    )
    limits = {"max_wait_ms": 100, "min_bytes": 1, "max_bytes": 1 << 20} | options
    topic = FetchTopic(topic="bad-plain", partitions=[entry])
    answer = client.ask(ApiKey.FETCH, version, FetchRequest(topics=[topic], **limits))
    if answer.error_code:
        return ErrorCode(answer.error_code), False
    [data] = answer.responses[0].partitions
    return ErrorCode(data.error_code), bool(data.records)


INT_MAX, INT_MIN = 2**31 - 1, -(2**31)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, (E.NONE, True)),
        ({"max_bytes": 0}, (E.NONE, True)),  # one batch at least: KIP-74
        ({"max_bytes": INT_MAX, "partition_max_bytes": INT_MAX}, (E.NONE, True)),
        ({"partition_max_bytes": 0}, (E.NONE, True)),
        ({"min_bytes": INT_MAX, "max_wait_ms": -5}, (E.NONE, True)),
        ({"min_bytes": INT_MAX, "max_wait_ms": INT_MIN}, (E.NONE, True)),
        ({"min_bytes": -1}, (E.NONE, True)),
        ({"fetch_offset": -1}, (E.OFFSET_OUT_OF_RANGE, False)),
        ({"fetch_offset": 2**63 - 1}, (E.OFFSET_OUT_OF_RANGE, False)),
        ({"partition": -1}, (E.UNKNOWN_TOPIC_OR_PARTITION, False)),
        ({"partition": 99}, (E.UNKNOWN_TOPIC_OR_PARTITION, False)),
        ({"current_leader_epoch": 5}, (E.UNKNOWN_LEADER_EPOCH, False)),
        ({"current_leader_epoch": -2}, (E.NONE, True)),
        ({"session_id": 77, "session_epoch": 1}, (E.FETCH_SESSION_ID_NOT_FOUND, False)),
        ({"session_id": 0, "session_epoch": 1}, (E.FETCH_SESSION_ID_NOT_FOUND, False)),
        ({"session_id": 77, "session_epoch": -1}, (E.NONE, True)),
        ({"session_id": 0, "session_epoch": -2}, (E.FETCH_SESSION_ID_NOT_FOUND, False)),
    ],
    ids=str,
)
def test_an_odd_fetch(
    client: RawClient, options: dict[str, int], expected: tuple[ErrorCode, bool]
) -> None:
    assert produce(client, BATCHES[0]) is E.NONE
    assert fetch(client, **options) == expected


@pytest.mark.parametrize("replica_id", [1, 2, 99, INT_MAX])
def test_who_pretends_to_be_a_follower_reads_nothing(client: RawClient, replica_id: int) -> None:
    """Else anyone could read what is not committed yet, and count for the high watermark."""
    code, has_records = fetch(client, replica_id=replica_id)
    assert code in (E.NOT_LEADER_OR_FOLLOWER, E.UNKNOWN_LEADER_EPOCH)
    assert not has_records


def list_offsets(
    client: RawClient, *timestamps: int, version: int = 7
) -> list[ListOffsetsPartitionResponse]:
    request = ListOffsetsRequest(
        replica_id=-1,
        topics=[
            ListOffsetsTopic(
                name="bad-plain",
                partitions=[ListOffsetsPartition(timestamp=timestamp) for timestamp in timestamps],
            )
        ],
    )
    partitions = client.ask(ApiKey.LIST_OFFSETS, version, request).topics[0].partitions
    return list(partitions)


@pytest.mark.parametrize(
    ("timestamp", "version", "expected"),
    [
        (-1, 1, E.NONE),
        (-2, 1, E.NONE),
        (-3, 6, E.UNSUPPORTED_VERSION),
        (-3, 7, E.NONE),
        (-4, 7, E.UNSUPPORTED_VERSION),
        (-4, 8, E.NONE),
        (-5, 8, E.UNSUPPORTED_VERSION),
        (-5, 9, E.NONE),
        (-6, 9, E.UNSUPPORTED_VERSION),
        (-(2**63), 9, E.UNSUPPORTED_VERSION),
        (2**63 - 1, 9, E.NONE),
    ],
)
def test_odd_timestamps(
    client: RawClient, timestamp: int, version: int, expected: ErrorCode
) -> None:
    assert [at.error_code for at in list_offsets(client, timestamp, version=version)] == [expected]


def test_offsets_of_a_partition_asked_for_twice(client: RawClient) -> None:
    assert [at.error_code for at in list_offsets(client, -1, -1)] == [E.INVALID_REQUEST] * 2


# Topics


def topic(name: str, partitions: int = 1, replicas: int = 1, **more: object) -> CreatableTopic:
    return CreatableTopic(
        name=name,
        num_partitions=partitions,
        replication_factor=replicas,
        **more,  # type: ignore[arg-type]
    )


def assigned(*replicas: list[int]) -> CreatableTopic:
    return topic(
        "bad-new",
        -1,
        -1,
        assignments=[
            CreatableReplicaAssignment(partition_index=at, broker_ids=ids)
            for at, ids in enumerate(replicas)
        ],
    )


def configured(name: str, value: str | None) -> CreatableTopic:
    return topic("bad-new", configs=[CreatableTopicConfig(name=name, value=value)])


ILLEGAL_NAMES = ["", ".", "..", "a/b", "a b", "a\0b", "x" * 250, "tö", "☃"]

NEW_TOPICS = [
    *((topic(name), E.INVALID_TOPIC_EXCEPTION) for name in ILLEGAL_NAMES),
    (topic("x" * 249), E.NONE),
    (topic("bad-plain"), E.TOPIC_ALREADY_EXISTS),
    (topic("bad_plain"), E.NONE),
    (topic("__cluster_metadata"), E.INVALID_REQUEST),
    (topic("bad-new", 0), E.INVALID_PARTITIONS),
    (topic("bad-new", -2), E.INVALID_PARTITIONS),
    (topic("bad-new", 1, 0), E.INVALID_REPLICATION_FACTOR),
    (topic("bad-new", 1, 4), E.INVALID_REPLICATION_FACTOR),
    (topic("bad-new", 1, 32767), E.INVALID_REPLICATION_FACTOR),
    (assigned([1, 1]), E.INVALID_REPLICA_ASSIGNMENT),
    (assigned([1], [1, 2]), E.INVALID_REPLICA_ASSIGNMENT),
    (configured("retention.ms", "abc"), E.INVALID_CONFIG),
    (configured("retention.ms", None), E.INVALID_CONFIG),
    (configured("no.such.config", "1"), E.INVALID_CONFIG),
    (configured("cleanup.policy", "burn"), E.INVALID_CONFIG),
]


@pytest.mark.parametrize(
    ("new", "expected"),
    NEW_TOPICS,
    ids=[f"{new.name[:12]!r}-{code.name}" for new, code in NEW_TOPICS],
)
def test_a_topic_that_cannot_be(
    controller: RawClient, new: CreatableTopic, expected: ErrorCode
) -> None:
    request = CreateTopicsRequest(topics=[new], timeout_ms=5000, validate_only=True)
    [result] = controller.ask(ApiKey.CREATE_TOPICS, 7, request).topics
    assert result.error_code == expected


def test_a_topic_named_twice(controller: RawClient) -> None:
    request = CreateTopicsRequest(topics=[topic("bad-twice")] * 2, timeout_ms=5000)
    results = controller.ask(ApiKey.CREATE_TOPICS, 7, request).topics
    assert [result.error_code for result in results] == [E.INVALID_REQUEST] * 2


@pytest.mark.parametrize("name", ["unknown", *ILLEGAL_NAMES])
def test_deleting_what_is_not_there(controller: RawClient, name: str) -> None:
    old = DeleteTopicsRequest(topic_names=[name], timeout_ms=5000)
    new = DeleteTopicsRequest(topics=[DeleteTopicState(name=name)], timeout_ms=5000)
    for version, request in ((5, old), (6, new)):
        [result] = controller.ask(ApiKey.DELETE_TOPICS, version, request).responses
        assert result.error_code == E.UNKNOWN_TOPIC_OR_PARTITION


def test_deleting_by_name_and_id_at_once(controller: RawClient) -> None:
    both = DeleteTopicState(name="unknown", topic_id=UUID(int=7))
    answer = controller.ask(ApiKey.DELETE_TOPICS, 6, DeleteTopicsRequest(topics=[both]))
    assert [result.error_code for result in answer.responses] == [E.INVALID_REQUEST]


@pytest.mark.parametrize(
    ("version", "asked", "expected"),
    [
        (9, {"name": "a/b"}, E.INVALID_TOPIC_EXCEPTION),
        (9, {"name": ".."}, E.INVALID_TOPIC_EXCEPTION),
        (9, {"name": "tö"}, E.INVALID_TOPIC_EXCEPTION),
        (9, {"name": "unknown"}, E.UNKNOWN_TOPIC_OR_PARTITION),
        (10, {"name": None, "topic_id": UUID(int=9)}, E.INVALID_REQUEST),
        (12, {"name": None, "topic_id": UUID(int=9)}, E.UNKNOWN_TOPIC_ID),
        (12, {"name": "bad-plain", "topic_id": UUID(int=9)}, E.UNKNOWN_TOPIC_ID),
    ],
)
def test_metadata_of_what_is_not_there(
    client: RawClient, version: int, asked: dict[str, object], expected: ErrorCode
) -> None:
    wanted = MetadataRequestTopic(**asked)  # type: ignore[arg-type]
    request = MetadataRequest(topics=[wanted], allow_auto_topic_creation=False)
    answer = client.ask(ApiKey.METADATA, version, request)
    assert [found.error_code for found in answer.topics] == [expected]


# Ids and offsets


@pytest.mark.parametrize(("producer_id", "epoch"), [(5, -1), (-1, 5)])
def test_half_a_producer(client: RawClient, producer_id: int, epoch: int) -> None:
    request = InitProducerIdRequest(producer_id=producer_id, producer_epoch=epoch)
    assert client.ask(ApiKey.INIT_PRODUCER_ID, 4, request).error_code == E.INVALID_REQUEST


def test_odd_offset_commits(cluster: TestCluster, client: RawClient) -> None:
    """Whoever coordinates: the codes of the partitions that exist nowhere are everyone's."""
    entry = OffsetCommitRequestPartition(partition_index=-1, committed_metadata="")
    wanted = OffsetCommitRequestTopic(name="bad-plain", partitions=[entry, entry])
    request = OffsetCommitRequest(group_id="a/b", retention_time_ms=2**63 - 1, topics=[wanted])
    answer = client.ask(ApiKey.OFFSET_COMMIT, 2, request)
    codes = {p.error_code for found in answer.topics for p in found.partitions}
    assert codes == {E.UNKNOWN_TOPIC_OR_PARTITION}


@pytest.mark.parametrize(
    ("api_key", "version", "request_", "expected"),
    [
        (ApiKey.ALTER_PARTITION, 3, AlterPartitionRequest(broker_id=99), E.STALE_BROKER_EPOCH),
        (
            ApiKey.CONTROLLED_SHUTDOWN,
            3,
            ControlledShutdownRequest(broker_id=1, broker_epoch=5),
            E.STALE_BROKER_EPOCH,
        ),
        (
            ApiKey.LEADER_AND_ISR,
            7,
            LeaderAndIsrRequest(controller_id=99, controller_epoch=0, broker_epoch=-1),
            E.STALE_CONTROLLER_EPOCH,
        ),
    ],
    ids=["AlterPartition", "ControlledShutdown", "LeaderAndIsr"],
)
def test_a_stranger_among_the_brokers(
    controller: RawClient, api_key: ApiKey, version: int, request_: object, expected: ErrorCode
) -> None:
    assert controller.ask(api_key, version, request_).error_code == expected
