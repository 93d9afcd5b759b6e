"""The checksum of LZ4 frames in messages of format 0, which is a wrong one.

    +---------------+-----+----+------------------+------------+----------------+-----
    | magic, 4 bytes| FLG | BD | content size u64 | dictionary | header checksum| blocks
    | 04 22 4d 18   |     |    | if FLG has 0x08  | if it has 1| 1 byte         | ...
    +---------------+-----+----+------------------+------------+----------------+-----

The header checksum is the second byte of the xxHash-32 of what lies between the magic and itself.
Kafka's first Java clients took the magic as well (KAFKA-3160). Format 1 mended it; in format 0
everybody writes it like that, and nobody looks at it who reads.

Source: Kafka's `Lz4BlockOutputStream`, the LZ4 frame format.
"""

from typing import Final

from broker.wire.errors import ErrorCode, KafkaError

_MAGIC_BYTES: Final = 4
_HAS_CONTENT_SIZE, _HAS_DICTIONARY = 0x08, 0x01
_32_BITS: Final = 0xFFFFFFFF


def with_right_checksum(frame: bytes) -> bytes:
    """A frame that others can read; CORRUPT_MESSAGE if it's none."""
    return _with_checksum(frame, _MAGIC_BYTES)


def with_wrong_checksum(frame: bytes) -> bytes:
    """A frame as readers of format 0 expect it."""
    return _with_checksum(frame, 0)


def _with_checksum(frame: bytes, start: int) -> bytes:
    """The checksum is made from `start` on."""
    flags = frame[_MAGIC_BYTES] if len(frame) > _MAGIC_BYTES else 0
    at = _MAGIC_BYTES + 2 + (8 if flags & _HAS_CONTENT_SIZE else 0)
    if flags & _HAS_DICTIONARY or len(frame) <= at:
        raise KafkaError(ErrorCode.CORRUPT_MESSAGE, "not an LZ4 frame without dictionary")
    return b"%b%c%b" % (frame[:at], xxhash_32(frame[start:at]) >> 8 & 0xFF, frame[at + 1 :])


def xxhash_32(data: bytes) -> int:
    """xxHash-32 with seed 0 of fewer than 16 bytes."""
    assert len(data) < 16, "what is longer is mixed otherwise"
    mixed = 374761393 + len(data)
    whole = len(data) // 4 * 4
    for at in range(0, whole, 4):
        word = int.from_bytes(data[at : at + 4], "little")
        mixed = _rotated(mixed + word * 3266489917, 17) * 668265263
    for byte in data[whole:]:
        mixed = _rotated(mixed + byte * 374761393, 11) * 2654435761
    mixed &= _32_BITS
    mixed = (mixed ^ mixed >> 15) * 2246822519 & _32_BITS
    mixed = (mixed ^ mixed >> 13) * 3266489917 & _32_BITS
    return mixed ^ mixed >> 16


def _rotated(value: int, bits: int) -> int:
    value &= _32_BITS
    return value << bits & _32_BITS | value >> 32 - bits
