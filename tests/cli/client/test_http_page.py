"""A page of the server that brokers have; and what is none."""

import functools

import pytest
import trio

from broker.monitoring.http import Page, Request
from cli.client import Address, BrokerUnreachable, ClientError
from cli.client import http_page as http_page_module
from cli.client.http_page import page_of
from tests.cli.client.test_server_sent import serving
from tests.support.ports import free_port

LONG = b"x" * 200_000


async def answer_to(request: Request) -> Page:
    return {"/long": Page(LONG), "/no": Page(b"no\n", status=503)}[request.path]


async def test_a_page_and_what_comes_of_it() -> None:
    async with serving(answer_to) as address:
        assert await page_of(address, "/long") == http_page_module.Page(200, LONG)
        assert await page_of(address, "/no") == http_page_module.Page(503, b"no\n")


async def test_a_page_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_page_module, "MAX_PAGE_BYTES", 1000)
    async with serving(answer_to) as address:
        with pytest.raises(ClientError, match="/long: more than 1000 bytes"):
            await page_of(address, "/long")


async def test_nobody_there() -> None:
    with pytest.raises(BrokerUnreachable, match="Connection refused"):
        await page_of(Address("127.0.0.1", free_port()), "/")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"\x00\x00\x00\x05hello\r\n\r\n", "no answer of HTTP"),
        (b"", "no answer of HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", "no answer of HTTP"),
    ],
)
async def test_what_is_no_page(said: bytes, why: str, nursery: trio.Nursery) -> None:
    async def say(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(said)
        await stream.aclose()

    serve = functools.partial(trio.serve_tcp, say, 0, host="127.0.0.1")
    [listener] = await nursery.start(serve)
    port = listener.socket.getsockname()[1]
    with pytest.raises(ClientError, match=why):
        await page_of(Address("127.0.0.1", port), "/")
    nursery.cancel_scope.cancel()
