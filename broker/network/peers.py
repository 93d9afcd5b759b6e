"""Connections that this broker opens to others.

A `Peer` is one connection to one broker, made when it's first used and made
again after it broke. One request at a time: the callers (the controller's
queue for a broker, a fetcher, the channel to the controller) each own a peer of
their own and want their requests in order.

Two kinds of caller, two kinds of knowing what the other side speaks. All
members of the ensemble run `inter.broker.protocol.version=3.9`, so a broker
sends fixed versions without asking, as Kafka's controller and fetchers do; the
channel to the controller asks ApiVersions first (Kafka's
NodeToControllerChannelManager), which we need not.

Kafka: InterBrokerSendThread, BrokerBlockingSender.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import attrs
import trio

from broker.network.frames import BadFrame, FrameReader
from broker.network.transport import ConnectionClosed, Transport
from broker.wire import framing
from broker.wire.apis import ApiKey
from broker.wire.codec import MalformedMessage

M = TypeVar("M")

# Answers of brokers are bounded by what we ask for (fetch sizes); this only stops
# a peer that is no Kafka from making us allocate whatever its first bytes say.
MAX_ANSWER_BYTES = 1 << 30


class PeerUnavailable(Exception):
    """No answer: the broker can't be reached, hung up, or did not answer in time.

    Whether it handled the request is unknown.
    """


# host, port -> a new connection; raises OSError. Memory streams in one process take its place.
Connect = Callable[[str, int], Awaitable[Transport]]


@attrs.define(eq=False)
class Peer:
    """One connection to the broker at `host`:`port`, for one caller at a time."""

    host: str
    port: int
    client_id: str
    connect: Connect
    _transport: Transport | None = attrs.field(default=None, init=False)
    _frames: FrameReader | None = attrs.field(default=None, init=False)
    _correlation_id: int = attrs.field(default=0, init=False)

    async def request(
        self, api_key: ApiKey, version: int, message: object, answer: type[M], timeout_s: float
    ) -> M:
        """Send one request and await its answer; raises `PeerUnavailable`.

        Whatever goes wrong midway, cancellation too, closes the connection, for
        an answer that nobody waits for any more must not be taken for the next one.
        """
        done = False
        try:
            with trio.fail_after(timeout_s):
                response = await self._exchange(api_key, version, message)
            if not isinstance(response, answer):
                raise TypeError(f"{api_key.name} is not answered by {answer.__name__}")
            done = True
            return response
        except (OSError, ConnectionClosed, BadFrame, MalformedMessage) as error:
            raise PeerUnavailable(f"{self.host}:{self.port}: {error}") from error
        except trio.TooSlowError:
            raise PeerUnavailable(
                f"{self.host}:{self.port}: no answer to {api_key.name} in {timeout_s:g} s"
            ) from None
        finally:
            if not done:
                self.close()

    async def _exchange(self, api_key: ApiKey, version: int, message: object) -> object:
        if self._transport is None or self._frames is None:
            self._transport = await self.connect(self.host, self.port)
            self._frames = FrameReader(self._transport, MAX_ANSWER_BYTES)
        # Ours until the end of this request: `close` may be called meanwhile, and ends it.
        transport, frames = self._transport, self._frames
        self._correlation_id = (self._correlation_id + 1) & 0x7FFFFFFF
        await transport.send(
            framing.encode_request(api_key, version, self._correlation_id, self.client_id, message)
        )
        frame = await frames.next_frame()
        if frame is None:
            raise ConnectionClosed("it hung up")
        correlation_id, response = framing.decode_response(api_key, version, frame)
        if correlation_id != self._correlation_id:
            raise ConnectionClosed(
                f"answer {correlation_id} to request {self._correlation_id}: out of step"
            )
        return response

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
        self._transport = self._frames = None
