"""A broker that says what a test wants it to, over a real socket.

    async with fake_broker({MetadataRequest: lambda request: MetadataResponse(...)}) as broker:
        ...a client at broker.address...

A script maps a request's class to a function of the request; its result is sent
back, `HANG_UP` closes the connection instead, and `SILENT` leaves it without an
answer. Every request that came is in `broker.requests`. ApiVersions is answered
with all that we speak, unless the script says otherwise.
"""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from typing import Any, Final

import attrs
import trio

from broker.wire.apis import API_TABLE
from broker.wire.framing import decode_request, encode_response
from broker.wire.messages.api_versions import ApiVersion, ApiVersionsRequest, ApiVersionsResponse
from cli.client import Address

HANG_UP: Final = object()
SILENT: Final = object()

Script = Mapping[type, Callable[[Any], object]]


@attrs.define(eq=False)
class FakeBroker:
    """Where it listens, and what it was asked so far."""

    address: Address
    script: Script
    requests: list[Any] = attrs.field(factory=list)
    open_connections: int = 0


def every_version(_request: ApiVersionsRequest) -> ApiVersionsResponse:
    return ApiVersionsResponse(
        api_keys=[
            ApiVersion(api_key=api.key, min_version=api.min_version, max_version=api.max_version)
            for api in API_TABLE.values()
        ]
    )


@contextlib.asynccontextmanager
async def fake_broker(script: Script) -> AsyncIterator[FakeBroker]:
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listener.socket.getsockname()[1]
    broker = FakeBroker(Address("127.0.0.1", port), {ApiVersionsRequest: every_version, **script})
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, partial(_serve, broker), [listener])
        yield broker
        nursery.cancel_scope.cancel()


async def _serve(broker: FakeBroker, stream: trio.SocketStream) -> None:
    broker.open_connections += 1
    try:
        with contextlib.suppress(trio.BrokenResourceError):  # a client may hang up at any moment
            await _answer(broker, stream)
    finally:
        broker.open_connections -= 1


async def _answer(broker: FakeBroker, stream: trio.SocketStream) -> None:
    async with stream:
        while True:
            size = await _receive(stream, 4)
            if not size:
                return
            frame = await _receive(stream, int.from_bytes(size, "big"))
            header, request = decode_request(memoryview(frame))
            broker.requests.append(request)
            answer = broker.script[type(request)](request)
            if answer is HANG_UP:
                return
            if answer is SILENT:
                continue
            for chunk in encode_response(header, answer):
                await stream.send_all(bytes(chunk))


async def _receive(stream: trio.SocketStream, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = await stream.receive_some(size - len(data))
        if not piece:
            return b""
        data += piece
    return data
