"""HTTP/1.1 for a few readers: requests within bounds, answers, and streams that don't end.

    transport ─► h11 ─► GET /metrics ─► answer_to ─► Page     sent, and the connection may go on
                                                └──► Stream   sent until the reader has gone

h11 knows the protocol and does no I/O; what is here is the I/O, and the bounds:

    connections            MAX_CONNECTIONS; one more is closed at once
    a request              MAX_REQUEST_BYTES, with a body, if it has one: 431 or 413, and closed
    the time for a request, and for reading an answer: PATIENCE_S, then closed

What can't be understood is answered 400 and closed. An error of ours ends the one connection with
its traceback in the log, and 500 if nothing was sent yet.

Source: RFC 9110 and 9112; https://h11.readthedocs.io
"""

import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Final

import attrs
import h11
import trio

from broker.network.transport import Acceptor, ConnectionClosed, Transport

_log = logging.getLogger(__name__)

# A few Prometheuses, and some browsers with the trace open.
MAX_CONNECTIONS: Final = 32
MAX_REQUEST_BYTES: Final = 16 * 1024
PATIENCE_S: Final = 30.0
# As broker.network.listener: long enough for other descriptors to be closed.
ACCEPT_BACKOFF_S: Final = 0.1

Headers = list[tuple[str, str]]
NextChunk = Callable[[], Awaitable[bytes]]


@attrs.frozen
class Request:
    """`path` is without the query. A header's name is in lower case."""

    method: str
    path: str
    headers: dict[str, str]


@attrs.frozen
class Page:
    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    status: int = 200
    headers: Headers = attrs.field(factory=list)


@attrs.frozen
class Stream:
    """What gives the next chunk, until the reader has gone; the context is left then."""

    chunks: AbstractContextManager[NextChunk]
    content_type: str


AnswerTo = Callable[[Request], Awaitable[Page | Stream]]


class RequestTooLarge(Exception):
    """It has a body of more than anybody needs who only asks."""


async def serve_http(
    acceptor: Acceptor,
    answer_to: AnswerTo,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Answer whoever connects, until cancelled. Started: at once."""
    open_connections: set[Transport] = set()

    async def serve(transport: Transport) -> None:
        try:
            await _Connection(transport, answer_to).run()
        finally:
            open_connections.discard(transport)
            transport.close()

    try:
        async with trio.open_nursery() as nursery:
            task_status.started()
            while True:
                try:
                    transport = await acceptor.accept()
                except OSError as error:
                    _log.warning("http: can't accept a connection: %s", error)
                    await trio.sleep(ACCEPT_BACKOFF_S)
                    continue
                if len(open_connections) >= MAX_CONNECTIONS:
                    _log.info("http: one connection too many, from %s", transport.peer_host)
                    transport.close()
                    continue
                open_connections.add(transport)
                nursery.start_soon(serve, transport)
    finally:
        acceptor.close()


class _Connection:
    def __init__(self, transport: Transport, answer_to: AnswerTo) -> None:
        self._transport = transport
        self._answer_to = answer_to
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_REQUEST_BYTES)
        self._buffer = bytearray(MAX_REQUEST_BYTES)

    async def run(self) -> None:
        """To the connection's end; never raises for what the other side does."""
        try:
            while await self._serve_one():
                self._http.start_next_cycle()
        except ConnectionClosed as error:
            _log.debug("http: %s has gone: %s", self._transport.peer_host, error)
        except Exception:  # noqa: BLE001  (a defect, and told as one)
            _log.exception(
                "http: defect: closing the connection from %s", self._transport.peer_host
            )

    async def _serve_one(self) -> bool:
        """One request and its answer; whether another one may follow."""
        answer: Page | Stream | None = None
        with trio.move_on_after(PATIENCE_S):
            try:
                request = await self._next_request()
            except h11.RemoteProtocolError as error:
                return await self._refuse(error.error_status_hint, str(error))
            except RequestTooLarge as error:
                return await self._refuse(413, str(error))
            if request is None:
                return False
            answer = await self._answered(request)
            if isinstance(answer, Page):
                await self._send_page(answer, with_body=request.method != "HEAD")
                return self._http.our_state is h11.DONE
        if isinstance(answer, Stream):
            await self._send_stream(answer)
        return False

    async def _next_request(self) -> Request | None:
        """None: the other side has nothing more to ask."""
        event = await self._next_event()
        if not isinstance(event, h11.Request):
            return None
        headers = {name.decode("latin-1"): text.decode("latin-1") for name, text in event.headers}
        request = Request(
            event.method.decode("ascii"), event.target.decode("latin-1").partition("?")[0], headers
        )
        body_bytes = 0
        while not isinstance(event, h11.EndOfMessage):
            event = await self._next_event()
            if isinstance(event, h11.Data):
                body_bytes += len(event.data)
            if body_bytes > MAX_REQUEST_BYTES:
                raise RequestTooLarge(f"a request of more than {MAX_REQUEST_BYTES} bytes")
        return request

    async def _next_event(self) -> h11.Event:
        while True:
            event = self._http.next_event()
            if isinstance(event, h11.Event):
                return event
            if self._http.they_are_waiting_for_100_continue:
                await self._send(h11.InformationalResponse(status_code=100, headers=[]))
            size_bytes = await self._transport.receive_into(memoryview(self._buffer))
            self._http.receive_data(bytes(self._buffer[:size_bytes]))

    async def _answered(self, request: Request) -> Page | Stream:
        try:
            return await self._answer_to(request)
        except Exception:  # noqa: BLE001  (a defect, and told as one)
            _log.exception("http: defect: no answer to %s %s", request.method, request.path)
            return Page(b"a defect: see the broker's log\n", status=500)

    async def _refuse(self, status: int, why: str) -> bool:
        _log.info("http: closing the connection from %s: %s", self._transport.peer_host, why)
        page = Page(f"{why}\n".encode(), status=status, headers=[("Connection", "close")])
        await self._send_page(page, with_body=True)
        return False

    async def _send_page(self, page: Page, *, with_body: bool) -> None:
        headers = [
            ("Content-Type", page.content_type),
            ("Content-Length", str(len(page.body))),
            *page.headers,
        ]
        await self._send(
            h11.Response(status_code=page.status, headers=headers),
            *([h11.Data(page.body)] if with_body else []),
            h11.EndOfMessage(),
        )

    async def _send_stream(self, stream: Stream) -> None:
        headers = [("Content-Type", stream.content_type), ("Cache-Control", "no-cache")]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._until_gone, nursery.cancel_scope)
            with stream.chunks as next_chunk:
                try:
                    await self._send(h11.Response(status_code=200, headers=headers))
                    while True:
                        chunk = await next_chunk()
                        with trio.fail_after(PATIENCE_S):
                            await self._send(h11.Data(chunk))
                except (ConnectionClosed, trio.TooSlowError) as error:
                    _log.debug("http: %s has gone: %s", self._transport.peer_host, error)
            nursery.cancel_scope.cancel()

    async def _until_gone(self, stream: trio.CancelScope) -> None:
        """Whatever comes in during a stream: there's nothing more that could be asked."""
        while await self._transport.receive_into(memoryview(self._buffer)):
            pass
        stream.cancel()

    async def _send(self, *events: h11.Event) -> None:
        await self._transport.send([self._http.send(event) or b"" for event in events])
