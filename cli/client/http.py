"""One GET to a broker's `http.listener`, and its answer as it comes."""

from collections.abc import Callable, Mapping

import h11
import trio

from cli.client.addresses import Address
from cli.client.connection import short_reason
from cli.client.errors import BrokerUnreachable, ClientError

CONNECT_TIMEOUT_S = 5.0


async def connect(address: Address) -> trio.SocketStream:
    """Raises `BrokerUnreachable`, after `CONNECT_TIMEOUT_S` at the latest."""
    try:
        with trio.fail_after(CONNECT_TIMEOUT_S):
            return await trio.open_tcp_stream(address.host, address.port)
    except trio.TooSlowError as error:
        raise BrokerUnreachable(address, f"no answer within {CONNECT_TIMEOUT_S:g} s") from error
    except OSError as error:
        raise BrokerUnreachable(address, short_reason(error)) from error


async def get(
    address: Address,
    path: str,
    hear: Callable[[bytes], None],
    *,
    patience_s: float,
    headers: Mapping[str, str] | None = None,
) -> None:
    """Let the body be heard, piece by piece, until it ends, or the broker ends the connection.

    Raises `BrokerUnreachable`, and `ClientError` for what is no such page, or if nothing comes for
    `patience_s`.
    """
    url = f"http://{address}{path}"
    async with await connect(address) as stream:
        http = h11.Connection(h11.CLIENT)
        fields = [("Host", str(address)), *(headers or {}).items()]
        asked = http.send(h11.Request(method="GET", target=path, headers=fields))
        asked += http.send(h11.EndOfMessage())
        try:
            await stream.send_all(asked)
            await _read(stream, http, url, hear, patience_s)
        except trio.BrokenResourceError:
            return
        except trio.TooSlowError:
            raise ClientError(f"{url}: nothing for {patience_s:g} s") from None
        except h11.RemoteProtocolError as error:
            raise ClientError(f"{url} is no HTTP server: {error}") from None


async def _read(
    stream: trio.abc.Stream,
    http: h11.Connection,
    url: str,
    hear: Callable[[bytes], None],
    patience_s: float,
) -> None:
    while True:
        event = http.next_event()
        if event is h11.NEED_DATA:
            with trio.fail_after(patience_s):
                http.receive_data(bytes(await stream.receive_some()))
        elif isinstance(event, h11.Response):
            if event.status_code != 200:
                raise ClientError(f"{url} answers {event.status_code}")
        elif isinstance(event, h11.Data):
            hear(bytes(event.data))
        else:
            return
