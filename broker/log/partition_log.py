"""One partition's log (signatures; the bodies follow)."""

import uuid
from pathlib import Path
from typing import Self

from broker.log.log_config import LogConfig
from broker.log.values import (
    AppendInfo,
    EpochEndOffset,
    Origin,
    Slice,
    TimestampOffset,
)
from coordination.values import TopicPartition


class PartitionLog:
    """Synchronous, for one thread. log_start <= last_stable <= high_watermark <= log_end offset."""

    topic_partition: TopicPartition
    directory: Path
    config: LogConfig
    topic_id: uuid.UUID | None
    log_start_offset: int
    log_end_offset: int
    recovery_point: int
    size_bytes: int

    @classmethod
    def open(cls, directory: Path, config: LogConfig) -> Self:
        """Load (and recover, if it was not closed cleanly) what is in `directory`."""
        raise NotImplementedError

    # --- appending. Raises KafkaError, then nothing has changed.
    def append_as_leader(
        self, records: bytearray | memoryview, leader_epoch: int, origin: Origin = Origin.CLIENT
    ) -> AppendInfo:
        """Check, stamp in place, append. `records` must be writable."""
        raise NotImplementedError

    def append_as_follower(self, records: bytes | bytearray | memoryview) -> AppendInfo | None:
        """Append batches with the leader's offsets and epochs; None if there is no whole batch."""
        raise NotImplementedError

    # --- reading
    def read(
        self, start_offset: int, max_bytes: int, end_offset: int, *, min_one: bool = True
    ) -> Slice:
        """OFFSET_OUT_OF_RANGE below log_start_offset or above log_end_offset."""
        raise NotImplementedError

    def offset_for_timestamp(self, timestamp_ms: int) -> TimestampOffset | None:
        """-1 latest (the log end), -2 earliest, -3 max timestamp, -4, -5, or a search."""
        raise NotImplementedError

    # --- epochs and truncation
    @property
    def latest_epoch(self) -> int | None:
        raise NotImplementedError

    def assign_epoch_start_offset(self, leader_epoch: int, start_offset: int) -> None:
        """A new leader notes where its epoch begins."""
        raise NotImplementedError

    def end_offset_for_epoch(self, leader_epoch: int) -> EpochEndOffset | None:
        raise NotImplementedError

    def epoch_for_offset(self, offset: int) -> int | None:
        raise NotImplementedError

    def truncate_to(self, offset: int) -> bool:
        raise NotImplementedError

    def truncate_fully_and_start_at(self, offset: int, log_start_offset: int | None = None) -> None:
        raise NotImplementedError

    # --- watermarks
    @property
    def high_watermark(self) -> int:
        raise NotImplementedError

    def update_high_watermark(self, offset: int) -> int:
        """Set it, bounded by the log start and end offsets; gives what it became."""
        raise NotImplementedError

    @property
    def last_stable_offset(self) -> int:
        raise NotImplementedError

    def increment_log_start_offset(self, offset: int) -> bool:
        """DeleteRecords and followers: OFFSET_OUT_OF_RANGE above the high watermark."""
        raise NotImplementedError

    # --- topic id
    def assign_topic_id(self, topic_id: uuid.UUID) -> None:
        """Write partition.metadata, once. INCONSISTENT_TOPIC_ID if it has another."""
        raise NotImplementedError

    # --- upkeep
    def roll(self) -> None:
        raise NotImplementedError

    def flush(self) -> None:
        raise NotImplementedError

    def delete_old_segments(self) -> int:
        raise NotImplementedError

    def update_config(self, config: LogConfig) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError
