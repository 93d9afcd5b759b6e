"""`http.listener`: where a monitoring system finds this broker. The one property that Kafka lacks.

    http.listener=HTTP://127.0.0.1:9404     absent or empty: nothing listens, nothing is measured

Written like a listener, so that nobody has to learn another form; but it's none of `listeners`, for
no client is ever told of it. An empty host is every interface: whoever reaches the port may read.
It is read once, at the start. A real Kafka ignores it, with a warning.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from broker.config.listeners import split_endpoint
from broker.config.values import ConfigError
from coordination.values import Endpoint

KEY: Final = "http.listener"
NAME: Final = "HTTP"
_FORM: Final = "HTTP://host:port"


def read_http_listener(
    properties: Mapping[str, str], listeners: Iterable[Endpoint]
) -> Endpoint | None:
    """None if there is to be none; raises ConfigError. `listeners`: those of Kafka's protocol."""
    text = properties.get(KEY, "").strip()
    if not text:
        return None
    parts = split_endpoint(text)
    if parts is None or parts[0] != NAME:
        raise ConfigError(KEY, text, f"`{text}` is not {_FORM}", _FORM)
    _, host, port = parts
    if not 0 <= port <= 65535:
        raise ConfigError(KEY, text, f"{port} is not a port", "a port from 0 to 65535")
    if port and any(port == other.port for other in listeners):
        raise ConfigError(KEY, text, f"port {port} is in listeners already", "a port of its own")
    return Endpoint(NAME, NAME, host, port)
