"""One listening socket, and one task a connection: frames in, answers out in order.

                  ┌────────────────────── a connection ───────────────────────┐
    client ──────►│ FrameReader ─► decode ─► dispatch ─┬─► answer ──────────┐ │
                  │      ▲                             └─► Later ─► queue   │ │
                  │      └── the next request              writer task ◄──┘ │ │
    client ◄──────│◄───────────────────────────────────────────┴───────────┘ │
                  └───────────────────────────────────────────────────────────┘

Requests of one connection are handled one after the other, in the order in
which they arrived; most are answered before the next is looked at. A handler
that has *done* its work but must wait before it may say so (an acks=all
produce) returns a `Later`: the next request is handled meanwhile, and the
writer task keeps the answers in order. Those that one commit makes ready leave
in one piece. So appends of one connection never
overtake each other, and only waiting overlaps. (Kafka handles strictly one
request a connection; it mutes the channel.)

Whose fault is it? A frame that can't be understood (a size over
`socket.request.max.bytes`, an unknown API, a malformed body) closes the
connection with a log line, as Kafka does: there's no telling where the next
request begins or what the client would make of an answer. An ApiVersions
request of an unknown version is the exception (KIP-511): it's answered in
version 0. Nothing that a client sends ends the listener or disturbs another
connection. One that is silent for `connections.max.idle.ms`, in the middle of a
frame or not, or doesn't read an answer for so long, is closed: while an answer
waits to be read no further request is looked at, so that nothing piles up for a
client who only asks. Nor is one looked at of a client who has used up a quota
(`broker.quotas`), until he may go on; he is silent meanwhile like any other, so his connection is
closed if that lasts too long, and when he is gone. An unexpected error in a handler is a defect of
ours: its traceback is logged, and that one connection is closed.

Kafka: SocketServer, KafkaRequestHandler.
"""

import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import attrs
import trio

from broker.api.context import Authorizer, RequestContext
from broker.network.answers import Answer, CloseConnection, Later, Throttled, Timed, Timing
from broker.network.connections import Connections, TooManyFromHost
from broker.network.frames import BadFrame, FrameReader
from broker.network.patience import Patience
from broker.network.transport import Acceptor, ConnectionClosed, Transport
from broker.wire import framing
from broker.wire.codec import MalformedMessage
from broker.wire.framing import RequestHeader, UnknownApi, UnsupportedVersion
from broker.wire.messages.api_versions import ApiVersionsResponse
from broker.wire.regions import Chunk

_log = logging.getLogger(__name__)

# Answers of one connection that may wait for their turn. Java producers have at
# most 5 requests in flight, librdkafka's default is far more but it is bounded by
# what it sends: at 100 the reader waits and TCP slows the client down.
MAX_IN_FLIGHT = 100

# Of those that wait, so many are sent together when they're ready together: as a commit of many
# small batches makes them. Only the last may be large, so their reader has time enough for it.
MAX_TOGETHER = 32

# After a failed accept (no file descriptor left): long enough for others to be closed.
ACCEPT_BACKOFF_S = 0.1


Dispatch = Callable[[RequestContext, object], Coroutine[Any, Any, Answer]]
# An answer that waits to be written, with what belongs to it.
Queued = tuple[RequestHeader, Answer, Timing | None]


@attrs.define
class Listener:
    """Serves connections of one listener name until it's cancelled."""

    name: str
    dispatch: Dispatch
    max_frame_bytes: int
    max_idle_s: float
    connections: Connections  # of all listeners of the broker
    unsupported_api_versions: Callable[[], ApiVersionsResponse]
    authorizer: Authorizer | None = None

    async def serve(
        self,
        acceptor: Acceptor,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Accept connections and serve them. Started: accepting.

        However it ends, the address is given up at once: a broker that closes its logs
        must not hold clients in a queue where nobody will look.
        """
        try:
            async with trio.open_nursery() as nursery:
                task_status.started()
                while True:
                    try:
                        transport = await acceptor.accept()
                    except OSError as error:
                        # Out of file descriptors, or the client was gone before we looked.
                        _log.warning("%s: can't accept a connection: %s", self.name, error)
                        await trio.sleep(ACCEPT_BACKOFF_S)
                    else:
                        await self._when_there_is_room(transport)
                        await nursery.start(self.serve_connection, transport)
        finally:
            acceptor.close()

    async def _when_there_is_room(self, transport: Transport) -> None:
        """Leave a new client, and those behind it, unanswered while the broker is full."""
        try:
            await self.connections.room(self.name)
        except BaseException:
            transport.close()
            raise

    async def serve_connection(
        self,
        transport: Transport,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Serve one connection to its end; never raises for what the client does.

        Started: it's counted, or was one too many.
        """
        try:
            held_s = self.connections.admit_to(self.name, transport.peer_host)
            if held_s:
                _log.info("%s: too many connections a second: %s", self.name, transport.peer_host)
                task_status.started()
                await trio.sleep(held_s)
                return
            connection = _Connection(self, transport)
            with self.connections.opened(connection), connection.scope:
                task_status.started()
                await connection.run()
        except TooManyFromHost as error:
            _log.info("%s: %s", self.name, error)
            task_status.started()
        finally:
            transport.close()


@attrs.define(eq=False)
class _Ready:
    """Answers that leave in one piece, in their order."""

    count: int = 0
    chunks: list[Chunk] = attrs.field(factory=list)
    timings: list[Timing] = attrs.field(factory=list)

    def add(self, header: RequestHeader, answer: Answer, timing: Timing | None) -> None:
        """Its turn has come. One that can't be encoded, which is a defect, is not added."""
        assert not isinstance(answer, Later)
        if timing is not None:
            timing.sending()
        if answer is not None:
            self.chunks += framing.encode_response(header, answer)
        if timing is not None:
            self.timings.append(timing)
        self.count += 1

    def take(self) -> tuple[list[Chunk], list[Timing]]:
        """What is to be sent, and who is told then; nothing of it is here any more."""
        taken = self.chunks, self.timings
        self.count, self.chunks, self.timings = 0, [], []
        return taken


class _Connection:
    def __init__(self, listener: Listener, transport: Transport) -> None:
        self._listener = listener
        self._transport = transport
        self._queued_answers = 0  # with those of them that are ready, until they're sent
        self._ready = _Ready()
        self.scope = trio.CancelScope()
        self.listener_name = listener.name
        self.host = transport.peer_host
        self.last_used_s = trio.current_time()
        self._patience = Patience(listener.max_idle_s)
        self._reading = trio.CancelScope()

    def make_room(self) -> None:
        _log.info("%s: closing %s: it makes room for a broker", self.listener_name, self._peer)
        self.scope.cancel()

    async def run(self) -> None:
        queue, queued = trio.open_memory_channel[Queued](MAX_IN_FLIGHT)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._lose_patience, nursery.cancel_scope)
            nursery.start_soon(self._write_queued, queued, nursery.cancel_scope)
            try:
                with self._reading:
                    await self._serve(queue)
            except (BadFrame, MalformedMessage, UnknownApi, UnsupportedVersion) as error:
                _log.warning("%s: closing %s: %s", self._listener.name, self._peer, error)
            except (ConnectionClosed, CloseConnection) as error:
                _log.debug("%s: closing %s: %s", self._listener.name, self._peer, error)
                nursery.cancel_scope.cancel()
            except Exception:  # noqa: BLE001  (a defect, and told as one)
                _log.exception("%s: defect: closing %s", self._listener.name, self._peer)
            # The requests before the end are still answered, each within its own deadline.
            queue.close()

    async def _serve(self, queue: trio.MemorySendChannel[Queued]) -> None:
        frames = FrameReader(self._transport, self._listener.max_frame_bytes)
        patience = self._patience
        while True:
            self.last_used_s = patience.for_request_since_s = trio.current_time()
            frame = await frames.next_frame()
            patience.for_request_since_s = None
            if frame is None:
                return
            header, answer = await self._handle(frame)
            del frame  # it may be large, and what follows may last
            timing, quiet_s = None, 0.0
            if isinstance(answer, Timed):
                timing, answer = answer.timing, answer.answer
            if isinstance(answer, Throttled):
                quiet_s = answer.quiet_s
                answer = answer.answer
            if isinstance(answer, Later) or self._queued_answers:
                self._queued_answers += 1
                await queue.send((header, answer, timing))
            else:
                self._ready.add(header, answer, timing)
                await self._write()
            if answer is None:  # nothing to write, so nothing that others could come between
                await trio.lowlevel.checkpoint()
            del answer  # as the frame
            if quiet_s:
                patience.for_request_since_s = trio.current_time()
                with trio.move_on_after(quiet_s):
                    await frames.until_left()

    async def _lose_patience(self, connection: trio.CancelScope) -> None:
        """Close it for a client that is silent or doesn't read; others may still be answered."""
        await self._patience.is_lost()
        if not self._patience.is_lost_for_reading:
            self._reading.cancel()
            self._patience.for_request_since_s = None
            await self._patience.is_lost()
        # Half an answer is on the wire, so the connection is of no more use.
        _log.debug("%s: closing %s: it doesn't read an answer", self._listener.name, self._peer)
        connection.cancel()

    async def _handle(self, frame: memoryview) -> tuple[RequestHeader, Answer]:
        try:
            header, request = framing.decode_request(frame)
        except UnsupportedVersion as unsupported:
            if unsupported.answer_to is None:
                raise
            return unsupported.answer_to, self._listener.unsupported_api_versions()
        context = RequestContext(
            api_key=header.api_key,
            api_version=header.api_version,
            correlation_id=header.correlation_id,
            client_id=header.client_id,
            listener=self._listener.name,
            principal="User:ANONYMOUS",
            host=self.host,
            authorizer=self._listener.authorizer,
            size_bytes=len(frame),
        )
        return header, await self._listener.dispatch(context, request)

    async def _write_queued(
        self,
        queued: trio.MemoryReceiveChannel[Queued],
        connection: trio.CancelScope,
    ) -> None:
        ready = self._ready
        try:
            async for header, answer, timing in queued:
                is_small = isinstance(answer, Later)  # others may be a fetch's megabytes
                try:
                    if isinstance(answer, Later):
                        if ready.count and not answer.is_ready():
                            await self._write_those_ready()
                        answer = await answer.wait()
                    ready.add(header, answer, timing)
                except Exception:
                    with suppress(ConnectionClosed):  # the first error is the one to tell
                        await self._write_those_ready()
                    raise
                if not is_small or ready.count in (self._queued_answers, MAX_TOGETHER):
                    await self._write_those_ready()
            await self._write_those_ready()
        except (ConnectionClosed, CloseConnection) as error:
            _log.debug("%s: closing %s: %s", self._listener.name, self._peer, error)
        except Exception:  # noqa: BLE001  (a defect, and told as one)
            _log.exception("%s: defect: closing %s", self._listener.name, self._peer)
        connection.cancel()

    async def _write_those_ready(self) -> None:
        count = self._ready.count
        await self._write()
        self._queued_answers -= count

    async def _write(self) -> None:
        """Send what is ready."""
        chunks, timings = self._ready.take()
        if chunks:
            self._patience.for_reading_since_s = trio.current_time()
            await self._transport.send(chunks)
            self._patience.for_reading_since_s = None
        for timing in timings:
            timing.sent()

    @property
    def _peer(self) -> str:
        return f"the connection from {self._transport.peer_host}"
