"""Bytes that are no request, clients that do not behave, and a fuzz of mutated requests.

A frame that cannot be understood costs its sender the connection and nobody else anything; the
broker lives, its memory stays, and an answer is never another request's. It holds for the real
Kafka too (`--cluster kafka`), but for what `ours_alone` says.
"""

import os
import random
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.wire.apis import API_TABLE, ApiKey
from broker.wire.framing import encode_request
from broker.wire.messages.api_versions import ApiVersionsRequest
from broker.wire.messages.metadata import MetadataRequest
from tests.broker.wire.test_fuzz import damaged
from tests.broker.wire.test_recorded import LINES, from_json, joined
from tests.support.cluster import Kind, TestCluster
from tests.support.raw_client import CLOSED, RawClient

pytestmark = pytest.mark.server

LARGEST_FRAME_BYTES = 104_857_600  # socket.request.max.bytes
CORRELATION_ID = 77
BROKER = 1

# Orders of a controller, and of one broker to another: a mutated one that is still valid may do as
# it says to the cluster. They are fuzzed without a broker, in tests/broker/wire/test_fuzz.py.
BETWEEN_BROKERS = {
    ApiKey.LEADER_AND_ISR,
    ApiKey.STOP_REPLICA,
    ApiKey.UPDATE_METADATA,
    ApiKey.CONTROLLED_SHUTDOWN,
    ApiKey.ALTER_PARTITION,
    # These may wait for as long as they say, or undo what the others need.
    ApiKey.FETCH,
    ApiKey.JOIN_GROUP,
    ApiKey.SYNC_GROUP,
    ApiKey.DELETE_TOPICS,
    ApiKey.CREATE_TOPICS,
    ApiKey.CREATE_PARTITIONS,
    ApiKey.DELETE_RECORDS,
    ApiKey.PRODUCE,
}


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


def resident_mb(cluster: TestCluster) -> float:
    pages = int(Path(f"/proc/{cluster.brokers[BROKER].pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / (1 << 20)


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
def test_produce_before_record_format_2(cluster: TestCluster, client: RawClient) -> None:
    assert client.send_raw(request(ApiKey.PRODUCE, 2, bytes(40))) is CLOSED
    assert is_served(cluster)


@pytest.mark.usefixtures("ours_alone")
def test_announcements_without_bytes(cluster: TestCluster) -> None:
    """Twenty clients say that a hundred megabytes follow, and send five bytes a second."""
    before = resident_mb(cluster)
    connections = [socket.create_connection(_host_and_port(cluster)) for _ in range(20)]
    try:
        for connection in connections:
            connection.sendall(struct.pack(">i", LARGEST_FRAME_BYTES) + b"hello")
        assert is_served(cluster)
        assert resident_mb(cluster) - before < 100
    finally:
        for connection in connections:
            connection.close()
    assert is_served(cluster)


def _host_and_port(cluster: TestCluster) -> tuple[str, int]:
    host, _, port = cluster.address(BROKER).partition(":")
    return host, int(port)


# The fuzz


def good_frames() -> list[tuple[ApiKey, bytes]]:
    """The recorded requests and all messages' defaults, but those between brokers."""
    recorded = [
        (API_TABLE[line["key"]], line["version"], line["request"])
        for line in LINES
        if line["key"] not in BETWEEN_BROKERS
    ]
    frames = [
        (api.key, encode_request(api.key, version, CORRELATION_ID, "fuzz", message))
        for api, version, fields in recorded
        for message in [from_json(api.request_class, version, fields)]
    ] + [
        (api.key, encode_request(api.key, version, CORRELATION_ID, "fuzz", api.request_class()))
        for api in API_TABLE.values()
        if api.key not in BETWEEN_BROKERS
        for version in range(api.versions.first, api.max_version + 1)
    ]
    return [(key, bytes(joined(chunks))) for key, chunks in frames]


def fuzz(cluster: TestCluster, seed: int, duration_s: float) -> None:
    rng = random.Random(seed)
    frames = good_frames()
    until = time.monotonic() + duration_s
    outcomes = {"answered": 0, "closed": 0}
    warm_mb = 0.0
    with RawClient(cluster.address(BROKER)) as client:
        while time.monotonic() < until:
            _, frame = rng.choice(frames)
            body = frame[:8] + damaged(frame[8:], rng)  # API, version, correlation id stay
            answer = client.send_raw(struct.pack(">i", len(body)) + body, end=rng.random() < 0.05)
            if answer is CLOSED:
                outcomes["closed"] += 1
            else:
                assert isinstance(answer, bytes)
                assert struct.unpack_from(">i", answer) == (CORRELATION_ID,), "not our answer"
                outcomes["answered"] += 1
            if sum(outcomes.values()) % 200 == 0:
                assert is_served(cluster)
            if sum(outcomes.values()) == 500:
                warm_mb = resident_mb(cluster)
    assert min(outcomes.values()) > 10, outcomes
    assert is_served(cluster)
    assert not warm_mb or resident_mb(cluster) - warm_mb < 30
    log = cluster.brokers[BROKER].log_file.read_text(errors="replace")
    assert "Traceback" not in log, log[log.index("Traceback") - 500 :][:3000]


@pytest.mark.usefixtures("ours_alone")
def test_mutated_requests(cluster: TestCluster) -> None:
    fuzz(cluster, seed=int(os.environ.get("ZBROKER_FUZZ_SEED", "9")), duration_s=8)


@pytest.mark.matrix
@pytest.mark.usefixtures("ours_alone")
@pytest.mark.parametrize("seed", range(100, 104))
def test_many_more_mutated_requests(cluster: TestCluster, seed: int) -> None:
    fuzz(cluster, seed, duration_s=30)
