"""Damaged frames to a real broker over sockets: many in a row on one connection, many rows at once.

Whatever it is sent, each answer belongs to the request in whose turn it comes (by its correlation
id, which no other row has, and as a message of that API and version), a good request on a new
connection is served, the broker's memory stays where it was, and its log tells of no defect.

A seed makes the same rows again, but not again in the same order among each other: a failure names
all that were under way.
"""

import math
import random
import struct
import time
from collections.abc import Iterator
from itertools import islice

import attrs
import pytest
import trio
from confluent_kafka.admin import NewTopic

from broker.wire.apis import ApiKey
from broker.wire.framing import decode_response
from broker.wire.messages.alter_client_quotas import (
    AlterClientQuotasRequest,
    OpData,
    RequestEntityData,
    RequestEntryData,
)
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
# Frames of different rows wait together; so few rows that each has its turn within its patience.
ROWS_AT_ONCE = 16
ROWS_PER_GOOD_REQUEST = 20
# For what waits as long as it says (a fetch, a member): the connection is left then.
PATIENCE_S = 0.5
# To be let in says nothing of any frame: on a busy machine it lasts.
CONNECTING_S = 10.0
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


QUOTAS = (
    "producer_byte_rate",
    "consumer_byte_rate",
    "request_percentage",
    "controller_mutation_rate",
)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestCluster]:
    """One broker with one topic, that of the good requests."""
    properties = {"auto.create.topics.enable": "false"}
    directory = tmp_path_factory.mktemp("fuzz")
    with running_cluster("zbroker", directory, brokers=1, properties=properties) as cluster:
        make_topics(cluster.bootstrap, NewTopic(TOPIC, 1, 1))
        be_generous(cluster.address(1))
        yield cluster


def be_generous(broker: str) -> None:
    """Give this user limits of its own, which come before those of any user.

    A damaged AlterClientQuotas may give any user next to nothing. Each connection would then be
    held for a second behind its first answer, and what comes behind that not be looked at.
    """
    entry = RequestEntryData(
        entity=[RequestEntityData(entity_type="user", entity_name="ANONYMOUS")],
        ops=[OpData(key=quota, value=1e12) for quota in QUOTAS],
    )
    with RawClient(broker) as client:
        request = AlterClientQuotasRequest(entries=[entry])
        [answer] = client.ask(ApiKey.ALTER_CLIENT_QUOTAS, 1, request).entries
        assert answer.error_code == 0, answer


async def test_a_few(cluster: TestCluster) -> None:
    await run(cluster, seed(9), FEW)


@pytest.mark.matrix
@pytest.mark.timeout(1800)
async def test_many(cluster: TestCluster) -> None:
    await run(cluster, seed(10), cases(MANY, share=0.1))


# Rows of frames


@attrs.frozen
class Row:
    """Frames to be sent one behind the other, without their sizes.

    Their correlation ids count on from `first_id`, and are no other row's.
    """

    first_id: int
    frames: list[bytes]

    def place_of(self, answer: bytes, last: int) -> int:
        """Whose answer this is: a later frame's than the last one's, for acks=0 has none."""
        (correlation_id,) = struct.unpack_from(">i", answer)
        place = int(correlation_id) - self.first_id
        assert last < place < len(self.frames), f"an answer to {place} after one to {last}"
        key, version = struct.unpack_from(">hh", self.frames[place])
        # An unknown version of ApiVersions is answered as version 0.
        if key == ApiKey.API_VERSIONS and not 0 <= version <= 4:
            version = 0
        decode_response(ApiKey(key), version, memoryview(answer))
        return place


_GOOD = struct.pack(">hh", ApiKey.API_VERSIONS, 0)
_NO_CLIENT_ID = struct.pack(">h", -1)


def damaged_rows(rng: random.Random, count: int) -> Iterator[Row]:
    """At least `count` damaged frames in all.

    A good one comes last in each row: its answer says that the broker has looked at all of them.
    """
    good = [frame for key, frame in corpus.requests() if key not in LEFT_OUT]
    for number in range(math.ceil(count / IN_A_ROW)):
        first_id = number * (IN_A_ROW + 1)
        end_id = first_id + IN_A_ROW
        frames = [_numbered(each, rng.choice(good), rng) for each in range(first_id, end_id)]
        yield Row(first_id, [*frames, _GOOD + struct.pack(">i", end_id) + _NO_CLIENT_ID])


def _numbered(correlation_id: int, frame: bytes, rng: random.Random) -> bytes:
    """Damaged behind the correlation id; seldom in API and version, too."""
    head, body = frame[:4], frame[8:]
    if rng.random() < 0.02:
        head = damaged(head, rng)[:4].ljust(4, b"\0")
        if struct.unpack(">h", head[:2])[0] in LEFT_OUT:
            head = frame[:4]
    return head + struct.pack(">i", correlation_id) + damaged(body, rng)


# Conversations about them


@attrs.define
class Answers:
    """What comes over one connection, cut into answers."""

    stream: trio.SocketStream
    _received: bytearray = attrs.field(factory=bytearray)

    async def next(self) -> bytes:
        """Without its size; EOFError at the end. When cancelled, the next call goes on."""
        while len(self._received) < 4 or len(self._received) < self._end:
            piece = await self.stream.receive_some()
            if not piece:
                raise EOFError
            self._received += piece
        end = self._end
        answer = bytes(self._received[4:end])
        del self._received[:end]
        return answer

    @property
    def _end(self) -> int:
        return 4 + int.from_bytes(self._received[:4], "big")


@attrs.define
class Conversations:
    """Rows that are sent to a broker, `ROWS_AT_ONCE` of them at a time."""

    broker: str  # host:port
    outcomes: dict[str, int] = attrs.field(
        factory=lambda: {"answered": 0, "closed": 0, "waited": 0}
    )
    _begun: int = 0
    _under_way: dict[int, Row] = attrs.field(factory=dict)

    async def hold_all(self, rows: Iterator[Row]) -> None:
        try:
            async with trio.open_nursery() as nursery:
                for _ in range(ROWS_AT_ONCE):
                    nursery.start_soon(self._hold_each, rows)
        except Exception as error:
            error.add_note(f"Under way were {list(self._under_way.values())}")
            raise

    async def _hold_each(self, rows: Iterator[Row]) -> None:
        """Of those that nobody else has taken; now and then somebody asks something good, too."""
        for row in rows:
            self._begun += 1
            asks = self._begun % ROWS_PER_GOOD_REQUEST == 0
            self._under_way[row.first_id] = row
            await self._hold(row)
            if asks:
                await self.assert_served()
            del self._under_way[row.first_id]

    async def _hold(self, row: Row) -> None:
        """Send all; behind one that the broker closes at, or waits for, on a new connection."""
        host, _, port = self.broker.rpartition(":")
        begin = 0
        while begin < len(row.frames):
            with trio.fail_after(CONNECTING_S):
                stream = await trio.open_tcp_stream(host, int(port))
            async with stream:
                begin = await self._send_and_read(Answers(stream), row, begin)

    async def _send_and_read(self, answers: Answers, row: Row, begin: int) -> int:
        """The place of the first frame that the broker has not looked at."""
        last = begin - 1
        data = b"".join(struct.pack(">i", len(each)) + each for each in row.frames[begin:])
        try:
            with trio.fail_after(PATIENCE_S):
                await answers.stream.send_all(data)
            while last < len(row.frames) - 1:
                last = row.place_of(await self._in_time(answers), last)
                self.outcomes["answered"] += 1
        except trio.TooSlowError:
            self.outcomes["waited"] += 1
        except (trio.BrokenResourceError, EOFError):
            self.outcomes["closed"] += 1
        else:
            return len(row.frames)
        return last + 2

    async def _in_time(self, answers: Answers) -> bytes:
        """The next one; TooSlowError if it's waiting, and not the broker busy with other rows."""
        with trio.move_on_after(PATIENCE_S / 2):
            return await answers.next()
        await self.assert_served()
        with trio.fail_after(PATIENCE_S / 2):
            return await answers.next()

    async def assert_served(self) -> None:
        await trio.to_thread.run_sync(assert_served, self.broker)


def assert_served(broker: str) -> None:
    """A good request on a new connection gets its answer."""
    with RawClient(broker) as other:
        answer = other.ask(ApiKey.METADATA, 9, MetadataRequest(topics=[]))
        assert len(answer.brokers) == 1


async def run(cluster: TestCluster, seed: int, count: int) -> None:
    pid, began = cluster.brokers[1].pid, time.monotonic()
    rows = damaged_rows(random.Random(seed), count)
    conversations = Conversations(cluster.address(1))
    outcomes = conversations.outcomes
    await conversations.hold_all(islice(rows, math.ceil(count / 5 / IN_A_ROW)))
    before_mb = resident_mb(pid)
    await conversations.hold_all(rows)
    await conversations.assert_served()
    grown_mb = resident_mb(pid) - before_mb
    print(
        f"{count} frames of seed {seed} in {time.monotonic() - began:.0f} s: {outcomes}, "
        f"the broker {before_mb:.0f} MB and {grown_mb:+.0f} MB"
    )
    assert grown_mb < MOST_GROWTH_MB
    assert min(outcomes["answered"], outcomes["closed"]) > count / 50, outcomes
    assert outcomes["waited"] < count / 100, outcomes  # few frames mean to
    log = await trio.Path(cluster.brokers[1].log_file).read_text(errors="replace")
    assert "Traceback" not in log, log[log.index("Traceback") - 500 :][:3000]
