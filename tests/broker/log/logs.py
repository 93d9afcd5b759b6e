"""Logs for tests: a directory, a clock that stands still, batches in one line."""

import random
from pathlib import Path

import attrs

from broker.log.disk import Disk
from broker.log.log_config import LogConfig, ProducerConfig
from broker.log.log_manager import LogManager
from broker.log.partition_log import PartitionLog
from broker.log.values import MAX_TIMESTAMP, TimestampOffset
from broker.wire.compression import Compression
from broker.wire.record_batch import RecordBatch, batches, build_batch
from broker.wire.records import Record
from tests.support.unsynced_disk import UnsyncedDisk

START_MS = 1_700_000_000_000


@attrs.define
class Clock:
    """Milliseconds since the epoch; moved by the test."""

    now_ms: int = START_MS

    def __call__(self) -> int:
        return self.now_ms


def make_batch(
    *values: str,
    key: str | None = None,
    timestamp_ms: int = START_MS,
    compression: Compression = Compression.NONE,
    producer: tuple[int, int, int] | None = None,
    transactional: bool = False,
    base_offset: int = 0,
    leader_epoch: int = -1,
) -> bytearray:
    """One batch of a record a value (default: one record, "v"); `producer` is id, epoch, sequence.

    The timestamp goes up by 1 ms a record.
    """
    producer_id, producer_epoch, sequence = producer or (-1, -1, -1)
    records = [
        Record(key.encode() if key else None, value.encode(), timestamp_ms + index)
        for index, value in enumerate(values or ("v",))
    ]
    return build_batch(
        records,
        compression=compression,
        producer_id=producer_id,
        producer_epoch=producer_epoch,
        base_sequence=sequence,
        is_transactional=transactional,
        base_offset=base_offset,
        leader_epoch=leader_epoch,
    )


@attrs.define
class LogWorld:
    """A log in `directory`, opened and opened again."""

    directory: Path
    config: LogConfig = LogConfig()  # noqa: RUF009  (frozen)
    disk: Disk = attrs.field(factory=UnsyncedDisk)
    clock: Clock = attrs.field(factory=Clock)
    # Who writes transactions to these logs has no coordinator to ask.
    producers: ProducerConfig = ProducerConfig(verifies_transactions=False)  # noqa: RUF009

    def open(
        self,
        *,
        was_clean: bool = False,
        recovery_point: int | None = 0,
        log_start_offset: int = 0,
        cleaned_to: int | None = None,
    ) -> PartitionLog:
        return PartitionLog.open(
            self.directory,
            self.config,
            disk=self.disk,
            clock_ms=self.clock,
            randomness=random.Random(1),
            was_clean=was_clean,
            recovery_point=recovery_point,
            log_start_offset=log_start_offset,
            cleaned_to=cleaned_to,
            producer_config=self.producers,
        )

    def names(self) -> list[str]:
        return sorted(path.name for path in self.directory.iterdir())


def read_batches(
    log: PartitionLog, start_offset: int | None = None, end_offset: int | None = None
) -> list[RecordBatch]:
    """Everything from an offset on, as a consumer reads it: slice after slice."""
    offset = log.log_start_offset if start_offset is None else start_offset
    end_offset = log.log_end_offset if end_offset is None else end_offset
    found: list[RecordBatch] = []
    while True:
        data = b"".join(region.read() for region in log.read(offset, 300, end_offset).regions)
        whole = list(batches(data))
        if not whole:
            return found
        found += whole
        offset = whole[-1].end_offset


def values(log: PartitionLog, start_offset: int | None = None) -> list[str]:
    """The values of all records that a consumer sees."""
    return [
        (record.value or b"").decode()
        for batch in read_batches(log, start_offset)
        for record in batch.records()
    ]


def record_at(log: PartitionLog, timestamp_ms: int) -> TimestampOffset | None:
    """The first one that is not earlier, or the latest (-3), as ListOffsets finds it."""
    start_offset = log.log_start_offset
    from_offset: int | None = start_offset
    if timestamp_ms == MAX_TIMESTAMP:
        (timestamp_ms, from_offset), start_offset = log.latest(), 0
    while from_offset is not None:
        candidate, from_offset = log.candidate(timestamp_ms, from_offset)
        found = candidate.find(start_offset) if candidate else None
        if found is not None:
            return found
    return None


def fill(log: PartitionLog, count: int, leader_epoch: int = 0) -> None:
    """`count` batches of one record whose value is its offset."""
    for _ in range(count):
        log.append_as_leader(make_batch(str(log.log_end_offset)), leader_epoch)


def let_go(manager: LogManager) -> None:
    """As the kernel does when a process is killed: no file is closed in an orderly way."""
    for log in [*manager.logs.values(), *manager.futures.logs.values()]:
        log.abandon()
    for directory in manager.directories.all:
        directory.unlock()
