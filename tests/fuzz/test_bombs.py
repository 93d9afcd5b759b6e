"""Little that says it's much: a batch of a few kilobytes whose records come to gigabytes.

What decompression may come to is bounded (`compression.MAX_DECOMPRESSED_BYTES`), the memory is
given back, and who appends such a batch keeps the broker busy for no longer than a large good one.
"""

import gc
import time
from pathlib import Path

import pytest

from broker.log.log_config import LogConfig
from broker.log.old_formats import batch_of_old
from broker.wire.compression import MAX_DECOMPRESSED_BYTES, Compression, compress
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.message_set import MOST_OPENED_BYTES, put_message
from broker.wire.record_batch import RecordBatch, batches, build_batch
from broker.wire.records import Record
from coordination.values import TopicPartition
from tests.broker.log.logs import LogWorld
from tests.support.batches import lying
from tests.support.memory import resident_mb

CODECS = [codec for codec in Compression if codec is not Compression.NONE]
MOST_GROWTH_MB = 20
MOST_HELD_MB = 150
MOST_TIME_S = 2.0  # under load; alone a tenth of it


def bomb(codec: Compression, body: bytes | bytearray, count: int = 1) -> bytearray:
    """A batch that says `count` records, with `body` compressed in their place."""
    batch = build_batch([Record(value=b"v")])
    header = bytes(batch[:61])
    packed = compress(codec, body)
    return bytearray(
        lying(
            header + packed,
            length=49 + len(packed),
            attributes=codec,
            count=count,
            last_offset_delta=count - 1,
        )
    )


def refusal(batch: RecordBatch) -> ErrorCode:
    """The code alone: the error knows where it came from, and with it all that was made."""
    try:
        batch.records()
    except KafkaError as error:
        return error.code
    return ErrorCode.NONE


@pytest.mark.long
@pytest.mark.parametrize("codec", CODECS, ids=lambda codec: codec.name.lower())
def test_no_more_than_the_bound_is_made_of_it(codec: Compression) -> None:
    data = bomb(codec, bytes(MAX_DECOMPRESSED_BYTES + 1))
    assert len(data) < MAX_DECOMPRESSED_BYTES / 15
    [batch] = batches(data)
    before_mb = resident_mb()
    for _ in range(3):
        assert refusal(batch) is ErrorCode.CORRUPT_MESSAGE
    gc.collect()
    assert resident_mb() - before_mb < MOST_GROWTH_MB


# The least that a record takes: its length, and six bytes that say "nothing" in different ways.
SMALLEST_RECORD = b"\x0c\0\0\0\x01\x01\0"


@pytest.mark.long
@pytest.mark.parametrize("count", [1, 2**31 - 1], ids=["one said", "many said"])
@pytest.mark.parametrize("record", [b"\0", SMALLEST_RECORD], ids=["zeros", "smallest records"])
def test_it_keeps_nobody_waiting(tmp_path: Path, record: bytes, count: int) -> None:
    """Counting its records ends when there are more than were announced, or fewer must be there."""
    body = record * (MAX_DECOMPRESSED_BYTES // len(record))
    data = bomb(Compression.ZSTD, body, count)
    assert len(data) < 100_000
    directory = tmp_path / "bomb-0"
    directory.mkdir()
    world = LogWorld(directory)
    log = world.open()
    began = time.monotonic()
    with pytest.raises(KafkaError) as refused:
        log.append_as_leader(data, 0)
    assert time.monotonic() - began < MOST_TIME_S
    assert refused.value.code is ErrorCode.INVALID_RECORD
    assert log.log_end_offset == 0


def old_bomb(codec: Compression) -> memoryview:
    """Over a million of the smallest messages; packed, some kilobytes."""
    smallest, out = bytearray(), bytearray()
    put_message(smallest, 0, 0, 0, -1, None, None)
    many = bytes(smallest) * (MOST_OPENED_BYTES // len(smallest))
    if codec is Compression.NONE:
        return memoryview(many)
    put_message(out, 0, 0, codec, -1, None, compress(codec, many))
    return memoryview(bytes(out))


@pytest.mark.long
@pytest.mark.parametrize("codec", [Compression.NONE, Compression.GZIP])
def test_no_message_set_is_held_by_the_million(codec: Compression) -> None:
    """To hold them all would take a gigabyte."""
    config = LogConfig(compression_type=Compression.GZIP)
    data = old_bomb(codec)
    before_mb = resident_mb()
    with pytest.raises(KafkaError) as refused:
        batch_of_old(data, TopicPartition("t", 0), config, 0)
    # The error knows where it came from, and with it all that was made.
    assert resident_mb() - before_mb < MOST_HELD_MB
    assert refused.value.code is ErrorCode.MESSAGE_TOO_LARGE
