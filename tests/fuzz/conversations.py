"""Rows of frames to a broker: each row on a connection of its own, many rows at once.

Whose answer it is that comes, and what it means when none does: a frame may be answered, end its
connection, or wait as long as it says (a fetch, a member); then the rest of its row goes over a new
connection. How long an answer may take is what is tested; how long connecting takes is not.
"""

import struct
from collections.abc import Iterator

import attrs
import trio

from broker.wire.apis import ApiKey
from broker.wire.framing import decode_response
from broker.wire.messages.metadata import MetadataRequest
from tests.fuzz.progress import Progress
from tests.support.raw_client import RawClient

# Frames of different rows wait together; so few rows that each has its turn within its patience.
ROWS_AT_ONCE = 16
ROWS_PER_GOOD_REQUEST = 20
# For what waits as long as it says (a fetch, a member): the connection is left then.
PATIENCE_S = 0.5
# To be let in says nothing of any frame: on a busy machine it lasts.
CONNECTING_S = 10.0


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
    progress: Progress
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
            self.progress.add(len(row.frames))
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
