"""A compacted log for tests, and what is left in it."""

from pathlib import Path

import attrs

from broker.log.log_config import LogConfig
from broker.log.partition_log import PartitionLog
from broker.log.values import Origin
from broker.wire.compression import Compression
from broker.wire.control_records import build_marker
from broker.wire.record_batch import build_batch
from broker.wire.records import Record
from tests.broker.log.logs import LogWorld, read_batches

COMPACTED = LogConfig(
    cleanup_policy=frozenset({"compact"}),
    segment_bytes=400,
    index_interval_bytes=100,
    delete_retention_ms=1000,
    file_delete_delay_ms=0,
)


@attrs.define
class CompactedLog:
    """Keys and values are words; `put("a=1", "b=")` is one batch, whose second is a tombstone."""

    world: LogWorld
    log: PartitionLog

    @classmethod
    def at(cls, directory: Path, config: LogConfig = COMPACTED) -> "CompactedLog":
        world = LogWorld(directory / "topic-0", config)
        return cls(world, world.open())

    def put(
        self,
        *words: str,
        producer: tuple[int, int, int] = (-1, -1, -1),
        transactional: bool = False,
        compression: Compression = Compression.NONE,
    ) -> int:
        """The first offset."""
        producer_id, producer_epoch, sequence = producer
        batch = build_batch(
            [self._record(word) for word in words],
            producer_id=producer_id,
            producer_epoch=producer_epoch,
            base_sequence=sequence,
            is_transactional=transactional,
            compression=compression,
        )
        offset = self.log.append_as_leader(batch, 0).first_offset
        self.log.update_high_watermark(self.log.log_end_offset)
        return offset

    def _record(self, word: str) -> Record:
        key, _, value = word.partition("=")
        return Record(key.encode(), value.encode() or None, self.world.clock())

    def end_transaction(self, producer_id: int, *, commit: bool) -> int:
        """The marker's offset."""
        marker = build_marker(
            producer_id, 0, commit=commit, coordinator_epoch=0, timestamp_ms=self.world.clock()
        )
        offset = self.log.append_as_leader(marker, 0, Origin.COORDINATOR).first_offset
        self.log.update_high_watermark(self.log.log_end_offset)
        return offset

    def roll(self) -> None:
        """What is there may be cleaned: it is no longer in the active segment."""
        self.log._parts.roll(self.log.log_end_offset)

    def words(self) -> list[str]:
        """All records but markers, as `offset:key=value`."""
        return words_of(self.log)

    def left(self) -> list[tuple[int, int]]:
        """(base offset, records) of each batch that is left, markers too."""
        return [(batch.base_offset, batch.count) for batch in read_batches(self.log)]


def words_of(log: PartitionLog) -> list[str]:
    return [
        f"{record.offset}:{(record.key or b'').decode()}={(record.value or b'').decode()}"
        for batch in read_batches(log)
        if not batch.is_control
        for record in batch.records()
    ]
