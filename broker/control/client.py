"""Asking the controller: one connection to whichever broker is it now.

A broker needs the controller for what only one may decide: a new ISR, a block
of producer ids, leave to stop. Requests go out one after the other over one
connection, to the broker that the last UpdateMetadata named, and are sent again
to the next one when that broker is gone or answers NOT_CONTROLLER, until the
caller's deadline. All of these requests may be sent twice without harm. What
mustn't wait for the others' answers has a client of its own.

Kafka: NodeToControllerChannelManager.
"""

from typing import Protocol, TypeVar

import attrs
import trio

from broker.control.metadata_cache import MetadataCache
from broker.network.peers import Connect, Peer, PeerUnavailable
from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from coordination.values import Endpoint

RETRY_BACKOFF_S = 0.1


class ControllerAnswer(Protocol):
    """What all answers of a controller have: the error code of the whole request."""

    error_code: int


A = TypeVar("A", bound=ControllerAnswer)


class ControllerUnavailable(Exception):
    """No controller answered before the deadline."""


@attrs.define(eq=False)
class ControllerClient:
    """Shared by several tasks of a broker; each request has the connection to itself."""

    broker_id: int
    listener: str
    metadata: MetadataCache
    request_timeout_s: float
    connect: Connect
    _peer: Peer | None = attrs.field(default=None, init=False)
    _turn: trio.Lock = attrs.field(factory=trio.Lock, init=False)

    async def request(
        self, api_key: ApiKey, version: int, message: object, answer: type[A], timeout_s: float
    ) -> A:
        """The active controller's answer; raises `ControllerUnavailable` after `timeout_s`."""
        reason = "no controller is known"
        with trio.move_on_after(timeout_s):
            async with self._turn:
                while True:
                    try:
                        response = await self._ask(api_key, version, message, answer)
                    except PeerUnavailable as error:
                        reason = str(error)
                    else:
                        if response.error_code != ErrorCode.NOT_CONTROLLER:
                            return response
                        reason = "the broker last known as controller is it no more"
                    await trio.sleep(RETRY_BACKOFF_S)
        raise ControllerUnavailable(f"{api_key.name}: {reason}")

    async def _ask(self, api_key: ApiKey, version: int, message: object, answer: type[A]) -> A:
        endpoint = self._endpoint()
        if endpoint is None:
            raise PeerUnavailable("no controller is known")
        self.leave_former_controller()
        if self._peer is None:
            self._peer = Peer(endpoint.host, endpoint.port, str(self.broker_id), self.connect)
        return await self._peer.request(api_key, version, message, answer, self.request_timeout_s)

    def leave_former_controller(self) -> None:
        """Hang up on who is controller no more, as the metadata says now.

        It may be frozen, or cut off: a request that waits for its answer is sent to
        the next one at once, and not after `controller.socket.timeout.ms`.
        """
        endpoint = self._endpoint()
        if self._peer is not None and (
            endpoint is None or (self._peer.host, self._peer.port) != (endpoint.host, endpoint.port)
        ):
            self.close()

    def _endpoint(self) -> Endpoint | None:
        cluster = self.metadata.current
        return cluster.endpoint(cluster.controller_id, self.listener)

    def close(self) -> None:
        if self._peer is not None:
            self._peer.close()
        self._peer = None
