"""Connections to brokers by their id, wherever the metadata say that they listen now.

The coordinator sends markers to the leaders of partitions; leaders ask the coordinator whether a
transaction has their partition. Both are brokers among brokers, and either may be this one: it asks
itself over the same connection as any other.

Kafka: InterBrokerSendThread.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

import attrs

from broker.control.metadata_cache import MetadataCache
from broker.network.peers import Connect, Peer, PeerUnavailable
from broker.wire.apis import ApiKey

M = TypeVar("M")


class Link(Protocol):
    """To one broker, for one caller at a time."""

    async def request(
        self, api_key: ApiKey, version: int, message: object, answer: type[M], timeout_s: float
    ) -> M:
        """Its answer; raises `PeerUnavailable`."""
        ...

    def close(self) -> None: ...


# A broker's id -> a link to it.
Links = Callable[[int], Link]


@attrs.define(eq=False)
class BrokerLink:
    """Implements `Link` over a `Peer`, another one when the broker has moved."""

    target: int
    client_id: str
    listener: str
    metadata: MetadataCache
    connect: Connect
    _peer: Peer | None = attrs.field(default=None, init=False)

    async def request(
        self, api_key: ApiKey, version: int, message: object, answer: type[M], timeout_s: float
    ) -> M:
        return await self._connected().request(api_key, version, message, answer, timeout_s)

    def _connected(self) -> Peer:
        endpoint = self.metadata.current.endpoint(self.target, self.listener)
        if endpoint is None:
            raise PeerUnavailable(f"broker {self.target} is not known to be alive")
        address = endpoint.host, endpoint.port
        if self._peer is None or (self._peer.host, self._peer.port) != address:
            self.close()
            self._peer = Peer(endpoint.host, endpoint.port, self.client_id, self.connect)
        return self._peer

    def close(self) -> None:
        if self._peer is not None:
            self._peer.close()
        self._peer = None
