"""The codecs, and the framings that only Kafka uses."""

import resource

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.wire.compression import Compression, compress, decompress
from broker.wire.errors import ErrorCode, KafkaError

CODECS = [codec for codec in Compression if codec is not Compression.NONE]


@given(data=st.binary(max_size=2000), repeat=st.integers(1, 60))
@pytest.mark.parametrize("codec", list(Compression))
def test_what_is_compressed_is_decompressed(codec: Compression, data: bytes, repeat: int) -> None:
    assert bytes(decompress(codec, compress(codec, data * repeat))) == data * repeat


@pytest.mark.parametrize("codec", CODECS)
def test_garbage_is_corrupt(codec: Compression) -> None:
    with pytest.raises(KafkaError) as caught:
        decompress(codec, b"this is not compressed at all, by no codec")
    assert caught.value.code is ErrorCode.CORRUPT_MESSAGE


def test_snappy_is_written_in_blocks_as_snappy_java_does() -> None:
    data = bytes(range(256)) * 300
    framed = compress(Compression.SNAPPY, data)
    assert framed[:16] == b"\x82SNAPPY\x00" + b"\x00\x00\x00\x01" * 2
    first_block = int.from_bytes(framed[16:20], "big")
    assert bytes(cramjam.snappy.decompress_raw(framed[20 : 20 + first_block])) == data[:32768]


def test_a_raw_snappy_block_is_read_as_librdkafka_sends_it() -> None:
    raw = bytes(cramjam.snappy.compress_raw(b"abc" * 100))
    assert bytes(decompress(Compression.SNAPPY, raw)) == b"abc" * 100


@pytest.mark.parametrize("size", [-1, 2**31 - 1, 1000])
def test_a_snappy_block_longer_than_the_bytes(size: int) -> None:
    framed = bytearray(compress(Compression.SNAPPY, b"abc" * 100))
    framed[16:20] = size.to_bytes(4, "big", signed=True)
    with pytest.raises(KafkaError) as caught:
        decompress(Compression.SNAPPY, framed)
    assert caught.value.code is ErrorCode.CORRUPT_MESSAGE


def test_lz4_blocks_stand_alone() -> None:
    """Bit 5 of the frame's flags: without it Java says "Dependent block stream is unsupported"."""
    frame = compress(Compression.LZ4, b"abc" * 100_000)
    assert frame[:4] == bytes.fromhex("04224d18")
    assert frame[4] & 0x20


@pytest.mark.parametrize("codec", [c for c in Compression if c is not Compression.NONE])
def test_a_bomb_is_refused_before_it_fills_the_memory(codec: Compression) -> None:
    bomb = compress(codec, bytes(1 << 20))
    assert len(decompress(codec, bomb)) == 1 << 20
    with pytest.raises(KafkaError, match="more than") as caught:
        decompress(codec, bomb, (1 << 20) - 1)
    assert caught.value.code is ErrorCode.CORRUPT_MESSAGE


def test_a_small_batch_costs_little_memory() -> None:
    """The room for the largest is reserved each time: only what is used of it may be taken."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    opened = [decompress(Compression.ZSTD, compress(Compression.ZSTD, b"x")) for _ in range(50)]
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert len(opened) == 50
    assert grown_kb < 50 << 10
