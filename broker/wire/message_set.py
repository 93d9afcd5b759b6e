"""Message sets: what record batches were before format 2, as clients before Kafka 0.11 know them.

Messages, one after the other. Format 1 has a timestamp (KIP-32), format 0 has none:

    0        8        12        16      17           18             +4              +4
    +--------+--------+---------+-------+------------+--------------+-----+---------+-------+
    | offset | size   | CRC-32  | magic | attributes | timestamp    | key | value   | value |
    | i64    | i32    | u32     | i8    | i8         | i64, not in 0| ... | size i32| ...   |
    +--------+--------+---------+-------+------------+--------------+-----+---------+-------+
                      `- size counts from here         before the key its size, i32; -1 is null
                                `- and the CRC from here

      attributes: bits 0-2 codec (none, gzip, snappy or lz4) | 3 the timestamp is LogAppendTime

What is compressed is a message set in its turn: the value of a *wrapper*, whose offset is that of
the last message in it. Inside, offsets count from 0 in format 1 (KIP-31) and are the log's in 0. If
the wrapper's timestamp is LogAppendTime, it's that of all messages in it.

    +------------------------------------------------+
    | offset 7 | lz4 | +---------+---------+         |
    |          |     | | 0 | ... | 1 | ... | ...     |  offsets 6 and 7 of the log
    +------------------------------------------------+

In logs there is format 2 alone; `format_conversion` goes from one to the other.

Source: KIP-31, KIP-32, Kafka's `LegacyRecord` and `AbstractLegacyRecordBatch`.
"""

import struct
import zlib
from collections.abc import Iterator

import attrs

from broker.wire.compression import Compression, decompress
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.lz4_of_format_0 import with_right_checksum
from broker.wire.record_batch import batch_at, check_known_magic
from broker.wire.records import as_long

NO_TIMESTAMP = -1
CODEC_MASK = 0x07
LOG_APPEND_TIME = 0x08

_OFFSET_AND_SIZE = struct.Struct(">qi")
_CRC = struct.Struct(">I")
_HEADS = (struct.Struct(">bb"), struct.Struct(">bbq"))  # magic, attributes, timestamp
_SIZE = struct.Struct(">i")
_CRC_AT = 12
_MAGIC_AT = 16  # and the CRC is of what begins here
_CRC_BYTES = 4
# What a wrapper may come to, and how many messages a set may have: to hold the smallest takes ten
# times their size. A producer's batch of a megabyte comes to less, and has fewer.
MOST_OPENED_BYTES = 32 << 20
MOST_MESSAGES = 1 << 18
_SMALLEST_BYTES = 14  # a message of format 0 without key and value, from its CRC on

# The beginning of a message that isn't there. A reader that is given nothing else takes it for one
# larger than what it asked for, and gives up; of nothing at all it'd ask for more, for ever.
CUT_SHORT = _OFFSET_AND_SIZE.pack(-1, 61)


@attrs.frozen(slots=True)
class Message:
    """One message, whose CRC was right; with `codec` a wrapper. size_bytes: all of it."""

    offset: int
    size_bytes: int
    magic: int
    attributes: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None

    @property
    def codec(self) -> int:
        return self.attributes & CODEC_MASK

    @property
    def is_log_append_time(self) -> bool:
        """In format 0, which has no times, the bit says nothing."""
        return self.magic > 0 and bool(self.attributes & LOG_APPEND_TIME)


def messages(data: memoryview) -> Iterator[Message]:
    """Those of a set, wrappers unopened; errors of `frames` and `read_message`."""
    return map(read_message, frames(data))


def frames(data: memoryview) -> Iterator[memoryview]:
    """The messages of a set as they are; one that is cut short at the end is left out.

    CORRUPT_MESSAGE for a size that can't be, MESSAGE_TOO_LARGE for more than `MOST_MESSAGES`.
    """
    position = count = 0
    while len(data) - position >= _OFFSET_AND_SIZE.size:
        end = position + _OFFSET_AND_SIZE.size + _checked_size(data, position)
        if end > len(data):
            return
        count += 1
        if count > MOST_MESSAGES:
            raise KafkaError(
                ErrorCode.MESSAGE_TOO_LARGE, f"more than {MOST_MESSAGES} messages in a set"
            )
        yield data[position:end]
        position = end


def read_message(frame: memoryview) -> Message:
    """CORRUPT_MESSAGE for a wrong CRC or an unknown format, INVALID_RECORD for a batch of format 2.

    UNKNOWN_SERVER_ERROR for an unknown codec, a key or a value that goes beyond its message.
    """
    (offset, _), magic = _OFFSET_AND_SIZE.unpack_from(frame), frame[_MAGIC_AT]
    if magic > 1:
        batch_at(frame, 0, len(frame)).check_crc()
        raise _invalid("a batch of format 2 behind a message")
    (crc,) = _CRC.unpack_from(frame, _CRC_AT)
    computed = zlib.crc32(frame[_MAGIC_AT:])
    if crc != computed:
        raise _corrupt(f"Record is corrupt (stored crc = {crc}, computed crc = {computed})")
    head = _HEADS[magic]
    try:
        _, attributes, *timestamp = head.unpack_from(frame, _MAGIC_AT)
        key, position = _nullable(frame, _MAGIC_AT + head.size)
        value, _ = _nullable(frame, position)
    except struct.error as error:
        raise _unknown(f"message is cut short: {error}") from None
    if attributes & CODEC_MASK > Compression.ZSTD:
        raise _unknown(f"Unknown compression type id: {attributes & CODEC_MASK}")
    timestamp_ms = timestamp[0] if timestamp else NO_TIMESTAMP
    return Message(offset, len(frame), magic, attributes, timestamp_ms, key, value)


def check_framing(data: memoryview) -> None:
    """CORRUPT_MESSAGE for a size or a magic, anywhere in a set, that no message or batch has."""
    position = 0
    while len(data) - position >= _OFFSET_AND_SIZE.size:
        size = _checked_size(data, position)
        if len(data) - position > _MAGIC_AT:
            check_known_magic(data[position + _MAGIC_AT])
        position += _OFFSET_AND_SIZE.size + size


def is_whole(data: memoryview) -> bool:
    """Whether the first message, or batch of format 2, is all there; or can't be one."""
    if len(data) < _OFFSET_AND_SIZE.size:
        return False
    size: int = _OFFSET_AND_SIZE.unpack_from(data)[1]
    return size <= len(data) - _OFFSET_AND_SIZE.size


def messages_in(wrapper: Message) -> Iterator[Message]:
    """What a wrapper holds, numbered as it is there; errors as `messages`.

    INVALID_RECORD for what can't be in a wrapper, UNKNOWN_SERVER_ERROR for what can't be opened.
    """
    if wrapper.value is None or wrapper.codec not in (
        Compression.GZIP,
        Compression.SNAPPY,
        Compression.LZ4,
    ):
        raise _invalid(f"a wrapper of codec {wrapper.codec} holds no messages")
    data = wrapper.value
    if wrapper.magic == 0 and wrapper.codec == Compression.LZ4:
        data = with_right_checksum(data)
    try:
        opened = decompress(Compression(wrapper.codec), data, MOST_OPENED_BYTES)
    except KafkaError as error:
        raise _unknown(error.message) from error
    for message in messages(opened):
        if message.magic != wrapper.magic:
            raise _invalid(f"format {message.magic} in a wrapper of format {wrapper.magic}")
        if message.codec:
            raise _invalid("Inner messages must not be compressed")
        yield message


def put_message(
    out: bytearray,
    offset: int,
    magic: int,
    attributes: int,
    timestamp_ms: int,
    key: bytes | None,
    value: bytes | None,
) -> None:
    """Append one to a set; in format 0 the timestamp is left out."""
    body = bytearray(
        _HEADS[1].pack(1, attributes, as_long(timestamp_ms))
        if magic
        else _HEADS[0].pack(0, attributes)
    )
    for part in (key, value):
        if part is None:
            body += _SIZE.pack(-1)
        else:
            body += _SIZE.pack(len(part))
            body += part
    out += _OFFSET_AND_SIZE.pack(as_long(offset), _CRC_BYTES + len(body))
    out += _CRC.pack(zlib.crc32(body))
    out += body


def _checked_size(data: memoryview, position: int) -> int:
    size: int = _OFFSET_AND_SIZE.unpack_from(data, position)[1]
    if size < _SMALLEST_BYTES:
        raise _corrupt(
            f"Record size {size} is less than the minimum record overhead ({_SMALLEST_BYTES})"
        )
    return size


def _nullable(data: memoryview, position: int) -> tuple[bytes | None, int]:
    (size,) = _SIZE.unpack_from(data, position)
    position += _SIZE.size
    if size < 0:
        return None, position
    if size > len(data) - position:
        raise struct.error(f"{size} bytes with {len(data) - position} left")
    return bytes(data[position : position + size]), position + size


def _corrupt(why: str) -> KafkaError:
    return KafkaError(ErrorCode.CORRUPT_MESSAGE, why)


def _invalid(why: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_RECORD, why)


def _unknown(why: str) -> KafkaError:
    return KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, why)
