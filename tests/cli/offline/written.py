"""A log directory as a broker leaves it: two partitions, one of them with transactions."""

from pathlib import Path
from uuid import UUID

from broker.log.checkpoints import OffsetCheckpoint
from broker.log.disk import RealDisk
from broker.log.file_names import CLEAN_SHUTDOWN, HIGH_WATERMARK_CHECKPOINT, PARTITION_METADATA
from broker.log.log_config import LogConfig
from broker.log.partition_metadata import write_topic_id
from broker.wire.compression import Compression
from coordination.values import TopicPartition
from tests.broker.log.logs import START_MS, LogWorld, make_batch
from tests.broker.log.transactions import end_transaction

CONFIG = LogConfig(segment_bytes=1200, index_interval_bytes=150)


def write_partition(directory: Path) -> int:
    """Segments with indexes, epochs 0 to 2, an aborted transaction each; the log end offset."""
    log = LogWorld(directory, CONFIG).open()
    for number in range(24):
        is_transactional = number % 4 == 0
        batch = make_batch(
            "one",
            f"value {number}",
            key=f"key-{number % 3}",
            timestamp_ms=START_MS + number * 10,
            compression=Compression.GZIP if number % 5 == 1 else Compression.NONE,
            producer=(7, 0, 2 * (number // 4)) if is_transactional else None,
            transactional=is_transactional,
        )
        log.append_as_leader(batch, number // 8)
        if is_transactional:
            end_transaction(log, 7, commit=number % 8 == 0, timestamp_ms=START_MS + number * 10)
    log.update_high_watermark(log.log_end_offset)
    end_offset = log.log_end_offset
    log.close()
    write_topic_id(RealDisk(), directory / PARTITION_METADATA, UUID(int=7))
    return end_offset


def write_log_directory(directory: Path) -> dict[TopicPartition, int]:
    """Two partitions and what a clean end leaves beside them; their ends."""
    ends = {}
    for each in (TopicPartition("orders", 0), TopicPartition("orders", 1)):
        ends[each] = write_partition(directory / str(each))
    OffsetCheckpoint(RealDisk(), directory / HIGH_WATERMARK_CHECKPOINT).write(ends)
    (directory / CLEAN_SHUTDOWN).write_bytes(b"")
    (directory / "meta.properties").write_text("broker.id=1\ncluster.id=abc\nversion=0\n")
    return ends


def patch(file: Path, position: int, data: bytes) -> None:
    """Other bytes at a place of a file."""
    with file.open("r+b") as stream:
        stream.seek(position)
        stream.write(data)
