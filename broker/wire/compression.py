"""The five compression codecs of a record batch, as Kafka frames them.

A batch of format 2 compresses only its records, never its header; bits 0-2 of its attributes name
the codec. The broker stores and sends the bytes as they came, so this module is used only where
something must look inside a batch, where the broker builds one, or where a topic's compression.type
is not the producer's.

    gzip    RFC 1952, as everywhere
    snappy  not the standard framing but that of xerial's snappy-java:
                82 SNAPPY 00 | version i32 | compatible i32 | { size i32 | raw snappy }*
            librdkafka sends one raw snappy block instead; both are read, xerial's is written
    lz4     the LZ4 frame format (blocks independent, as KafkaLZ4BlockOutputStream)
    zstd    one frame

Of the levels (KIP-390) Kafka has its own idea for lz4: 9, the default, is the fast compressor, and
any other number one of the slow ones that compress better.

Source: Kafka's `org.apache.kafka.common.compress`, KIP-110 (zstd), KIP-390 (levels).
"""

import enum
import mmap
import struct

import cramjam

from broker.wire.errors import ErrorCode, KafkaError

_XERIAL_MAGIC = b"\x82SNAPPY\x00"
_XERIAL_HEADER = _XERIAL_MAGIC + struct.pack(">ii", 1, 1)
_XERIAL_BLOCK_BYTES = 32 * 1024  # snappy-java's default block: a reader's buffer is sized for it
_SIZE = struct.Struct(">i")
_LZ4_DEFAULT_LEVEL = 9  # in Kafka's counting: see above
_LZ4_FAST = 1

# A megabyte of zstd may say "thirty gigabytes of zeros". What a request could bring uncompressed
# (socket.request.max.bytes' default) is what a compressed batch may come to, and no more. Kafka has
# no such limit: it looks at records one by one as they come out, and keeps none.
MAX_DECOMPRESSED_BYTES = 100 << 20


class Compression(enum.IntEnum):
    """The codec's number in a batch's attributes."""

    NONE = 0
    GZIP = 1
    SNAPPY = 2
    LZ4 = 3
    ZSTD = 4


def compress(
    codec: Compression, data: bytes | bytearray | memoryview, level: int | None = None
) -> bytes:
    """`data` as the records section of a batch whose attributes name `codec`.

    level: what `compression.gzip.level`, `.lz4.level` or `.zstd.level` says; None for its default.
    """
    match codec:
        case Compression.NONE:
            return bytes(data)
        case Compression.GZIP:
            return bytes(cramjam.gzip.compress(data, level=None if level == -1 else level))
        case Compression.SNAPPY:
            return _xerial_compress(memoryview(data))
        case Compression.LZ4:
            is_fast = level in (None, _LZ4_DEFAULT_LEVEL)
            return _lz4_compress(data, _LZ4_FAST if is_fast else level)
        case Compression.ZSTD:
            return bytes(cramjam.zstd.compress(data, level=level))


def decompress(
    codec: Compression,
    data: bytes | bytearray | memoryview,
    most_bytes: int = MAX_DECOMPRESSED_BYTES,
) -> memoryview:
    """The inverse of `compress`.

    CORRUPT_MESSAGE for bytes that are not in the codec's format, or come to more than `most_bytes`.
    """
    if codec is Compression.NONE:
        return memoryview(data)
    # Pages of an anonymous map are made when they are first written: it costs what is used of it.
    room = memoryview(mmap.mmap(-1, most_bytes))
    try:
        return room[: _decompress_into(room, codec, memoryview(data))]
    except (cramjam.DecompressionError, struct.error) as error:
        raise KafkaError(
            ErrorCode.CORRUPT_MESSAGE,
            f"records are not valid {codec.name.lower()}, or more than {most_bytes} bytes: {error}",
        ) from error


def _decompress_into(room: memoryview, codec: Compression, data: memoryview) -> int:
    """Decompress to the beginning of `room`; gives the size in bytes."""
    match codec:
        case Compression.GZIP:
            return int(cramjam.gzip.decompress_into(data, room))
        case Compression.SNAPPY:
            return _snappy_decompress_into(room, data)
        case Compression.LZ4:
            return int(cramjam.lz4.decompress_into(data, room))
        case _:
            return int(cramjam.zstd.decompress_into(data, room))


def _lz4_compress(data: bytes | bytearray | memoryview, level: int | None) -> bytes:
    # Java readers refuse blocks that depend on the ones before ("Dependent block stream").
    compressor = cramjam.lz4.Compressor(level=level, block_linked=False, content_checksum=False)
    compressor.compress(bytes(data))
    return bytes(compressor.finish())


def _xerial_compress(data: memoryview) -> bytes:
    out = bytearray(_XERIAL_HEADER)
    for start in range(0, len(data), _XERIAL_BLOCK_BYTES):
        block = bytes(cramjam.snappy.compress_raw(data[start : start + _XERIAL_BLOCK_BYTES]))
        out += _SIZE.pack(len(block))
        out += block
    return bytes(out)


def _snappy_decompress_into(room: memoryview, data: memoryview) -> int:
    if bytes(data[: len(_XERIAL_MAGIC)]) != _XERIAL_MAGIC:
        return int(cramjam.snappy.decompress_raw_into(data, room))
    end = 0
    position = len(_XERIAL_HEADER)
    while position < len(data):
        (size,) = _SIZE.unpack_from(data, position)
        position += _SIZE.size
        if not 0 <= size <= len(data) - position:
            raise KafkaError(
                ErrorCode.CORRUPT_MESSAGE,
                f"snappy block of {size} bytes with {len(data) - position} bytes left",
            )
        end += int(cramjam.snappy.decompress_raw_into(data[position : position + size], room[end:]))
        position += size
    return end
