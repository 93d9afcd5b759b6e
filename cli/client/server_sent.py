"""Server-sent events of a broker's `http.listener`, read until the connection ends.

    GET /events  ─►  200, and then  id: .. / event: .. / data: ..  for each, a blank line behind it

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from collections.abc import Callable

import attrs
import h11
import trio

from cli.client.addresses import Address
from cli.client.errors import BrokerUnreachable, ClientError

# A broker is silent for 15 s at most (broker.monitoring.server_sent).
PATIENCE_S = 60.0
CONNECT_TIMEOUT_S = 5.0


@attrs.frozen
class Message:
    """One event; `id` is None where the stream has none."""

    event: str
    data: str
    id: str | None


async def follow(
    address: Address,
    path: str,
    tell: Callable[[Message], None],
    *,
    last_event_id: str | None = None,
) -> None:
    """Tell each message, until the broker ends the connection.

    Raises `BrokerUnreachable`, and `ClientError` for what is no stream of events.
    """
    try:
        with trio.fail_after(CONNECT_TIMEOUT_S):
            stream = await trio.open_tcp_stream(address.host, address.port)
    except trio.TooSlowError as error:
        raise BrokerUnreachable(address, f"no answer within {CONNECT_TIMEOUT_S:g} s") from error
    except OSError as error:
        raise BrokerUnreachable(address, str(error)) from error
    async with stream:
        http = h11.Connection(h11.CLIENT)
        headers = [("Host", str(address)), ("Accept", "text/event-stream")]
        if last_event_id is not None:
            headers.append(("Last-Event-ID", last_event_id))
        asked = http.send(h11.Request(method="GET", target=path, headers=headers))
        asked += http.send(h11.EndOfMessage())
        try:
            await stream.send_all(asked)
            await _read(stream, http, f"http://{address}{path}", tell)
        except trio.BrokenResourceError:
            return
        except trio.TooSlowError:
            raise ClientError(f"http://{address}{path}: nothing for {PATIENCE_S:g} s") from None
        except h11.RemoteProtocolError as error:
            raise ClientError(f"http://{address}{path} is no HTTP server: {error}") from None


async def _read(
    stream: trio.abc.Stream, http: h11.Connection, url: str, tell: Callable[[Message], None]
) -> None:
    rest = b""
    while True:
        event = http.next_event()
        if event is h11.NEED_DATA:
            with trio.fail_after(PATIENCE_S):
                http.receive_data(bytes(await stream.receive_some()))
        elif isinstance(event, h11.Response):
            if event.status_code != 200:
                raise ClientError(f"{url} answers {event.status_code}")
        elif isinstance(event, h11.Data):
            *messages, rest = (rest + bytes(event.data)).split(b"\n\n")
            for each in messages:
                message = _message(each.decode(errors="replace"))
                if message is not None:
                    tell(message)
        else:
            return


def _message(text: str) -> Message | None:
    """None for a comment."""
    fields = dict(line.partition(": ")[::2] for line in text.split("\n") if line[:1] != ":")
    if "data" not in fields:
        return None
    return Message(fields.get("event", "message"), fields["data"], fields.get("id"))
