"""The HTTP server: what it answers, what it refuses, and that it holds its bounds."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import h11
import pytest
import trio
from trio.testing import MemoryReceiveStream, MemorySendStream, MockClock, memory_stream_pair

from broker.monitoring.http import (
    MAX_CONNECTIONS,
    MAX_REQUEST_BYTES,
    PATIENCE_S,
    NextChunk,
    Page,
    Request,
    Stream,
    serve_http,
)
from broker.network.transport import StreamTransport, Transport

Client = trio.StapledStream[MemorySendStream, MemoryReceiveStream]


class Acceptor:
    """Connections that the test makes."""

    def __init__(self) -> None:
        self._send, self._receive = trio.open_memory_channel[Transport](0)

    async def connect(self) -> Client:
        ours, theirs = memory_stream_pair()
        await self._send.send(StreamTransport(theirs))
        return ours

    async def accept(self) -> Transport:
        return await self._receive.receive()

    def close(self) -> None:
        self._receive.close()


async def hello(request: Request) -> Page:
    return Page(f"{request.method} {request.path}\n".encode())


@asynccontextmanager
async def serving(
    answer_to: Callable[[Request], Awaitable[Page | Stream]] = hello,
) -> AsyncIterator[Acceptor]:
    acceptor = Acceptor()
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_http, acceptor, answer_to)
        yield acceptor
        nursery.cancel_scope.cancel()


async def all_of(client: Client) -> bytes:
    """Everything until the server closes the connection."""
    return b"".join([data async for data in client])


async def ask(client: Client, request: bytes) -> bytes:
    await client.send_all(request)
    return await all_of(client)


async def answer(client: Client, method: str = "GET") -> tuple[h11.Response, bytes]:
    """The next answer on a connection that may stay open."""
    http = h11.Connection(h11.CLIENT)
    request = h11.Request(method=method, target="/a?b", headers=[("Host", "x")])
    await client.send_all(http.send(request) or b"")
    await client.send_all(http.send(h11.EndOfMessage()) or b"")
    response: h11.Response | None = None
    body = b""
    while True:
        event = http.next_event()
        if event is h11.NEED_DATA:
            http.receive_data(await client.receive_some())
        elif isinstance(event, h11.Response):
            response = event
        elif isinstance(event, h11.Data):
            body += event.data
        else:
            assert isinstance(event, h11.EndOfMessage)
            assert response is not None
            return response, body


async def test_a_connection_serves_one_request_after_the_other() -> None:
    async with serving() as server:
        client = await server.connect()
        for _ in range(3):
            response, body = await answer(client)
            assert (response.status_code, body) == (200, b"GET /a\n")


async def test_pipelined_requests_are_answered_in_order() -> None:
    async with serving() as server:
        client = await server.connect()
        said = await ask(
            client,
            b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"
            b"GET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        )
    assert said.index(b"GET /1\n") < said.index(b"GET /2\n")


async def test_an_answer_to_head_has_no_body() -> None:
    async with serving() as server:
        response, body = await answer(await server.connect(), "HEAD")
    assert dict(response.headers)[b"content-length"] == b"8"
    assert body == b""


async def test_http_1_0_is_answered_and_closed() -> None:
    async with serving() as server:
        said = await ask(await server.connect(), b"GET /old HTTP/1.0\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 200 ")
    assert said.endswith(b"GET /old\n")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"\x00\x00\x00\x10\x00\x12\x00\x03 a Kafka client\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),  # no Host
        (b"GET / HTTP/one\r\nHost: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 2 * MAX_REQUEST_BYTES + b"\r\n\r\n", 431),
        (b"GET /" + b"a" * (MAX_REQUEST_BYTES + 1), 431),
        (
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 16385\r\n\r\n" + b"a" * 16385,
            413,
        ),
    ],
)
async def test_what_is_no_request_is_refused_and_closed(
    request_: bytes, status: int, autojump_clock: MockClock
) -> None:
    async with serving() as server:
        said = await ask(await server.connect(), request_)
        assert said.startswith(b"HTTP/1.1 %d " % status)
        assert b"connection: close" in said.lower()
        await answer(await server.connect())  # nobody else is disturbed


async def test_a_small_body_is_passed_over() -> None:
    async with serving() as server:
        said = await ask(
            await server.connect(),
            b"POST /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\n"
            b"Content-Length: 5\r\n\r\nhello",
        )
    assert said.endswith(b"POST /a\n")


async def test_who_says_nothing_is_closed(autojump_clock: MockClock) -> None:
    async with serving() as server:
        client = await server.connect()
        assert await ask(client, b"GET / HT") == b""
        assert trio.current_time() == pytest.approx(PATIENCE_S)


async def test_who_goes_in_the_middle_disturbs_nobody() -> None:
    async with serving() as server:
        client = await server.connect()
        await client.send_all(b"GET / HT")
        await client.aclose()
        await answer(await server.connect())


async def test_one_connection_too_many_is_closed() -> None:
    async with serving() as server:
        clients = [await server.connect() for _ in range(MAX_CONNECTIONS)]
        assert await all_of(await server.connect()) == b""
        await clients[0].aclose()
        await trio.testing.wait_all_tasks_blocked()
        await answer(await server.connect())


async def test_a_defect_is_answered_500_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(request: Request) -> Page:
        raise ZeroDivisionError

    with caplog.at_level(logging.ERROR):
        async with serving(broken) as server:
            response, _ = await answer(await server.connect())
    assert response.status_code == 500
    assert "ZeroDivisionError" in caplog.text


# --- streams


class Ticks:
    """A stream that the test feeds; and whether it has been left."""

    def __init__(self) -> None:
        self._send, self._receive = trio.open_memory_channel[bytes](0)
        self.left = trio.Event()

    @contextmanager
    def open(self) -> Iterator[NextChunk]:
        try:
            yield self._receive.receive
        finally:
            self.left.set()

    async def tick(self) -> None:
        await self._send.send(b"tick\n")

    async def answer(self, request: Request) -> Stream:
        return Stream(self.open(), "text/event-stream")


GET = b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n"


async def test_a_stream_is_sent_as_it_comes_until_the_reader_goes() -> None:
    ticks = Ticks()
    async with serving(ticks.answer) as server:
        client = await server.connect()
        await client.send_all(GET)
        for _ in range(2):
            await ticks.tick()
            said = b""
            while b"tick\n" not in said:
                said += await client.receive_some()
        await client.aclose()
        await ticks.left.wait()


async def test_a_stream_ends_with_the_server() -> None:
    ticks = Ticks()
    async with serving(ticks.answer) as server:
        client = await server.connect()
        await client.send_all(GET)
        await ticks.tick()
    assert ticks.left.is_set()


async def test_a_reader_who_does_not_read_is_closed(autojump_clock: MockClock) -> None:
    class Stuck(StreamTransport):
        sent = 0

        async def send(self, chunks: object) -> None:
            self.sent += 1
            if self.sent > 2:
                await trio.sleep_forever()

    ticks = Ticks()
    ours, theirs = memory_stream_pair()
    acceptor = Acceptor()
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_http, acceptor, ticks.answer)
        await acceptor._send.send(Stuck(theirs))
        await ours.send_all(GET)
        await ticks.tick()
        await ticks.tick()
        await ticks.left.wait()
        assert trio.current_time() == pytest.approx(PATIENCE_S)
        nursery.cancel_scope.cancel()
