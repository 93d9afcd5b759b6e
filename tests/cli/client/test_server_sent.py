"""Server-sent events, read from the server that brokers have; and what is no such stream."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import trio

from broker.events import EventLog
from broker.monitoring.event_stream import event_stream
from broker.monitoring.http import Page, Request, Stream, serve_http
from broker.network.transport import SocketAcceptor, listen_tcp
from cli.client import Address, BrokerUnreachable, ClientError
from cli.client.server_sent import Message, follow
from tests.support.ports import free_port


@asynccontextmanager
async def serving(
    answer_to: Callable[[Request], Awaitable[Page | Stream]],
) -> AsyncIterator[Address]:
    acceptor = await listen_tcp("127.0.0.1", 0, 5)
    assert isinstance(acceptor, SocketAcceptor)
    port = acceptor.listening.getsockname()[1]
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_http, acceptor, answer_to)
        yield Address("127.0.0.1", port)
        nursery.cancel_scope.cancel()


async def test_what_is_there_and_what_comes() -> None:
    events = EventLog(1, life="cafe")
    for _ in range(2):
        events("broker.stopped")

    async def answer_to(request: Request) -> Stream:
        last = request.headers.get("last-event-id")
        return Stream(event_stream(events, last), "text/event-stream")

    heard: list[Message] = []

    def tell(message: Message) -> None:
        heard.append(message)
        if len(heard) == 1:
            events("broker.started")
        else:
            scope.cancel()

    async with serving(answer_to) as address:
        with trio.CancelScope() as scope:
            await follow(address, "/events", tell, last_event_id="cafe.1")
    assert [(each.id, each.event) for each in heard] == [
        ("cafe.2", "broker.stopped"),
        ("cafe.3", "broker.started"),
    ]
    assert json.loads(heard[0].data)["broker"] == 1


def nobody_tells(message: Message) -> None:
    raise AssertionError(message)


async def test_what_is_no_stream() -> None:
    async def answer_to(_request: Request) -> Page:
        return Page(b"nothing here", status=404)

    async with serving(answer_to) as address:
        with pytest.raises(ClientError, match=r"/events answers 404"):
            await follow(address, "/events", nobody_tells)


async def test_nobody_there() -> None:
    with pytest.raises(BrokerUnreachable):
        await follow(Address("127.0.0.1", free_port()), "/events", nobody_tells)


async def test_no_http_server() -> None:
    async def greet(stream: trio.SocketStream) -> None:
        await stream.send_all(b"220 mail\r\n\r\n")

    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(trio.serve_listeners, greet, [listener])
        address = Address("127.0.0.1", listener.socket.getsockname()[1])
        with pytest.raises(ClientError, match="is no HTTP server"):
            await follow(address, "/events", nobody_tells)
        nursery.cancel_scope.cancel()
