"""Bytes that are no request, and clients that do not behave. (Damaged requests: tests/fuzz.)

A frame that cannot be understood costs its sender the connection and nobody else anything; the
broker lives, its memory stays, and an answer is never another request's. It holds for the real
Kafka too (`--cluster kafka`), but for what `ours_alone` says.
"""

import random
import socket
import struct
from collections.abc import Iterator

import pytest

from broker.wire.apis import ApiKey
from broker.wire.messages.api_versions import ApiVersionsRequest
from broker.wire.messages.metadata import MetadataRequest
from tests.support.cluster import Kind, TestCluster
from tests.support.memory import resident_mb
from tests.support.raw_client import CLOSED, RawClient

pytestmark = pytest.mark.server

LARGEST_FRAME_BYTES = 104_857_600  # socket.request.max.bytes
CORRELATION_ID = 77
BROKER = 1


@pytest.fixture
def client(cluster: TestCluster) -> Iterator[RawClient]:
    with RawClient(cluster.address(BROKER)) as client:
        yield client


@pytest.fixture
def ours_alone(kind: Kind) -> None:
    """Kafka allocates what is announced, and leaves a request that its handler stumbles over
    without an answer for ever; it speaks Produce 2, too."""
    if kind == "kafka":
        pytest.skip("Kafka does not do so")


def is_served(cluster: TestCluster) -> bool:
    """Whether a good request on a new connection gets its answer."""
    with RawClient(cluster.address(BROKER)) as other:
        answer = other.ask(ApiKey.METADATA, 9, MetadataRequest(topics=[]))
        return len(answer.brokers) == len(cluster.brokers)


def request(api_key: int, version: int, body: bytes = b"") -> bytes:
    frame = struct.pack(">hhih", api_key, version, CORRELATION_ID, 3) + b"raw" + body
    return struct.pack(">i", len(frame)) + frame


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(struct.pack(">i", LARGEST_FRAME_BYTES + 1), id="a byte too large"),
        pytest.param(struct.pack(">i", 2**31 - 1), id="the largest size"),
        pytest.param(struct.pack(">i", -1), id="a negative size"),
        pytest.param(struct.pack(">i", 0), id="an empty frame"),
        pytest.param(struct.pack(">i", 5) + b"\0\3\0\1\0", id="half a header"),
        pytest.param(request(999, 0), id="no such API"),
        pytest.param(request(-1, 0), id="a negative API"),
        pytest.param(request(52, 0, bytes(40)), id="an API of KRaft"),
        pytest.param(request(58, 0, bytes(40)), id="Envelope"),
        pytest.param(request(3, 99, bytes(40)), id="a version to come"),
        pytest.param(request(3, -1), id="a negative version"),
        pytest.param(request(3, 1, b"\x7f\xff\xff\xff"), id="an endless array"),
        pytest.param(request(3, 1, b"\0\0\0\1\xff\xff"), id="a null name"),
        pytest.param(request(3, 9, b"\0\1\0\0\0\1\x63\x7f"), id="a tag that lies"),
        pytest.param(request(3, 12, b"\0" + b"\xff" * 9 + b"\1"), id="an endless varint"),
        pytest.param(request(11, 0, b"\0\1g" + bytes(6) + b"\xff\xff\xff\xff"), id="a null array"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", id="HTTP"),
        pytest.param(bytes.fromhex("16030100c8010000c40303") + b"a" * 200, id="TLS"),
    ],
)
def test_it_is_closed_and_nobody_else(
    cluster: TestCluster, client: RawClient, frame: bytes
) -> None:
    with RawClient(cluster.address(BROKER)) as bystander:
        assert bystander.ask(ApiKey.API_VERSIONS, 3, ApiVersionsRequest()) is not CLOSED
        assert client.send_raw(frame) is CLOSED
        connection = bystander.socket
        assert bystander.ask(ApiKey.METADATA, 9, MetadataRequest(topics=[])) is not CLOSED
        assert bystander.socket is connection  # the same one, all the while
    assert is_served(cluster)


def test_a_frame_cut_short(cluster: TestCluster, client: RawClient) -> None:
    whole = request(ApiKey.METADATA, 1, b"\0\0\0\0")
    for size in (1, 3, 4, 10, len(whole) - 1):
        assert client.send_raw(whole[:size], end=True) is CLOSED
    assert is_served(cluster)


@pytest.mark.parametrize("seed", range(5))
def test_random_bytes(cluster: TestCluster, client: RawClient, seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(20):
        data = rng.randbytes(rng.randint(4, 2000))
        # Half of them in a proper frame: the header is read then.
        framed = struct.pack(">i", len(data)) + data if rng.random() < 0.5 else b"\x7f" + data
        assert client.send_raw(framed, end=True) is CLOSED
    assert is_served(cluster)


def test_ten_thousand_small_requests_at_once(cluster: TestCluster, client: RawClient) -> None:
    """Sent by one who reads only afterwards: their answers wait in the sockets, not in the broker.

    The sockets hold less than all that, so the sending stalls: the broker does not look at a
    request while the answer before it waits to be read.
    """
    sent = 0
    frames = b"".join(
        struct.pack(">ihhih", 10, ApiKey.API_VERSIONS, 0, number, -1) for number in range(10_000)
    )
    client.socket.settimeout(1.0)
    try:
        while sent < len(frames):
            sent += client.socket.send(frames[sent : sent + 65536])
    except TimeoutError:
        pass  # as expected where the buffers are small
    assert is_served(cluster)
    client.socket.settimeout(20.0)
    complete = sent // 14
    for number in range(complete):
        assert struct.unpack_from(">i", client.read_frame()) == (number,)


@pytest.mark.usefixtures("ours_alone")
def test_announcements_without_bytes(cluster: TestCluster) -> None:
    """Twenty clients say that a hundred megabytes follow, and send five bytes a second."""
    before = resident_mb(cluster.brokers[BROKER].pid)
    connections = [socket.create_connection(_host_and_port(cluster)) for _ in range(20)]
    try:
        for connection in connections:
            connection.sendall(struct.pack(">i", LARGEST_FRAME_BYTES) + b"hello")
        assert is_served(cluster)
        assert resident_mb(cluster.brokers[BROKER].pid) - before < 100
    finally:
        for connection in connections:
            connection.close()
    assert is_served(cluster)


def _host_and_port(cluster: TestCluster) -> tuple[str, int]:
    host, _, port = cluster.address(BROKER).partition(":")
    return host, int(port)
