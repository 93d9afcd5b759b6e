"""Cutting a byte stream into Kafka's frames.

      0       1       2       3       4
    +---------------+---------------+------------------------------
    |  size (int32, big endian)     |  size bytes: header and body
    +---------------+---------------+------------------------------

Small frames are cut out of one buffer that is filled with whatever has
arrived, so a client that pipelines a hundred small requests costs one system
call and not two hundred. A frame larger than the buffer is received straight
into a bytearray of its own. Every frame that is handed out owns its memory
(nothing is overwritten behind a handler's back) and may be patched in place,
which is how a batch gets its offset without being copied again.

A size is only an announcement. For a large frame the kernel is asked for a map,
whose pages come into being as bytes arrive: a hundred clients that announce a
hundred megabytes each and send nothing cost next to nothing. (Kafka allocates.)
"""

import mmap
import struct

import trio

from broker.network.transport import Transport

_SIZE = struct.Struct(">i")

# Fits a TCP window's worth of small requests; larger frames don't pass through it.
BUFFER_BYTES = 64 * 1024

# From here on a frame gets a map of its own. Below, a plain bytearray is quicker, and a client
# who would fill the memory with announcements needs many connections.
LARGE_FRAME_BYTES = 1 << 20


class BadFrame(Exception):
    """The size is negative or over the limit, or the stream ended inside a frame."""


class FrameReader:
    """Frames of one connection, in order. Kafka: NetworkReceive."""

    def __init__(self, transport: Transport, max_frame_bytes: int) -> None:
        self._transport = transport
        self._max_frame_bytes = max_frame_bytes
        self._buffer = bytearray(BUFFER_BYTES)
        self._view = memoryview(self._buffer)
        self._start = 0
        self._end = 0

    async def next_frame(self) -> memoryview | None:
        """Wait for the next frame and return its bytes without the size; None at end of stream.

        Raises `BadFrame` for a size that is negative or over the limit, and
        for a stream that ends inside a frame.
        """
        while self._end - self._start < _SIZE.size:
            if not await self._fill():
                if self._start != self._end:
                    raise BadFrame("the connection ended inside a frame's size")
                return None
        (size,) = _SIZE.unpack_from(self._buffer, self._start)
        if not 0 <= size <= self._max_frame_bytes:
            raise BadFrame(
                f"a frame of {size} bytes: allowed are 0 to {self._max_frame_bytes} "
                "(socket.request.max.bytes)"
            )
        self._start += _SIZE.size
        frame = memoryview(bytearray(size) if size < LARGE_FRAME_BYTES else mmap.mmap(-1, size))
        filled = min(size, self._end - self._start)
        frame[:filled] = self._view[self._start : self._start + filled]
        self._start += filled
        while filled < size:
            received = await self._transport.receive_into(frame[filled:])
            if not received:
                raise BadFrame(f"the connection ended after {filled} of a frame's {size} bytes")
            filled += received
        return frame

    async def until_left(self) -> None:
        """Return when the client is gone and has left nothing to be handled.

        No frame is read meanwhile, but what has come is taken into the buffer, as far as it has
        room: else the end of the stream, which is behind it, would not be seen.
        """
        while self._end < BUFFER_BYTES:
            if not await self._fill():
                if self._start == self._end:
                    return
                break
        await trio.sleep_forever()

    async def _fill(self) -> int:
        """Receive into the free part of the buffer; 0 at end of stream."""
        if self._start == self._end:
            self._start = self._end = 0
        elif self._start > BUFFER_BYTES - _SIZE.size:
            # Less than a size's room left behind the last bytes: move them to the front.
            rest = bytes(self._view[self._start : self._end])
            self._view[: len(rest)] = rest
            self._start, self._end = 0, len(rest)
        received = await self._transport.receive_into(self._view[self._end :])
        self._end += received
        return received
