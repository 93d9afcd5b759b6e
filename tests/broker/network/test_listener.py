"""A connection: answers in order, waiting that overlaps, and whose fault ends what."""

import logging
import struct
import weakref
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import attrs
import pytest
import trio
import trio.testing

from broker.api.api_versions import unsupported_version
from broker.api.context import RequestContext
from broker.network.answers import Answer, CloseConnection, Later, Throttled, Timed
from broker.network.connections import Connections
from broker.network.frames import FrameReader
from broker.network.listener import MAX_TOGETHER, Dispatch, Listener
from broker.network.transport import ConnectionClosed, StreamTransport, Transport
from broker.wire import framing
from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages.api_versions import ApiVersionsResponse
from broker.wire.messages.heartbeat import HeartbeatRequest, HeartbeatResponse
from broker.wire.regions import Chunk


class Client:
    """The other end of a connection, speaking Heartbeat 4: its generation id numbers requests."""

    def __init__(self, stream: trio.testing.MemoryReceiveStream) -> None:
        self.transport = StreamTransport(stream)
        self.frames = FrameReader(self.transport, 1 << 20)

    async def send(self, number: int) -> None:
        request = HeartbeatRequest(group_id="g", generation_id=number, member_id="m")
        await self.transport.send(
            framing.encode_request(ApiKey.HEARTBEAT, 4, number, "test", request)
        )

    async def hang_up(self) -> None:
        stream = self.transport._stream
        assert isinstance(stream, trio.StapledStream)
        await stream.send_eof()

    async def receive(self) -> tuple[int, int] | None:
        """The correlation id of the next answer, and its throttle time; None at the end."""
        frame = await self.frames.next_frame()
        if frame is None:
            return None
        number, answer = framing.decode_response(ApiKey.HEARTBEAT, 4, frame)
        return number, answer.throttle_time_ms


@asynccontextmanager
async def connected(
    dispatch: Dispatch, max_idle_s: float = 60, max_connections: int = 100
) -> AsyncIterator[Client]:
    connections = Connections(lambda: 1000, lambda _: max_connections)
    listener = Listener(
        "PLAINTEXT", dispatch, 1 << 20, max_idle_s, connections, unsupported_version
    )
    ours, theirs = trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(listener.serve_connection, StreamTransport(ours))
        yield Client(theirs)
        nursery.cancel_scope.cancel()
    assert connections.count == 0


async def echo(context: RequestContext, request: object) -> Answer:
    assert isinstance(request, HeartbeatRequest)
    return HeartbeatResponse(throttle_time_ms=request.generation_id)


async def test_pipelined_requests_are_answered_in_order() -> None:
    async with connected(echo) as client:
        for number in range(50):
            await client.send(number)
        assert [await client.receive() for _ in range(50)] == [(n, n) for n in range(50)]


@attrs.define
class Timing:
    """What becomes of one answer."""

    told: list[str] = attrs.field(factory=list)

    def sending(self) -> None:
        self.told.append("sending")

    def sent(self) -> None:
        self.told.append("sent")


async def test_whoever_times_an_answer_hears_when_it_goes_out_and_is_out() -> None:
    timings = [Timing() for _ in range(4)]
    go_on = trio.Event()

    async def dispatch(context: RequestContext, request: object) -> Answer:
        assert isinstance(request, HeartbeatRequest)
        number = request.generation_id

        async def wait() -> HeartbeatResponse:
            await go_on.wait()
            return HeartbeatResponse()

        answers: list[Answer] = [
            HeartbeatResponse(),
            Throttled(None, 0),  # acks=0
            Throttled(Later(wait), 0),
            HeartbeatResponse(),
        ]
        return Timed(answers[number], timings[number])

    async with connected(dispatch) as client:
        for number in range(4):
            await client.send(number)
        await trio.testing.wait_all_tasks_blocked()
        out = ["sending", "sent"]
        assert [timing.told for timing in timings] == [out, out, [], []]
        go_on.set()
        assert [await client.receive() for _ in range(3)] == [(0, 0), (2, 0), (3, 0)]
    assert [timing.told for timing in timings] == [out] * 4


async def test_waiting_overlaps_with_the_next_requests_but_answers_keep_their_order() -> None:
    handled: list[int] = []
    go_on = trio.Event()

    async def dispatch(context: RequestContext, request: object) -> Answer:
        assert isinstance(request, HeartbeatRequest)
        number = request.generation_id
        handled.append(number)

        async def wait() -> HeartbeatResponse:
            await go_on.wait()
            return HeartbeatResponse(throttle_time_ms=number)

        return Later(wait) if number % 2 == 0 else HeartbeatResponse(throttle_time_ms=number)

    async with connected(dispatch) as client:
        for number in range(5):
            await client.send(number)
        await trio.testing.wait_all_tasks_blocked()
        assert handled == [0, 1, 2, 3, 4]
        go_on.set()
        assert [await client.receive() for _ in range(5)] == [(n, n) for n in range(5)]


async def test_answers_that_are_ready_together_leave_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A commit makes many small batches ready at once; none of them waits for one that isn't."""
    commits = [trio.Event() for _ in range(2)]
    sends: list[int] = []
    send = StreamTransport.send

    async def counted(transport: StreamTransport, chunks: Sequence[Chunk]) -> None:
        sends.append(sum(map(len, chunks)))
        await send(transport, chunks)

    async def dispatch(context: RequestContext, request: object) -> Answer:
        assert isinstance(request, HeartbeatRequest)
        number = request.generation_id
        commit = commits[number // 50]

        async def wait() -> HeartbeatResponse:
            await commit.wait()
            return HeartbeatResponse(throttle_time_ms=number)

        return Later(wait, commit.is_set)

    async with connected(dispatch) as client:
        for number in range(60):
            await client.send(number)
        await trio.testing.wait_all_tasks_blocked()
        monkeypatch.setattr(StreamTransport, "send", counted)
        commits[0].set()
        assert [await client.receive() for _ in range(50)] == [(n, n) for n in range(50)]
        size_bytes = sum(sends) // 50
        assert sends == [MAX_TOGETHER * size_bytes, (50 - MAX_TOGETHER) * size_bytes]
        commits[1].set()
        assert [await client.receive() for _ in range(10)] == [(50 + n, 50 + n) for n in range(10)]
        assert sends[2:] == [10 * size_bytes]


@pytest.mark.parametrize("waits", [True, False])
async def test_answers_that_are_ready_are_not_lost_with_the_next_ones_defect(
    waits: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Their records are committed: who doesn't hear of it sends them again."""
    commit = trio.Event()

    async def dispatch(context: RequestContext, request: object) -> Answer:
        assert isinstance(request, HeartbeatRequest)
        number = request.generation_id

        async def wait() -> HeartbeatResponse:
            await commit.wait()
            if number == 2 and waits:
                raise ValueError("a defect")
            return HeartbeatResponse(throttle_time_ms=number if number != 2 else 1 << 40)

        return Later(wait, commit.is_set)

    async with connected(dispatch) as client:
        for number in range(4):
            await client.send(number)
        await trio.testing.wait_all_tasks_blocked()
        commit.set()
        assert [await client.receive() for _ in range(3)] == [(0, 0), (1, 1), None]
    assert "defect: closing" in caplog.text


async def test_each_answer_that_may_be_large_has_its_own_time_to_be_read(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Who reads steadily isn't closed for all that he has asked behind one that waited."""
    commit = trio.Event()

    async def dispatch(context: RequestContext, request: object) -> Answer:
        assert isinstance(request, HeartbeatRequest)
        number = request.generation_id

        async def wait() -> HeartbeatResponse:
            await commit.wait()
            return HeartbeatResponse(throttle_time_ms=number)

        return HeartbeatResponse(throttle_time_ms=number) if number else Later(wait)

    ours, theirs = trio.testing.lockstep_stream_pair()  # whose sender waits for the reader
    connections = Connections(lambda: 1000, lambda _: 100)
    listener = Listener("PLAINTEXT", dispatch, 1 << 20, 60, connections, unsupported_version)
    client = Client(theirs)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(listener.serve_connection, StreamTransport(ours))
        for number in range(4):
            await client.send(number)
        await trio.testing.wait_all_tasks_blocked()
        commit.set()
        for number in range(4):
            await trio.sleep(25)
            assert await client.receive() == (number, number)
        nursery.cancel_scope.cancel()


async def test_no_answer_where_there_is_none() -> None:
    async def dispatch(context: RequestContext, request: object) -> Answer:
        return None if context.correlation_id == 1 else HeartbeatResponse()

    async with connected(dispatch) as client:
        await client.send(1)
        await client.send(2)
        assert await client.receive() == (2, 0)


async def test_who_wants_no_answers_leaves_the_others_their_turns() -> None:
    """A hundred of his requests are in one buffer, and nothing of them is waited for."""
    turns: list[int] = []

    async def dispatch(context: RequestContext, request: object) -> Answer:
        turns.append(0)
        return None if context.correlation_id < 100 else HeartbeatResponse()

    async def others() -> None:
        while True:
            await trio.lowlevel.checkpoint()
            turns.append(1)

    async with connected(dispatch) as client, trio.open_nursery() as nursery:
        request = HeartbeatRequest(group_id="g", member_id="m")
        frames = [
            framing.encode_request(ApiKey.HEARTBEAT, 4, number, "test", request)
            for number in range(101)
        ]
        nursery.start_soon(others)
        await client.transport.send([b"".join(bytes(c) for f in frames for c in f)])
        assert await client.receive() == (100, 0)
        nursery.cancel_scope.cancel()
    first = turns.index(0)
    assert sum(turns[first:]) >= 100


async def test_who_is_to_be_quiet_is_answered_and_then_not_listened_to(
    autojump_clock: trio.testing.MockClock,
) -> None:
    handled: list[tuple[int, float]] = []

    async def dispatch(context: RequestContext, request: object) -> Answer:
        number = context.correlation_id
        handled.append((number, trio.current_time()))

        async def wait() -> HeartbeatResponse:
            await trio.sleep(1)
            return HeartbeatResponse(throttle_time_ms=number)

        return [
            Throttled(HeartbeatResponse(throttle_time_ms=number), 5.0),
            Throttled(Later(wait), 3.0),
            Throttled(None, 7.0),
            HeartbeatResponse(throttle_time_ms=number),
        ][number]

    async with connected(dispatch, max_idle_s=8) as client:
        for number in range(4):
            await client.send(number)
        answered = [(await client.receive(), trio.current_time()) for _ in range(3)]
        assert handled == [(0, 0), (1, 5), (2, 8), (3, 15)]
        assert answered == [((0, 0), 0), ((1, 1), 6), ((3, 3), 15)]


async def keep_quiet(context: RequestContext, request: object) -> Answer:
    return Throttled(None, 1_000_000.0)


async def test_who_is_to_be_quiet_for_longer_than_anybody_may_be_idle_is_closed(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with connected(keep_quiet, max_idle_s=600) as client:
        await client.send(1)
        await client.send(2)
        assert await client.receive() is None
        assert trio.current_time() == 600


async def test_who_is_to_be_quiet_and_goes_leaves_nothing_behind(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Clients that try again elsewhere would use up all connections that their host may have."""
    async with connected(keep_quiet) as client:
        await client.send(1)
        await trio.testing.wait_all_tasks_blocked()
        await client.hang_up()
        assert await client.receive() is None
        assert trio.current_time() == 0


async def test_what_a_client_sent_before_it_went_is_handled_when_it_may_be(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """A producer with acks=0 closes its connection when all is sent."""
    handled: list[tuple[int, float]] = []

    async def dispatch(context: RequestContext, request: object) -> Answer:
        handled.append((context.correlation_id, trio.current_time()))
        return Throttled(None, 3.0)

    async with connected(dispatch) as client:
        for number in range(3):
            await client.send(number)
        await client.hang_up()
        assert await client.receive() is None
    assert handled == [(0, 0), (1, 3), (2, 6)]
    assert trio.current_time() == 6


async def test_while_a_client_is_quiet_nothing_is_kept_of_what_it_asked_and_heard() -> None:
    seen: list[weakref.ref[object]] = []

    async def dispatch(context: RequestContext, request: object) -> Answer:
        answer = HeartbeatResponse()
        seen.extend(weakref.ref(each) for each in (context, request, answer))
        return Throttled(answer, 5.0)

    async with connected(dispatch) as client:
        await client.send(1)
        assert await client.receive() == (1, 0)
        await trio.testing.wait_all_tasks_blocked()
        assert [ref() for ref in seen] == [None] * 3


async def test_a_connection_too_many_a_second_is_held_for_a_while_and_closed(
    autojump_clock: trio.testing.MockClock,
) -> None:
    connections = Connections(lambda: 1000, lambda _: 1000, admit=lambda _host: 0.8)
    listener = Listener("PLAINTEXT", echo, 1 << 20, 60, connections, unsupported_version)
    ours, theirs = trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:
        await nursery.start(listener.serve_connection, StreamTransport(ours))
        assert connections.count == 0
        client = Client(theirs)
        await client.send(1)
        assert await client.receive() is None
        assert trio.current_time() == 0.8


async def test_requests_before_the_client_hung_up_are_still_answered() -> None:
    async with connected(echo) as client:
        await client.send(1)
        await client.send(2)
        await client.hang_up()
        assert [await client.receive() for _ in range(3)] == [(1, 1), (2, 2), None]


@pytest.mark.parametrize(
    "frame",
    [
        struct.pack(">ihhi", 8, 9999, 0, 1),  # no such API
        struct.pack(">ihhih", 10, ApiKey.HEARTBEAT, 99, 1, -1),  # no such version
        struct.pack(">ihhih", 10, ApiKey.HEARTBEAT, 0, 1, -1),  # a body cut short
        struct.pack(">i", -5),
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
async def test_what_cannot_be_understood_closes_the_connection_and_is_logged(
    frame: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        async with connected(echo) as client:
            await client.transport.send([frame])
            assert await client.receive() is None
    assert "closing the connection from" in caplog.text


async def test_an_unknown_version_of_api_versions_is_answered_in_version_0() -> None:
    async with connected(echo) as client:
        header = struct.pack(">hhih", ApiKey.API_VERSIONS, 99, 7, -1) + b"\0"
        await client.transport.send([struct.pack(">i", len(header)) + header])
        frame = await client.frames.next_frame()
        assert frame is not None
        number, answer = framing.decode_response(ApiKey.API_VERSIONS, 0, frame)
        assert isinstance(answer, ApiVersionsResponse)
        assert (number, answer.error_code) == (7, ErrorCode.UNSUPPORTED_VERSION)
        assert [api.api_key for api in answer.api_keys] == [ApiKey.API_VERSIONS]


async def test_a_defect_closes_its_connection_with_a_traceback_and_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def dispatch(context: RequestContext, request: object) -> Answer:
        if context.correlation_id == 13:
            raise RuntimeError("a defect")
        return HeartbeatResponse()

    async with connected(dispatch) as good, connected(dispatch) as bad:
        await bad.send(13)
        assert await bad.receive() is None
        await good.send(1)
        assert await good.receive() == (1, 0)
    assert "RuntimeError: a defect" in caplog.text


async def test_a_handler_may_close_the_connection() -> None:
    async def dispatch(context: RequestContext, request: object) -> Answer:
        raise CloseConnection("acks=0")

    async with connected(dispatch) as client:
        await client.send(1)
        assert await client.receive() is None


async def test_an_idle_connection_is_closed(autojump_clock: trio.testing.MockClock) -> None:
    async with connected(echo, max_idle_s=600) as client:
        await client.send(1)
        assert await client.receive() == (1, 1)
        began = trio.current_time()
        assert await client.receive() is None
        assert trio.current_time() - began == pytest.approx(600)


async def test_a_client_that_does_not_read_is_left_alone_and_then_closed(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """While an answer waits to be read, no further request is looked at: nothing piles up."""
    ours, theirs = trio.testing.lockstep_stream_pair()
    handled = 0

    async def count(context: RequestContext, request: object) -> Answer:
        nonlocal handled
        handled += 1
        return HeartbeatResponse()

    connections = Connections(lambda: 1000, lambda _: 1000)
    listener = Listener("PLAINTEXT", count, 1 << 20, 600, connections, unsupported_version)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(listener.serve_connection, StreamTransport(ours))
        client = Client(theirs)
        with suppress(ConnectionClosed):  # the broker's end is closed in our face
            for number in range(100_000):
                await client.send(number)
        assert trio.current_time() >= 600
        assert handled == 1
    assert connections.count == 0


async def test_a_host_over_its_number_of_connections_is_turned_away() -> None:
    async with connected(echo, max_connections=0) as client:
        assert await client.receive() is None


async def test_a_defect_while_an_answer_waits_ends_no_more_than_its_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def dispatch(context: RequestContext, request: object) -> Answer:
        async def wait() -> HeartbeatResponse:
            await trio.lowlevel.checkpoint()
            if context.correlation_id == 13:
                raise RuntimeError("a late defect")
            return HeartbeatResponse()

        return Later(wait)

    async with connected(dispatch) as good, connected(dispatch) as bad:
        await bad.send(13)
        await bad.send(14)
        assert await bad.receive() is None
        await good.send(1)
        assert await good.receive() == (1, 0)
    assert "RuntimeError: a late defect" in caplog.text


async def test_who_stops_listening_refuses_at_once() -> None:
    """Clients must not wait in the queue of a broker that is closing its logs."""

    class Acceptor:
        closed = False

        async def accept(self) -> Transport:
            await trio.sleep_forever()
            raise AssertionError

        def close(self) -> None:
            self.closed = True

    acceptor = Acceptor()
    connections = Connections(lambda: 1000, lambda _: 1000)
    listener = Listener("PLAINTEXT", echo, 1 << 20, 60, connections, unsupported_version)
    async with trio.open_nursery() as nursery:
        await nursery.start(listener.serve, acceptor)
        assert not acceptor.closed
        nursery.cancel_scope.cancel()
    assert acceptor.closed
