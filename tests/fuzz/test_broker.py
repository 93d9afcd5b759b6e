"""Damaged frames to a real broker over sockets, many in a row on one connection.

Whatever it is sent, each answer belongs to the request in whose turn it comes (by its correlation
id, and as a message of that API and version), a good request on a new connection is served, the
broker's memory stays where it was, and its log tells of no defect.
"""

import random
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
from confluent_kafka.admin import NewTopic

from broker.wire.apis import ApiKey
from broker.wire.framing import decode_response
from broker.wire.messages.metadata import MetadataRequest
from tests.broker.wire.sample_requests import TOPIC
from tests.fuzz import corpus
from tests.fuzz.chosen import cases, seed
from tests.fuzz.damage import damaged
from tests.support.cluster import TestCluster, running_cluster
from tests.support.memory import resident_mb
from tests.support.raw_client import RawClient
from tests.support.topics import make_topics

pytestmark = pytest.mark.server

FEW, MANY = 2_000, 20_000
IN_A_ROW = 25
# For what waits as long as it says (a fetch, a member): the connection is left then.
PATIENCE_S = 0.5
MOST_GROWTH_MB = 30

# Orders between brokers, and what makes or deletes topics: a damaged one that is still valid does
# as it says, and then there is no broker to ask any more, or one with a million partitions.
LEFT_OUT = {
    ApiKey.LEADER_AND_ISR,
    ApiKey.STOP_REPLICA,
    ApiKey.UPDATE_METADATA,
    ApiKey.CONTROLLED_SHUTDOWN,
    ApiKey.ALTER_PARTITION,
    ApiKey.CREATE_TOPICS,
    ApiKey.CREATE_PARTITIONS,
    ApiKey.DELETE_TOPICS,
}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestCluster]:
    """One broker with one topic, that of the good requests."""
    properties = {"auto.create.topics.enable": "false"}
    directory = tmp_path_factory.mktemp("fuzz")
    with running_cluster("zbroker", directory, brokers=1, properties=properties) as cluster:
        make_topics(cluster.bootstrap, NewTopic(TOPIC, 1, 1))
        yield cluster


def test_a_few(cluster: TestCluster) -> None:
    run(cluster, seed(9), FEW)


@pytest.mark.matrix
@pytest.mark.timeout(1800)
def test_many(cluster: TestCluster) -> None:
    run(cluster, seed(10), cases(MANY, share=0.1))


_GOOD = struct.pack(">hh", ApiKey.API_VERSIONS, 0)
_NO_CLIENT_ID = struct.pack(">h", -1)


@attrs.define
class Conversations:
    """Rows of frames, each of which has its place in the row for correlation id."""

    address: tuple[str, int]
    outcomes: dict[str, int] = attrs.field(
        factory=lambda: {"answered": 0, "closed": 0, "waited": 0}
    )

    def hold(self, row: list[bytes]) -> None:
        """Send all; behind one that the broker closes at, or waits for, on a new connection.

        A good one comes last: its answer says that the broker has looked at all of them.
        """
        row = [*row, _GOOD + struct.pack(">i", len(row)) + _NO_CLIENT_ID]
        begin = 0
        while begin < len(row):
            data = b"".join(struct.pack(">i", len(frame)) + frame for frame in row[begin:])
            with socket.create_connection(self.address, timeout=PATIENCE_S) as connection:
                begin = self._send_and_read(connection, data, row, begin)

    def _send_and_read(
        self, connection: socket.socket, data: bytes, row: list[bytes], begin: int
    ) -> int:
        """The place of the first frame that the broker has not looked at."""
        last = begin - 1
        try:
            connection.sendall(data)
            while last < len(row) - 1:
                (size,) = struct.unpack(">i", _exactly(connection, 4))
                last = _place_of(_exactly(connection, size), row, last)
                self.outcomes["answered"] += 1
        except TimeoutError:
            self.outcomes["waited"] += 1
        except (OSError, EOFError):
            self.outcomes["closed"] += 1
        else:
            return len(row)
        return last + 2


def _place_of(answer: bytes, row: list[bytes], last: int) -> int:
    """Whose answer this is: a later request's than the last one's, for acks=0 has none."""
    (place,) = struct.unpack_from(">i", answer)
    assert last < place < len(row), f"an answer to {place} after one to {last}"
    key, version = struct.unpack_from(">hh", row[place])
    # An unknown version of ApiVersions is answered as version 0.
    if key == ApiKey.API_VERSIONS and not 0 <= version <= 4:
        version = 0
    decode_response(ApiKey(key), version, memoryview(answer))
    return int(place)


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return bytes(data)


def run(cluster: TestCluster, seed: int, count: int) -> None:
    rng = random.Random(seed)
    good = [frame for key, frame in corpus.requests() if key not in LEFT_OUT]
    host, _, port = cluster.address(1).partition(":")
    conversations = Conversations((host, int(port)))
    outcomes = conversations.outcomes
    pid, began, before_mb = cluster.brokers[1].pid, time.monotonic(), 0.0
    for sent in range(0, count, IN_A_ROW):
        frames = [_numbered(number, rng.choice(good), rng) for number in range(IN_A_ROW)]
        conversations.hold(frames)
        if sent % (20 * IN_A_ROW) == 0:
            assert_served(cluster)
        if not before_mb and sent >= count // 5:
            before_mb = resident_mb(pid)
    assert_served(cluster)
    grown_mb = resident_mb(pid) - before_mb
    print(
        f"{count} frames of seed {seed} in {time.monotonic() - began:.0f} s: {outcomes}, "
        f"the broker {before_mb:.0f} MB and {grown_mb:+.0f} MB"
    )
    assert grown_mb < MOST_GROWTH_MB
    assert min(outcomes["answered"], outcomes["closed"]) > count / 50, outcomes
    log = Path(cluster.brokers[1].log_file).read_text(errors="replace")
    assert "Traceback" not in log, log[log.index("Traceback") - 500 :][:3000]


def _numbered(number: int, frame: bytes, rng: random.Random) -> bytes:
    """Damaged behind the correlation id, which is its number; seldom in API and version, too."""
    head, body = frame[:4], frame[8:]
    if rng.random() < 0.02:
        head = damaged(head, rng)[:4].ljust(4, b"\0")
        if struct.unpack(">h", head[:2])[0] in LEFT_OUT:
            head = frame[:4]
    return head + struct.pack(">i", number) + damaged(body, rng)


def assert_served(cluster: TestCluster) -> None:
    """A good request on a new connection gets its answer."""
    with RawClient(cluster.address(1)) as other:
        answer = other.ask(ApiKey.METADATA, 9, MetadataRequest(topics=[]))
        assert len(answer.brokers) == 1
