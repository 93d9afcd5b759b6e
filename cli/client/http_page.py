"""One page of a broker's `http.listener`, asked for over a connection of its own.

Who stands behind the address need not be a broker: what is no HTTP, and a page that never ends,
is the user's one line, too.
"""

from typing import Final

import attrs
import h11
import trio

from cli.client.addresses import Address
from cli.client.errors import ClientError
from cli.client.http import connect

# The states of a cluster of 100,000 replicas are some 10 MB.
MAX_PAGE_BYTES: Final = 256 * 1024 * 1024


@attrs.frozen
class Page:
    status: int
    body: bytes


async def page_of(address: Address, path: str) -> Page:
    """Raises `BrokerUnreachable`, and `ClientError` for what is no answer; has no deadline."""
    url = f"http://{address}{path}"
    http = h11.Connection(h11.CLIENT)
    asked = http.send(
        h11.Request(
            method="GET", target=path, headers=[("Host", str(address)), ("Connection", "close")]
        )
    )
    asked += http.send(h11.EndOfMessage())
    async with await connect(address) as stream:
        try:
            await stream.send_all(asked)
            return await _read(stream, http, url)
        except trio.BrokenResourceError:
            raise ClientError(f"{url}: the connection broke before the answer's end") from None
        except h11.RemoteProtocolError as error:
            raise ClientError(f"{url}: no answer of HTTP: {error}") from None


async def _read(stream: trio.abc.Stream, http: h11.Connection, url: str) -> Page:
    status, body = 0, bytearray()
    while True:
        event = http.next_event()
        if event is h11.NEED_DATA:
            http.receive_data(bytes(await stream.receive_some()))
        elif isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > MAX_PAGE_BYTES:
                raise ClientError(f"{url}: more than {MAX_PAGE_BYTES} bytes")
        elif not isinstance(event, h11.InformationalResponse):
            return Page(status, bytes(body))
