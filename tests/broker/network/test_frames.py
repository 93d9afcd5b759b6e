"""Cutting frames out of a byte stream, however it arrives."""

import mmap
import struct
from pathlib import Path

import pytest
import trio
import trio.testing

from broker.network.frames import BUFFER_BYTES, LARGE_FRAME_BYTES, BadFrame, FrameReader
from broker.network.transport import StreamTransport


def framed(body: bytes) -> bytes:
    return struct.pack(">i", len(body)) + body


async def frames_of(pieces: list[bytes], limit: int = 1 << 20) -> list[bytes]:
    """What a reader cuts out of `pieces`, each of which arrives on its own."""
    ours, theirs = trio.testing.lockstep_stream_pair()
    reader = FrameReader(StreamTransport(ours), limit)
    found: list[bytes] = []

    async def send() -> None:
        for piece in pieces:
            await theirs.send_all(piece)
        await theirs.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send)
        while (frame := await reader.next_frame()) is not None:
            found.append(bytes(frame))
    return found


async def test_many_frames_in_one_piece() -> None:
    bodies = [b"a", b"", b"bcd" * 100]
    assert await frames_of([b"".join(framed(body) for body in bodies)]) == bodies


async def test_one_byte_at_a_time() -> None:
    bodies = [b"hello", b"world"]
    stream = b"".join(framed(body) for body in bodies)
    assert await frames_of([stream[i : i + 1] for i in range(len(stream))]) == bodies


async def test_frames_around_the_size_of_the_buffer() -> None:
    bodies = [bytes([i]) * (BUFFER_BYTES + delta) for i, delta in enumerate((-5, -4, -1, 0, 1))]
    assert await frames_of([b"".join(framed(body) for body in bodies)]) == bodies


async def test_a_frame_may_be_changed_without_disturbing_the_next() -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    reader = FrameReader(StreamTransport(ours), 100)
    await theirs.send_all(framed(b"one") + framed(b"two"))
    first = await reader.next_frame()
    assert first is not None
    first[:] = b"xxx"
    second = await reader.next_frame()
    assert second is not None
    assert (bytes(first), bytes(second)) == (b"xxx", b"two")


@pytest.mark.parametrize(
    ("stream", "why"),
    [
        (struct.pack(">i", -1), "a frame of -1 bytes"),
        (struct.pack(">i", 101), "socket.request.max.bytes"),
        (framed(b"hello")[:-1], "after 4 of a frame's 5 bytes"),
        (b"\0\0", "inside a frame's size"),
    ],
)
async def test_a_bad_frame_says_what_is_wrong(stream: bytes, why: str) -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    reader = FrameReader(StreamTransport(ours), 100)
    await theirs.send_all(stream)
    await theirs.aclose()
    with pytest.raises(BadFrame, match=why):
        await reader.next_frame()


async def test_an_announcement_takes_no_memory() -> None:
    """A hundred megabytes are announced ten times over, and a few bytes of them come."""
    readers = []
    before = resident_bytes()
    async with trio.open_nursery() as nursery:
        for _ in range(10):
            ours, theirs = trio.testing.memory_stream_pair()
            readers.append(FrameReader(StreamTransport(ours), 100 << 20))
            nursery.start_soon(readers[-1].next_frame)
            await theirs.send_all(struct.pack(">i", 100 << 20) + b"hello")
        await trio.testing.wait_all_tasks_blocked()
        assert resident_bytes() - before < 50 << 20
        nursery.cancel_scope.cancel()


async def test_a_large_frame_may_be_changed_too() -> None:
    body = bytes(range(256)) * (LARGE_FRAME_BYTES // 256)
    ours, theirs = trio.testing.memory_stream_pair()
    await theirs.send_all(framed(body))
    frame = await FrameReader(StreamTransport(ours), len(body)).next_frame()
    assert frame is not None
    assert frame == body
    frame[:5] = b"hello"
    assert bytes(frame[:6]) == b"hello\5"


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE


async def test_who_has_left_is_seen_behind_what_he_sent_but_no_frame_is_lost() -> None:
    """A full buffer is no end of the stream, nor is an end with frames before it one to go by."""
    ours, theirs = trio.testing.memory_stream_pair()
    reader = FrameReader(StreamTransport(ours), 1 << 20)
    frames = [bytes([n]) * 1000 for n in range(100)]
    await theirs.send_all(b"".join(framed(frame) for frame in frames))
    await theirs.send_eof()
    for frame in frames:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(reader.until_left)
            await trio.testing.wait_all_tasks_blocked()
            assert nursery.child_tasks
            nursery.cancel_scope.cancel()
        assert await reader.next_frame() == frame
    await reader.until_left()
    assert await reader.next_frame() is None
