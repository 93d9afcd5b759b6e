"""Server-sent events of a broker's `http.listener`, read until the connection ends.

    GET /events  ─►  200, and then  id: .. / event: .. / data: ..  for each, a blank line behind it

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from collections.abc import Callable

import attrs

from cli.client.addresses import Address
from cli.client.http import get

# A broker is silent for 15 s at most (broker.monitoring.server_sent).
PATIENCE_S = 60.0


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
    headers = {"Accept": "text/event-stream"}
    if last_event_id is not None:
        headers["Last-Event-ID"] = last_event_id
    rest = b""

    def hear(data: bytes) -> None:
        nonlocal rest
        *messages, rest = (rest + data).split(b"\n\n")
        for each in messages:
            message = _message(each.decode(errors="replace"))
            if message is not None:
                tell(message)

    await get(address, path, hear, patience_s=PATIENCE_S, headers=headers)


def _message(text: str) -> Message | None:
    """None for a comment."""
    fields = dict(line.partition(": ")[::2] for line in text.split("\n") if line[:1] != ":")
    if "data" not in fields:
        return None
    return Message(fields.get("event", "message"), fields["data"], fields.get("id"))
