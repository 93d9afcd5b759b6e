"""What no client library lets one send: pipelined requests, and versions that don't exist.

The frames are written by hand, so that nothing of ours stands between the test
and the broker:

    size int32 | api key int16 | version int16 | correlation id int32 | client id string | body
"""

import contextlib
import socket
import struct
from collections.abc import Iterator

import pytest

from tests.support.cluster import TestCluster

pytestmark = pytest.mark.server

METADATA, API_VERSIONS, LIST_GROUPS = 3, 18, 16
UNSUPPORTED_VERSION = 35
TIMEOUT_S = 20.0


@pytest.fixture
def connection(cluster: TestCluster) -> Iterator[socket.socket]:
    host, _, port = cluster.address(1).partition(":")
    with socket.create_connection((host, int(port)), timeout=TIMEOUT_S) as connection:
        yield connection


def request(api_key: int, version: int, correlation_id: int, body: bytes) -> bytes:
    """A request with the header of version 1 (before the flexible ones)."""
    header = struct.pack(">hhih", api_key, version, correlation_id, 4) + b"test"
    return struct.pack(">i", len(header) + len(body)) + header + body


def read_answer(connection: socket.socket) -> bytes:
    """The next frame without its size: correlation id and body."""
    (size,) = struct.unpack(">i", read_exactly(connection, 4))
    return read_exactly(connection, size)


def read_exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        assert piece, f"the connection ended after {len(data)} of {size} bytes"
        data += piece
    return data


def correlation_id(answer: bytes) -> int:
    (value,) = struct.unpack_from(">i", answer)
    return int(value)


def test_pipelined_requests_are_answered_in_order(connection: socket.socket) -> None:
    """Quick and slow ones mixed, all sent before the first answer is read."""
    everything, nothing = struct.pack(">i", -1), struct.pack(">i", 0)
    frames = []
    for number in range(100):
        kind = (METADATA, 1, everything), (API_VERSIONS, 0, b""), (METADATA, 1, nothing)
        api_key, version, body = kind[number % 3]
        frames.append(request(api_key, version, number, body))
    connection.sendall(b"".join(frames))
    answers = [correlation_id(read_answer(connection)) for _ in frames]
    assert answers == list(range(100))


def test_a_frame_may_arrive_in_pieces(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in request(API_VERSIONS, 0, 7, b""):
        connection.sendall(bytes([byte]))
    assert correlation_id(read_answer(connection)) == 7


def test_an_unknown_version_of_api_versions_is_answered_as_version_0(
    connection: socket.socket,
) -> None:
    """So that a client of the future learns what the broker speaks (KIP-511)."""
    connection.sendall(request(API_VERSIONS, 99, 5, b"\x00whatever comes here"))
    answer = read_answer(connection)
    answered, error_code, count = struct.unpack_from(">ihi", answer)
    assert (answered, error_code) == (5, UNSUPPORTED_VERSION)
    versions = {
        key: (lowest, highest) for key, lowest, highest in struct.iter_unpack(">hhh", answer[10:])
    }
    assert len(versions) == count
    assert versions[API_VERSIONS] == (0, 4)
    # The connection goes on.
    connection.sendall(request(API_VERSIONS, 0, 6, b""))
    assert correlation_id(read_answer(connection)) == 6


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(request(METADATA, 99, 1, b""), id="unknown version"),
        pytest.param(request(9999, 0, 1, b""), id="unknown api"),
        pytest.param(request(METADATA, 1, 1, struct.pack(">i", 1 << 30)), id="endless array"),
        pytest.param(struct.pack(">i", -5), id="negative size"),
        pytest.param(struct.pack(">i", (1 << 31) - 1), id="endless frame"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", id="http"),
    ],
)
def test_nonsense_costs_its_sender_the_connection_and_nobody_else(
    cluster: TestCluster, connection: socket.socket, frame: bytes
) -> None:
    connection.sendall(frame)
    with contextlib.suppress(ConnectionResetError):  # closed with our bytes unread
        assert connection.recv(1) == b""
    host, _, port = cluster.address(1).partition(":")
    with socket.create_connection((host, int(port)), timeout=TIMEOUT_S) as other:
        other.sendall(request(API_VERSIONS, 0, 1, b""))
        assert correlation_id(read_answer(other)) == 1
