"""Bytes in and out of one connection, whatever carries them.

A `Transport` is what the listener and the peers need of a connection: receive
into a buffer, send a list of chunks, close. `SocketTransport` carries a TCP
socket; `StreamTransport` carries any trio stream, so that brokers in one
process can talk over memory streams.

The chunks of an answer are bytes or `FileRegion`s. Bytes that follow each
other leave in one `sendmsg`; a region leaves with `sendfile(2)` straight from the
page cache, never copied through Python. `sendfile` of pages that are not in
memory would stop the whole event loop while the disk is read, so each slice
is first probed with `preadv2(RWF_NOWAIT)`; when the kernel says that it would
have to wait, a thread reads the slice once, and then it is sent.

A small region is different: what costs are the system calls (two probes, `sendfile`,
and a `sendmsg` of what stands before it), and not the copy. So it is read by the
probe itself, and leaves with the bytes around it.

A send that is cancelled midway leaves half a frame on the wire: the
connection can't be used again. Callers close it then (see `broker.network.listener`
and `broker.network.peers`).
"""

import os
import socket
from collections.abc import Sequence
from typing import Protocol

import attrs
import trio

from broker.wire.regions import Chunk, FileRegion

# One sendfile call at most: large enough that system calls don't count, small
# enough that a probe or a read-ahead of it is short.
SLICE_BYTES = 1 << 20

# Regions up to this size are copied: an answer with two takes 22 us instead of 80 with a kilobyte
# in each, 39 instead of 64 with this.
COPIED_BYTES = 64 * 1024
# So much is copied before it's sent: of an answer with thousands of regions, too.
COPIED_AT_ONCE_BYTES = 4 * COPIED_BYTES

# The kernel's limit of buffers in one sendmsg call is 1,024 (IOV_MAX). Nor are more tiny regions
# read before they're sent: half a millisecond's work.
BUFFERS_PER_SEND = 512


class ConnectionClosed(Exception):
    """The other side is gone, or the region being sent was truncated under us."""


class Transport(Protocol):
    """One connection: a byte stream each way, one reader and one writer."""

    peer_host: str

    async def receive_into(self, buffer: memoryview) -> int:
        """Receive at least one byte into `buffer`; 0 means end of stream."""

    async def send(self, chunks: Sequence[Chunk]) -> None:
        """Send all chunks in order; raises `ConnectionClosed`."""

    def close(self) -> None:
        """Close at once; a task that waits in the other methods is woken with an error."""


class Acceptor(Protocol):
    """Where connections come in."""

    async def accept(self) -> Transport:
        """Wait for the next connection; raises OSError if that one failed."""

    def close(self) -> None:
        """Listen no more: who connects from now on is refused at once."""


class SocketTransport:
    """A connected, non-blocking TCP socket of trio's."""

    def __init__(self, sock: trio.socket.SocketType, peer_host: str) -> None:
        self._sock = sock
        self.peer_host = peer_host
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def receive_into(self, buffer: memoryview) -> int:
        try:
            return await self._sock.recv_into(buffer)
        except (OSError, trio.ClosedResourceError):
            return 0

    async def send(self, chunks: Sequence[Chunk]) -> None:
        try:
            run: list[memoryview] = []
            copied_bytes = 0
            for chunk in chunks:
                if not isinstance(chunk, FileRegion):
                    run.append(memoryview(chunk))
                    continue
                copy = _in_memory(chunk) if chunk.size_bytes <= COPIED_BYTES else None
                if copy is not None:
                    run.append(memoryview(copy))
                    copied_bytes += len(copy)
                if (
                    copy is None
                    or copied_bytes >= COPIED_AT_ONCE_BYTES
                    or len(run) >= BUFFERS_PER_SEND
                ):
                    await self._send_buffers(run)
                    run, copied_bytes = [], 0
                if copy is None:
                    await self._send_region(chunk)
            await self._send_buffers(run)
        except (OSError, trio.ClosedResourceError) as error:
            raise ConnectionClosed(str(error)) from error

    async def _send_buffers(self, buffers: list[memoryview]) -> None:
        start = 0
        while start < len(buffers):
            sent = await self._sock.sendmsg(buffers[start : start + BUFFERS_PER_SEND])
            while start < len(buffers) and sent >= len(buffers[start]):
                sent -= len(buffers[start])
                start += 1
            if sent:
                buffers[start] = buffers[start][sent:]

    async def _send_region(self, region: FileRegion) -> None:
        """Send `region` by sendfile, at most `SLICE_BYTES` a call."""
        file_fd = region.file.fd
        position, end = region.position, region.position + region.size_bytes
        probed_to = position
        while position < end:
            if position >= probed_to:
                probed_to = min(position + SLICE_BYTES, end)
                await _bring_into_memory(region, position, probed_to)
            try:
                sent = os.sendfile(self._sock.fileno(), file_fd, position, probed_to - position)
            except BlockingIOError:
                await trio.lowlevel.wait_writable(self._sock)
                continue
            if sent == 0:
                raise ConnectionClosed("the log was truncated while it was being sent")
            position += sent
        await trio.lowlevel.checkpoint()

    def close(self) -> None:
        self._sock.close()


class StreamTransport:
    """Any trio stream, a memory stream between two brokers of one process for one."""

    def __init__(self, stream: trio.abc.Stream, peer_host: str = "memory") -> None:
        self._stream = stream
        self.peer_host = peer_host

    async def receive_into(self, buffer: memoryview) -> int:
        try:
            data = await self._stream.receive_some(len(buffer))
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return 0
        buffer[: len(data)] = data
        return len(data)

    async def send(self, chunks: Sequence[Chunk]) -> None:
        try:
            for chunk in chunks:
                data = chunk.read() if isinstance(chunk, FileRegion) else chunk
                if len(data) < len(chunk):
                    raise ConnectionClosed("the log was truncated while it was being sent")
                await self._stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise ConnectionClosed(str(error)) from error

    def close(self) -> None:
        trio.lowlevel.spawn_system_task(trio.aclose_forcefully, self._stream)


@attrs.frozen
class SocketAcceptor:
    """A listening TCP socket."""

    listening: trio.socket.SocketType

    async def accept(self) -> Transport:
        sock, address = await self.listening.accept()
        return SocketTransport(sock, address[0])

    def close(self) -> None:
        self.listening.close()


async def listen_tcp(host: str, port: int, backlog: int) -> Acceptor:
    """Bind and listen; raises OSError (EADDRINUSE, EADDRNOTAVAIL) for the caller to explain.

    An empty host is all interfaces, as in `listeners=PLAINTEXT://:9092`.
    """
    family, kind, protocol, _, address = (
        await trio.socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    )[0]
    sock = trio.socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        await sock.bind(address)
        sock.listen(backlog)
    except BaseException:
        sock.close()
        raise
    return SocketAcceptor(sock)


async def connect_tcp(host: str, port: int) -> Transport:
    """A TCP connection; raises OSError."""
    last_error: OSError | None = None
    try:
        addresses = await trio.socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:  # whatever somebody wrote into a registration
        raise OSError(f"{host!r:.80} is no name of a host: {error}") from error
    for family, kind, protocol, _, address in addresses:
        sock = trio.socket.socket(family, kind, protocol)
        try:
            await sock.connect(address)
        except OSError as error:
            sock.close()
            last_error = error
        except BaseException:
            sock.close()
            raise
        else:
            return SocketTransport(sock, host)
    raise last_error or OSError(f"no address for {host}")


def _in_memory(region: FileRegion) -> bytearray | None:
    """The bytes of a region, if all of them can be had without waiting for the disk."""
    copy = bytearray(region.size_bytes)
    try:
        size_bytes = os.preadv(region.file.fd, [copy], region.position, os.RWF_NOWAIT)
    except OSError:  # it would wait, or can't tell: see `_bring_into_memory`
        return None
    return copy if size_bytes == region.size_bytes else None


async def _bring_into_memory(region: FileRegion, start: int, end: int) -> None:
    """Return when the bytes `start` to `end` of the region's file can be read without waiting.

    The kernel is asked for the first and the last byte only: reading a page
    brings its neighbours with it, so a hole in the middle is rare and costs no
    more than the short wait that it is.
    """
    fd = region.file.fd
    probe = bytearray(1)
    try:
        for position in (start, end - 1):
            os.preadv(fd, [probe], position, os.RWF_NOWAIT)
    except BlockingIOError:
        await trio.to_thread.run_sync(os.pread, fd, end - start, start)
    except OSError:
        # A file system without RWF_NOWAIT (EOPNOTSUPP): send, and wait if it must.
        return
