"""What the generated readers and writers call: varints, ids, records, tagged fields.

An unsigned varint (KIP-482) has seven bits of the number in each byte, the low ones first; the top
bit says that more follow:

             300 = 0b10_0101100   ▶   1 0101100 | 0 0000010
                                      more, low    last, high

Lengths and counts of flexible versions are varints of *one more* than the number, so that 0 can
stand for null.  Almost all fit in one byte, and the generated code looks at that byte itself; what
is here is the rest.  Everything that reads raises ValueError or IndexError on bytes that make no
sense; `codec` turns these into a MalformedMessage that names the field.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Final
from uuid import UUID

from broker.wire.regions import Chunk, Records

_LARGEST_VARINT_BYTES = 5  # 32 bits, seven a byte

# Records below this are cheaper to copy next to their neighbours than to send as a piece.
_SMALL_BYTES = 1024


def long_varint(view: memoryview, low: int, at: int) -> tuple[int, int]:
    """The number whose first byte was `low`, 128 or more, and the position behind it."""
    value = low & 0x7F
    for shift in range(7, 7 * _LARGEST_VARINT_BYTES, 7):
        byte = view[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 128:
            return value, at
    raise ValueError("a varint is longer than 5 bytes")


def read_varint(view: memoryview, at: int) -> tuple[int, int]:
    """The number at `at`, and the position behind it."""
    byte = view[at]
    return (byte, at + 1) if byte < 128 else long_varint(view, byte, at + 1)


def skip_tags(view: memoryview, count: int, at: int) -> int:
    """The position behind `count` tagged fields, none of which this version knows."""
    if count > 127:
        count, at = long_varint(view, count, at)
    for _ in range(count):
        _, at = read_varint(view, at)
        size_bytes, at = read_varint(view, at)
        at += size_bytes
        if at > len(view):
            raise ValueError("a tagged field runs past the end")
    return at


def _varint_bytes(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


_SHORT_VARINTS: Final = tuple(_varint_bytes(value) for value in range(1024))


def varint(value: int) -> bytes:
    """An unsigned number as a varint."""
    return _SHORT_VARINTS[value] if value < 1024 else _varint_bytes(value)


# A topic's id comes with every fetch, and making a UUID takes longer than reading the partition.
@lru_cache(maxsize=4096)
def uuid_of(raw: bytes) -> UUID:
    """The id of these 16 bytes."""
    return UUID(bytes=raw)


def size_of(records: Records) -> int:
    """The size in bytes of what a records field holds."""
    return sum(map(len, records)) if isinstance(records, list) else len(records)


def put_records(chunks: list[Chunk], parts: list[bytes], records: Records) -> None:
    """Set records behind what `parts` has so far, without copying or reading them."""
    pieces = records if isinstance(records, list) else [records]
    for piece in pieces:
        if isinstance(piece, bytes) and len(piece) < _SMALL_BYTES:
            parts.append(piece)
        else:
            if parts:
                chunks.append(b"".join(parts))
                parts.clear()
            chunks.append(piece)


PRIMITIVES: Final[dict[str, Callable[..., object]]] = {
    f.__name__: f for f in (long_varint, read_varint, skip_tags, varint, size_of, put_records)
} | {"uuid_of": uuid_of}
