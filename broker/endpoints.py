"""The configured `listeners`, opened: an acceptor and a `Listener` for each."""

import errno

from broker.api.api_versions import unsupported_version
from broker.api.dispatch import dispatcher
from broker.broker import Broker
from broker.config.broker_config import BrokerConfig
from broker.failure import BrokerFailure
from broker.listener import Listener
from broker.surroundings import Listen
from broker.transport import Acceptor
from coordination.values import Endpoint


async def open_endpoints(config: BrokerConfig, listen: Listen) -> list[tuple[Endpoint, Acceptor]]:
    """Bind all of them; raises `BrokerFailure` for one that can't be (its port is in use)."""
    acceptors = []
    for endpoint in config.listeners:
        try:
            acceptor = await listen(endpoint.host, endpoint.port, config.socket_listen_backlog_size)
        except OSError as error:
            in_use = error.errno == errno.EADDRINUSE
            why = "Address already in use" if in_use else error.strerror or str(error)
            raise BrokerFailure(
                f"Socket server failed to bind to {endpoint.host or '0.0.0.0'}:{endpoint.port}: "
                f"{why}."
            ) from None
        acceptors.append((endpoint, acceptor))
    return acceptors


def listener_of(broker: Broker, endpoint: Endpoint) -> Listener:
    return Listener(
        name=endpoint.listener,
        dispatch=dispatcher(broker),
        max_frame_bytes=broker.config.socket_request_max_bytes,
        max_idle_s=broker.config.connections_max_idle_ms / 1000,
        max_connections_of=lambda host: broker.config.max_connections_per_ip_overrides.get(
            host, broker.config.max_connections_per_ip
        ),
        unsupported_api_versions=unsupported_version,
    )
