"""Row 44: a client asks what the broker speaks, and gets nothing that it can use.

Source: KIP-511; https://github.com/twmb/franz-go/pull/1011. A client asks ApiVersions in its newest
version, for it can't know the broker's. A broker that closes the connection on one that it does not
know, or answers in the version that it was asked in, turns away all clients of the future. So the
answer is that of version 0, which all can read, with UNSUPPORTED_VERSION and the broker's versions
of ApiVersions itself: the client asks again, on the same connection. (The client of the source took
the one row for all that the broker speaks.)

Provoked by clients that ask in versions of the future, and by those of the past who never ask.
"""

import socket
import struct
import warnings
from collections.abc import Iterator
from contextlib import ExitStack

import confluent_kafka
import pytest

from broker.wire.apis import API_TABLE, ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages.api_versions import ApiVersionsRequest, ApiVersionsResponse
from tests.support.cluster import Kind, TestCluster, running_cluster
from tests.support.raw_client import RawClient

with warnings.catch_warnings():
    # It reads its schemas at import by a function that Python 3.11 calls deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    import kafka

pytestmark = pytest.mark.server

TIMEOUT_S = 30.0
VALUES = [f"value {number}".encode() for number in range(20)]


@pytest.fixture(scope="module", params=["zbroker", pytest.param("kafka", marks=pytest.mark.matrix)])
def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestCluster]:
    kind: Kind = request.param
    with running_cluster(kind, tmp_path_factory.mktemp("row-44"), brokers=1) as cluster:
        yield cluster


@pytest.fixture
def connection(cluster: TestCluster) -> Iterator[socket.socket]:
    host, _, port = cluster.address(1).partition(":")
    with socket.create_connection((host, int(port)), timeout=TIMEOUT_S) as connection:
        yield connection


def ask(connection: socket.socket, version: int, correlation_id: int, body: bytes) -> bytes:
    """The answer to ApiVersions in this version, without its size."""
    frame = struct.pack(">hhih", ApiKey.API_VERSIONS, version, correlation_id, 3) + b"new" + body
    connection.sendall(struct.pack(">i", len(frame)) + frame)
    (size,) = struct.unpack(">i", connection.recv(4, socket.MSG_WAITALL))
    return connection.recv(size, socket.MSG_WAITALL)


@pytest.mark.parametrize("version", [5, 99, 32767, -1])
def test_an_unknown_version_is_answered_as_version_0(
    connection: socket.socket, version: int
) -> None:
    """Whatever else the request says, in whatever form."""
    answer = ask(connection, version, 7, b"\x00nobody knows what comes here")
    row = (ApiKey.API_VERSIONS, 0, 4)
    assert answer == struct.pack(">ihihhh", 7, ErrorCode.UNSUPPORTED_VERSION, 1, *row)


def test_a_client_of_the_future_goes_on(connection: socket.socket) -> None:
    """It asks again in the newest version that both know, and learns all that the broker speaks."""
    refusal = ask(connection, 9, 1, b"\0")
    _, _, _, _, _, newest = struct.unpack(">ihihhh", refusal)
    # Tags; the client's name and version, compact; tags.
    unlikely = ask(connection, newest, 2, b"\0" + b"\x07future" + b"\x0410." + b"\0")
    assert struct.unpack_from(">ih", unlikely) == (2, ErrorCode.INVALID_REQUEST)
    answer = ask(connection, newest, 3, b"\0" + b"\x07future" + b"\x0310" + b"\0")
    correlation_id, error_code, count = struct.unpack_from(">ihB", answer)
    assert (correlation_id, error_code) == (3, ErrorCode.NONE)
    assert count - 1 >= len(API_TABLE)


def test_every_version_lists_the_same(cluster: TestCluster) -> None:
    named = ApiVersionsRequest(client_software_name="a", client_software_version="1")
    with RawClient(cluster.address(1)) as client:
        rows = []
        for version in range(5):
            answer = client.ask(ApiKey.API_VERSIONS, version, named)
            assert isinstance(answer, ApiVersionsResponse)
            assert answer.error_code == ErrorCode.NONE
            rows.append(
                {(row.api_key, row.min_version, row.max_version) for row in answer.api_keys}
            )
    assert all(of_a_version == rows[0] for of_a_version in rows)
    assert (ApiKey.API_VERSIONS, 0, 4) in rows[0]


def test_librdkafka_that_never_asks(cluster: TestCluster) -> None:
    """It goes by the version that the user names for the broker."""
    common = {
        "bootstrap.servers": cluster.bootstrap,
        "api.version.request": False,
        "broker.version.fallback": "0.11.0",
        "log_level": 0,
    }
    producer = confluent_kafka.Producer(common)
    for value in VALUES:
        producer.produce("librdkafka", value, partition=0)
    assert producer.flush(TIMEOUT_S) == 0
    with ExitStack() as stack:
        consumer = confluent_kafka.Consumer({**common, "group.id": "librdkafka"})
        stack.callback(consumer.close)
        consumer.assign([confluent_kafka.TopicPartition("librdkafka", 0, 0)])
        messages = consumer.consume(len(VALUES), timeout=TIMEOUT_S)
    assert [message.value() for message in messages] == VALUES


def test_kafka_python_that_never_asks(cluster: TestCluster) -> None:
    common = {"bootstrap_servers": cluster.bootstrap, "api_version": (0, 11)}
    producer = kafka.KafkaProducer(**common)
    for value in VALUES:
        producer.send("kafka-python", value, partition=0)
    producer.flush(TIMEOUT_S)
    producer.close()
    consumer = kafka.KafkaConsumer(**common, consumer_timeout_ms=int(TIMEOUT_S * 1000))
    try:
        consumer.assign([kafka.TopicPartition("kafka-python", 0)])
        consumer.seek(kafka.TopicPartition("kafka-python", 0), 0)
        assert [next(consumer).value for _ in VALUES] == VALUES
    finally:
        consumer.close()
