"""A network in memory: ends with names, and links between them that can be cut or slow.

    broker 1 ── connect("broker-2", 9092) ──► Pipe 1→2 ──► broker 2
             ◄───────────────────────────────  Pipe 2→1 ──

A connection is two pipes, each over one `Link`: the one-way way from an end to another, shared by
all connections between the two. A cut link loses nothing, as TCP loses nothing: what was sent
waits, and arrives when the link is whole again, if both sides still hold the connection by then.
Who connects over a cut link waits, too; deadlines are the caller's.

A broker that has crashed is not cut off: its machine answers that nobody listens, and the ends of
its connections arrive like bytes.
"""

import math
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

import attrs
import trio

from broker.network.transport import ConnectionClosed, Transport
from broker.wire.regions import Chunk, FileRegion

# What one direction of a connection holds before its writer must wait: TCP's buffers.
WINDOW_BYTES = 1 << 20


@attrs.define(eq=False)
class Link:
    """The way from one end to another. `delay_s` is how long each byte takes."""

    is_cut: bool = False
    delay_s: float = 0.0
    _changed: trio.Event = attrs.field(factory=trio.Event)

    def cut(self) -> None:
        self.is_cut = True

    def restore(self) -> None:
        self.is_cut = False
        self.delay_s = 0.0
        self._changed.set()
        self._changed = trio.Event()

    async def whole(self) -> None:
        while self.is_cut:
            await self._changed.wait()


@attrs.define(eq=False)
class Pipe:
    """One direction of a connection; the end of the stream travels like bytes."""

    link: Link
    back: Link
    _sent: deque[tuple[float, bytes]] = attrs.field(factory=deque)
    _waiting_bytes: int = 0
    _closed_by_reader: bool = False
    _moved: trio.Event = attrs.field(factory=trio.Event)

    def _wake(self) -> None:
        self._moved.set()
        self._moved = trio.Event()

    async def send(self, data: bytes) -> None:
        while self._waiting_bytes >= WINDOW_BYTES and not self._closed_by_reader:
            await self._moved.wait()
        if self._closed_by_reader and not self.back.is_cut:
            raise ConnectionClosed("the other side is gone")
        self._put(data)
        await trio.lowlevel.checkpoint()

    def _put(self, data: bytes) -> None:
        self._sent.append((trio.current_time() + self.link.delay_s, data))
        self._waiting_bytes += len(data)
        self._wake()

    async def receive(self, max_bytes: int) -> bytes:
        """At least one byte, or none at the end of the stream."""
        while not self._has_arrived():
            if not self._sent:
                await self._moved.wait()
            else:
                await trio.sleep_until(self._sent[0][0])
                await self.link.whole()
        if self._closed_by_reader or not self._sent[0][1]:
            return b""
        arrived_s, data = self._sent.popleft()
        if len(data) > max_bytes:
            self._sent.appendleft((arrived_s, data[max_bytes:]))
        self._waiting_bytes -= min(len(data), max_bytes)
        self._wake()
        await trio.lowlevel.checkpoint()
        return data[:max_bytes]

    def _has_arrived(self) -> bool:
        if self._closed_by_reader:
            return True
        return bool(self._sent) and (
            self._sent[0][0] <= trio.current_time() and not self.link.is_cut
        )

    def end(self) -> None:
        """The writer has closed."""
        if not self._sent or self._sent[-1][1]:
            self._put(b"")

    def refuse(self) -> None:
        """The reader has closed: who reads stops, who writes learns it by the way back."""
        self._closed_by_reader = True
        self._wake()


@attrs.define(eq=False)
class PipeTransport:
    """One side of a connection."""

    peer_host: str
    _incoming: Pipe
    _outgoing: Pipe
    _closed: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    _is_closed: bool = False

    async def receive_into(self, buffer: memoryview) -> int:
        if self._is_closed:
            return 0
        data = await self._incoming.receive(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    async def send(self, chunks: Sequence[Chunk]) -> None:
        if self._is_closed:
            raise ConnectionClosed("closed on this side")
        for chunk in chunks:
            data = chunk.read() if isinstance(chunk, FileRegion) else bytes(chunk)
            if isinstance(chunk, FileRegion) and len(data) < chunk.size_bytes:
                raise ConnectionClosed("the log was truncated while it was being sent")
            if data:
                await self._outgoing.send(data)

    def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._outgoing.end()
            self._incoming.refuse()


@attrs.define(eq=False)
class _Acceptor:
    """A listening address; connections wait here in the order in which they came."""

    network: "Network"
    address: tuple[str, int]
    _queue: trio.MemorySendChannel[Transport] = attrs.field(init=False)
    _arrived: trio.MemoryReceiveChannel[Transport] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        # Unbounded, for brokers accept at once; a real backlog is the kernel's matter.
        self._queue, self._arrived = trio.open_memory_channel(math.inf)

    async def accept(self) -> Transport:
        return await self._arrived.receive()

    def connected(self, transport: Transport) -> None:
        self._queue.send_nowait(transport)

    def close(self) -> None:
        self.network.listening.pop(self.address, None)
        with suppress(trio.WouldBlock):
            while True:
                self._arrived.receive_nowait().close()


class Network:
    """All ends. An end is named by a host name: "broker-1", "client"."""

    def __init__(self) -> None:
        self._links: dict[tuple[str, str], Link] = {}
        self.listening: dict[tuple[str, int], _Acceptor] = {}

    def link(self, source: str, target: str) -> Link:
        return self._links.setdefault((source, target), Link())

    # -- misfortune -------------------------------------------------------------

    def cut(self, source: str, target: str, *, one_way: bool = False) -> None:
        """Nothing from `source` gets to `target`, nor back (unless `one_way`)."""
        self.link(source, target).cut()
        if not one_way:
            self.link(target, source).cut()

    def restore(self, source: str, target: str) -> None:
        self.link(source, target).restore()
        self.link(target, source).restore()

    def restore_all(self) -> None:
        for link in self._links.values():
            link.restore()

    def delay(self, source: str, target: str, delay_s: float) -> None:
        """All that is sent from now on takes `delay_s`, each way."""
        self.link(source, target).delay_s = delay_s
        self.link(target, source).delay_s = delay_s

    # -- what brokers and clients are given -------------------------------------

    def listener_of(self, end: str) -> "Listening":
        return Listening(self, end)

    async def connect(self, source: str, host: str, port: int) -> Transport:
        there, back = self.link(source, host), self.link(host, source)
        await trio.lowlevel.checkpoint()
        await there.whole()
        await back.whole()
        acceptor = self.listening.get((host, port))
        if acceptor is None:
            raise ConnectionRefusedError(f"{source}: nobody listens at {host}:{port}")
        outgoing, incoming = Pipe(there, back), Pipe(back, there)
        acceptor.connected(PipeTransport(source, outgoing, incoming))
        return PipeTransport(host, incoming, outgoing)

    def listen(self, host: str, port: int) -> _Acceptor:
        acceptor = _Acceptor(self, (host, port))
        self.listening[host, port] = acceptor
        return acceptor


@attrs.frozen
class Listening:
    """`listen` and `connect` as seen from one end."""

    network: Network
    end: str

    async def listen(self, host: str, port: int, backlog: int) -> _Acceptor:
        await trio.lowlevel.checkpoint()
        return self.network.listen(host, port)

    async def connect(self, host: str, port: int) -> Transport:
        return await self.network.connect(self.end, host, port)
