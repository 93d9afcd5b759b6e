"""The configured `listeners`, opened: an acceptor and a `Listener` for each."""

import errno
import math
from collections.abc import Callable

import trio

from broker.api.api_versions import unsupported_version
from broker.api.dispatch import dispatcher
from broker.broker import Broker
from broker.config.broker_config import BrokerConfig
from broker.failure import BrokerFailure
from broker.network.arrivals import Arrivals
from broker.network.connections import Connections
from broker.network.listener import Dispatch, Listener
from broker.network.transport import Acceptor
from broker.surroundings import Listen
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


def _own_listeners(config: BrokerConfig) -> frozenset[str]:
    """Those where brokers come, if there are others."""
    if len(config.listeners) == 1:
        return frozenset()
    own = {config.inter_broker_listener_name, config.control_plane_listener_name}
    return frozenset(name for name in own if name is not None)


def _arrivals(broker: Broker) -> Arrivals:
    config = broker.config
    return Arrivals(
        of_broker=lambda: broker.config.max_connection_creation_rate,
        of_listener=lambda name: broker.config.max_connection_creation_rate_of_listener.get(
            name.lower(), broker.config.max_connection_creation_rate
        ),
        protected_listeners=_own_listeners(config),
        window_count=config.quota_window_num,
        window_s=config.quota_window_size_seconds,
        clock_s=trio.current_time,
    )


def connections_of(broker: Broker) -> Connections:
    """None yet, and their limits, which all listeners have in common."""
    arrivals = _arrivals(broker)
    return Connections(
        max_count=lambda: broker.config.max_connections,
        max_of_host=lambda host: broker.config.max_connections_per_ip_overrides.get(
            host, broker.config.max_connections_per_ip
        ),
        max_of_listener=lambda name: broker.config.max_connections_of_listener.get(
            name.lower(), broker.config.max_connections
        ),
        protected_listeners=_own_listeners(broker.config),
        admit=broker.quotas.connections.admit,
        held_s=arrivals.held_s,
        not_come=arrivals.take_back,
    )


def listeners_of(
    broker: Broker,
    connections: Connections,
    measured: Callable[[Dispatch], Dispatch] | None = None,
) -> Callable[[Endpoint], Listener]:
    """Makes the `Listener` of each endpoint.

    measured: what to put around the dispatch of each request.
    """
    dispatch = dispatcher(broker)
    if measured is not None:
        dispatch = measured(dispatch)
    max_idle_ms = broker.config.connections_max_idle_ms
    return lambda endpoint: Listener(
        name=endpoint.listener,
        dispatch=dispatch,
        max_frame_bytes=broker.config.socket_request_max_bytes,
        max_idle_s=max_idle_ms / 1000 if max_idle_ms >= 0 else math.inf,
        connections=connections,
        unsupported_api_versions=unsupported_version,
        authorizer=broker.authorizer,
    )
