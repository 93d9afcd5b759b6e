"""Bytes and file regions over real sockets: in order, by sendfile, and never waiting for a disk."""

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from broker.network.transport import (
    BUFFERS_PER_SEND,
    COPIED_BYTES,
    SLICE_BYTES,
    ConnectionClosed,
    SocketTransport,
    StreamTransport,
    Transport,
    connect_tcp,
    listen_tcp,
)
from broker.wire.regions import FileRegion, OpenFile


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[Transport, Transport]]:
    acceptor = await listen_tcp("127.0.0.1", 0, 10)
    port = acceptor.listening.getsockname()[1]  # type: ignore[attr-defined]
    here = await connect_tcp("127.0.0.1", port)
    there = await acceptor.accept()
    yield here, there
    for each in (here, there, acceptor):
        each.close()


async def received(transport: Transport, size_bytes: int) -> bytes:
    buffer = bytearray(size_bytes)
    filled = 0
    with trio.fail_after(10):
        while filled < size_bytes:
            got = await transport.receive_into(memoryview(buffer)[filled:])
            assert got, f"the end after {filled} of {size_bytes} bytes"
            filled += got
    return bytes(buffer)


def file_of(path: Path, data: bytes) -> OpenFile:
    path.write_bytes(data)
    return OpenFile(os.open(path, os.O_RDWR))


async def test_chunks_leave_in_order(tmp_path: Path) -> None:
    data = os.urandom(3 * SLICE_BYTES + 17)
    file = file_of(tmp_path / "log", data)
    chunks = [
        b"head",
        bytearray(b"er"),
        FileRegion(file, 5, len(data) - 10),
        b"",
        memoryview(b"between"),
        FileRegion(file, 0, 3),
        *(b"%d" % n for n in range(2_000)),  # more than one sendmsg takes
    ]
    expected = b"".join(c.read() if isinstance(c, FileRegion) else bytes(c) for c in chunks)
    async with connected() as (here, there), trio.open_nursery() as nursery:
        nursery.start_soon(here.send, chunks)
        assert await received(there, len(expected)) == expected


async def test_regions_never_pass_through_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    sendfile = os.sendfile

    def counted(*arguments: Any) -> int:
        sent.append(sendfile(*arguments))
        return sent[-1]

    monkeypatch.setattr(os, "sendfile", counted)
    monkeypatch.setattr(FileRegion, "read", None)
    file = file_of(tmp_path / "log", bytes(100_000))
    async with connected() as (here, there), trio.open_nursery() as nursery:
        nursery.start_soon(here.send, [FileRegion(file, 0, 100_000)])
        await received(there, 100_000)
    assert sum(sent) == 100_000


async def test_small_regions_leave_with_the_bytes_around_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sendfile", None)
    calls = 0

    async with connected() as (here, there):
        assert isinstance(here, SocketTransport)
        sendmsg = here._sock.sendmsg

        async def counted(*arguments: Any) -> int:
            nonlocal calls
            calls += 1
            return await sendmsg(*arguments)

        monkeypatch.setattr(here._sock, "sendmsg", counted)
        file = file_of(tmp_path / "log", b"0123456789")
        await here.send([b"a", FileRegion(file, 2, 3), b"b", FileRegion(file, 0, 10), b"c"])
        assert await received(there, 16) == b"a234b0123456789c"
        assert calls == 1
        await here.send([FileRegion(file, 0, 1)] * (2 * BUFFERS_PER_SEND + 1))
        assert await received(there, 2 * BUFFERS_PER_SEND + 1) == b"0" * (2 * BUFFERS_PER_SEND + 1)
        assert calls == 4


async def test_of_many_small_regions_not_all_are_copied_before_the_first_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[int] = []
    preadv = os.preadv

    def counted(fd: int, buffers: Any, position: int, flags: int) -> int:
        reads.append(position)
        return preadv(fd, buffers, position, flags)

    monkeypatch.setattr(os, "preadv", counted)
    file = file_of(tmp_path / "log", bytes(COPIED_BYTES))
    regions = [FileRegion(file, 0, COPIED_BYTES)] * 100
    async with connected() as (here, there), trio.open_nursery() as nursery:
        nursery.start_soon(here.send, regions)
        await trio.testing.wait_all_tasks_blocked()  # its peer takes nothing
        assert len(reads) < 100
        await received(there, 100 * COPIED_BYTES)
    assert len(reads) == 100


async def test_of_thousands_of_tiny_regions_the_first_are_sent_before_the_last_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To read them all takes long enough that others must have a turn."""
    reads = 0
    reads_before_send: list[int] = []
    preadv = os.preadv

    def read(fd: int, buffers: Any, position: int, flags: int) -> int:
        nonlocal reads
        reads += 1
        return preadv(fd, buffers, position, flags)

    monkeypatch.setattr(os, "preadv", read)
    file = file_of(tmp_path / "log", b"0123456789")
    async with connected() as (here, there):
        assert isinstance(here, SocketTransport)
        sendmsg = here._sock.sendmsg

        async def send(buffers: Any) -> int:
            reads_before_send.append(reads)
            return await sendmsg(buffers)

        monkeypatch.setattr(here._sock, "sendmsg", send)
        await here.send([FileRegion(file, 0, 10)] * (4 * BUFFERS_PER_SEND))
        await received(there, 40 * BUFFERS_PER_SEND)
    assert reads_before_send == [BUFFERS_PER_SEND * n for n in (1, 2, 3, 4)]


async def test_what_is_not_in_memory_is_read_in_a_thread_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel would have to wait for the disk (EAGAIN to RWF_NOWAIT): not in the event loop."""
    threads: list[tuple[int, int]] = []
    probes: list[int] = []

    def cold(fd: int, buffers: Any, position: int, flags: int) -> int:
        assert flags == os.RWF_NOWAIT
        probes.append(position)
        raise BlockingIOError

    async def in_thread(function: Any, fd: int, size_bytes: int, position: int) -> bytes:
        assert function is os.pread
        threads.append((position, size_bytes))
        await trio.lowlevel.checkpoint()
        return b""

    monkeypatch.setattr(os, "preadv", cold)
    monkeypatch.setattr(trio.to_thread, "run_sync", in_thread)
    size_bytes = SLICE_BYTES + 10
    file = file_of(tmp_path / "log", bytes(size_bytes))
    async with connected() as (here, there), trio.open_nursery() as nursery:
        nursery.start_soon(here.send, [FileRegion(file, 0, size_bytes)])
        await received(there, size_bytes)
    assert probes == [0, SLICE_BYTES]
    assert threads == [(0, SLICE_BYTES), (SLICE_BYTES, 10)]


async def test_a_file_system_that_cannot_be_probed_is_sent_from_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*arguments: Any) -> int:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "preadv", unsupported)
    file = file_of(tmp_path / "log", b"records")
    async with connected() as (here, there):
        await here.send([FileRegion(file, 0, 7)])
        assert await received(there, 7) == b"records"


async def test_a_region_that_was_truncated_ends_the_connection(tmp_path: Path) -> None:
    """Its size is announced already: nothing else that could be sent would make sense."""
    file = file_of(tmp_path / "log", bytes(100))
    region = FileRegion(file, 0, 100)
    os.ftruncate(file.fd, 40)
    async with connected() as (here, _):
        with pytest.raises(ConnectionClosed):
            await here.send([region])
    ours, _ = trio.testing.memory_stream_pair()
    with pytest.raises(ConnectionClosed):
        await StreamTransport(ours).send([region])


async def test_the_end_of_a_connection(tmp_path: Path) -> None:
    async with connected() as (here, there):
        here.close()
        assert await there.receive_into(memoryview(bytearray(10))) == 0
        with pytest.raises(ConnectionClosed):
            await here.send([b"x"])
        with pytest.raises(ConnectionClosed):
            await there.send([bytes(100_000)] * 100)


async def test_closing_wakes_who_waits_to_receive() -> None:
    async with connected() as (here, _), trio.open_nursery() as nursery:
        with trio.fail_after(5):
            nursery.start_soon(here.receive_into, memoryview(bytearray(1)))
            await trio.testing.wait_all_tasks_blocked()
            here.close()


async def test_small_answers_do_not_wait_for_more() -> None:
    async with connected() as (here, _):
        assert isinstance(here, SocketTransport)
        assert here._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_nobody_listens() -> None:
    acceptor = await listen_tcp("127.0.0.1", 0, 10)
    port = acceptor.listening.getsockname()[1]  # type: ignore[attr-defined]
    with pytest.raises(OSError, match="Address already in use"):
        await listen_tcp("127.0.0.1", port, 10)
    acceptor.close()
    with pytest.raises(ConnectionRefusedError):
        await connect_tcp("127.0.0.1", port)


@pytest.mark.parametrize("host", ["a" * 100, "\ud800", "no such host", "a\0b"])
async def test_a_host_that_somebody_wrote_into_a_registration(host: str) -> None:
    with pytest.raises(OSError):  # noqa: PT011 (the words are the resolver's)
        await connect_tcp(host, 9)
