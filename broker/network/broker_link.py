"""Connections to brokers by their id, wherever the metadata say that they listen now.

The coordinator sends markers to the leaders of partitions; leaders ask the coordinator whether a
transaction has their partition. Both are brokers among brokers, and either may be this one: it asks
itself over the same connection as any other.

Kafka: InterBrokerSendThread.
"""

import math
from collections.abc import Callable
from typing import Protocol, TypeVar

import attrs
import trio

from broker.control.metadata_cache import MetadataCache
from broker.network.peers import Connect, Peer, PeerUnavailable
from broker.waiting import Movement, wait_until
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


async def ask_while(
    is_the_one: Callable[[], bool],
    changed: Movement,
    link: Link,
    api_key: ApiKey,
    version: int,
    message: object,
    answer: type[M],
    timeout_s: float,
) -> M:
    """As `link.request`, but only for as long as the broker is the one to ask.

    `changed` moves when it may not be any more, and then this is `PeerUnavailable`, too: a broker
    that is frozen or cut off says nothing, and others take its place long before its time is over.
    """
    found: M | None = None
    failure = PeerUnavailable("it is not the one to ask any more")
    async with trio.open_nursery() as nursery:

        async def ask() -> None:
            nonlocal found, failure
            try:
                found = await link.request(api_key, version, message, answer, timeout_s)
            except PeerUnavailable as error:
                failure = error
            nursery.cancel_scope.cancel()

        nursery.start_soon(ask)
        await wait_until(lambda: not is_the_one(), [changed], math.inf)
        nursery.cancel_scope.cancel()
    if found is None:
        raise failure
    return found


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
