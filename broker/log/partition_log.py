"""One partition's log: offsets given to batches, batches found by offset, and an end to cut at.

    append_as_leader    check -> stamp offset and epoch into the bytes -> segment
    append_as_follower  the leader's bytes as they are -> segment; its epochs are noted
    read                offset -> the segment and position of its batch -> a region of the file
    truncate_to         what a new leader does not have goes
    delete_old_segments what is too old, too much, or before the log start offset goes

Everything here is synchronous and for one thread, the event loop's: between two calls the log is
consistent, and a connection's appends run in the order they came. What blocks (sync, unlink) is
handed out as a value for another thread to do: `local.due_flush`, `local.take_deletable`.

Invariant:  log_start_offset <= last_stable_offset <= high_watermark <= log_end_offset
            recovery_point <= log_end_offset: before it, everything is on the disk

An append that raises KafkaError changed nothing. One that fails in the file system takes the whole
log directory offline (see `storage`): KAFKA_STORAGE_ERROR from then on, until the next start.

Source: Kafka's `UnifiedLog`.
"""

import random
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Self

from broker.log.disk import Disk
from broker.log.file_names import PARTITION_METADATA, partition_of
from broker.log.loader import LoadedLog, LogLoader
from broker.log.local_log import LocalLog
from broker.log.log_config import LogConfig, TimestampType
from broker.log.partition_metadata import read_topic_id, write_topic_id
from broker.log.producer_recovery import truncate_producers
from broker.log.reading import find_timestamp
from broker.log.retention import deletable_segments
from broker.log.storage import Storage
from broker.log.validation import (
    UnexpectedAppendOffset,
    batches_of_leader,
    check_batch,
    only_batch,
)
from broker.log.values import (
    AppendInfo,
    EpochEndOffset,
    Origin,
    Slice,
    TimestampOffset,
)
from broker.waiting import Movement
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.record_batch import (
    NO_TIMESTAMP,
    Buffer,
    RecordBatch,
    stamp,
    stamp_append_time,
)


class ClosedLog(Exception):  # named for what it is
    """Why a log can't be used that was closed, deleted or lost with its directory."""


class PartitionLog:
    """See the module. Made by `open`. `local`, `epochs` and `producers` are for others to read.

    was_clean: no machine has stopped under it since it was closed: nothing is missing at its end.
    """

    def __init__(
        self,
        directory: Path,
        config: LogConfig,
        loaded: LoadedLog,
        disk: Disk,
        clock_ms: Callable[[], int],
        randomness: random.Random,
        storage: Storage,
    ) -> None:
        self.topic_partition = partition_of(directory.name)
        self.directory = directory
        self.topic_id = read_topic_id(directory / PARTITION_METADATA)
        self.log_start_offset = loaded.log_start_offset
        self.was_clean = loaded.was_clean
        self.local = LocalLog(directory, config, loaded, disk, clock_ms, randomness, storage)
        self.epochs = loaded.epochs
        self.producers = loaded.producers
        self._snapshots = loaded.snapshots
        self._high_watermark = loaded.log_start_offset
        self.start_moved = Movement()  # up; a truncation is its doer's to tell
        self._disk = disk
        self._clock_ms = clock_ms

    @classmethod
    def open(
        cls,
        directory: Path,
        config: LogConfig,
        *,
        disk: Disk,
        clock_ms: Callable[[], int],
        randomness: random.Random,
        was_clean: bool = False,
        log_start_offset: int = 0,
        recovery_point: int = 0,
        producer_expiration_ms: int = 86_400_000,
        storage: Storage | None = None,
    ) -> Self:
        """Load what is in `directory` (made if missing); blocks, for long if it must recover.

        `was_clean` says whether the last user closed it properly; then nothing is recovered.
        storage: that of the log directory, shared with the logs beside this one.
        OSError, MalformedCheckpoint or MalformedPartitionMetadata if it can't be read.
        """
        directory.mkdir(exist_ok=True)
        loader = LogLoader(
            disk,
            directory,
            config,
            was_clean,
            log_start_offset,
            recovery_point,
            producer_expiration_ms,
            clock_ms(),
        )
        storage = storage or Storage(directory.parent)
        return cls(directory, config, loader.load(), disk, clock_ms, randomness, storage)

    @property
    def config(self) -> LogConfig:
        return self.local.config

    @property
    def log_end_offset(self) -> int:
        """Where the next record goes."""
        return self.local.log_end_offset

    @property
    def starts_within_a_segment(self) -> bool:
        """Whether DeleteRecords moved the start to where no segment begins: only a checkpoint
        remembers that."""
        return self.log_start_offset > self.local.segments.first.base_offset

    # --- appending

    def append_as_leader(
        self, records: Buffer, leader_epoch: int, origin: Origin = Origin.CLIENT
    ) -> AppendInfo:
        """Append one batch, giving it the next offsets; `records` is stamped in place if writable.

        Errors of `validation` and `ProducerState.check`; KAFKA_STORAGE_ERROR.
        """
        batch = only_batch(records)
        now_ms = self._clock_ms()
        check_batch(batch, self.config, origin, now_ms)
        if batch.has_producer_id:
            if origin is Origin.CLIENT:
                known = self.producers.duplicate_of(batch)
                if known is not None:
                    return AppendInfo(
                        known.first_offset,
                        known.last_offset,
                        known.timestamp_ms,
                        known.timestamp_ms,
                        self.log_start_offset,
                        0,
                        is_duplicate=True,
                    )
            self.producers.check(batch, origin)
        self._stamp(batch, leader_epoch, now_ms)
        by_append_time = batch.is_log_append_time
        self._append([batch], batch.view)
        return AppendInfo(
            batch.base_offset,
            batch.last_offset,
            batch.max_timestamp_ms,
            now_ms if by_append_time else NO_TIMESTAMP,
            self.log_start_offset,
            batch.size_bytes,
        )

    def holds(self, records: Buffer) -> bool:
        """Whether this batch of an idempotent producer is here already: it was sent again."""
        batch = only_batch(records)
        return batch.has_producer_id and self.producers.duplicate_of(batch) is not None

    def append_as_follower(self, records: Buffer) -> AppendInfo | None:
        """Append batches with the leader's offsets and epochs; None if there is no whole batch.

        A batch cut short at the end is left out. UnexpectedAppendOffset if they do not continue
        the log; CORRUPT_MESSAGE.
        """
        found = batches_of_leader(records, self.topic_partition)
        if not found:
            return None
        end_offset = found[-1].end_offset
        self._make_room_for(found[0], end_offset)
        size_bytes = sum(batch.size_bytes for batch in found)
        self._append(found, memoryview(records)[:size_bytes])
        return AppendInfo(
            found[0].base_offset,
            end_offset - 1,
            max(batch.max_timestamp_ms for batch in found),
            NO_TIMESTAMP,
            self.log_start_offset,
            size_bytes,
        )

    def _make_room_for(self, first: RecordBatch, end_offset: int) -> None:
        if first.base_offset >= self.log_end_offset:
            return
        # DeleteRecords may have put the leader's start into the middle of a batch: an empty
        # follower then gets the whole batch and must begin below its own start offset.
        is_empty = self.log_end_offset == self.log_start_offset
        if not is_empty or end_offset <= self.log_end_offset:
            raise UnexpectedAppendOffset(
                f"Offset {first.base_offset} in append to {self.topic_partition} is less than the "
                f"next offset {self.log_end_offset}"
            )
        self.truncate_fully_and_start_at(first.base_offset, self.log_start_offset)

    def _stamp(self, batch: RecordBatch, leader_epoch: int, now_ms: int) -> None:
        """Write offset, epoch and perhaps time into the batch's bytes and into `batch`."""
        view = batch.view
        if view.readonly:
            view = batch.view = memoryview(bytearray(view))
        stamp(view, self.log_end_offset, leader_epoch)
        batch.base_offset = self.log_end_offset
        batch.leader_epoch = leader_epoch
        if self.config.message_timestamp_type is TimestampType.LOG_APPEND_TIME:
            batch.attributes = stamp_append_time(view, batch.attributes, now_ms)
            batch.max_timestamp_ms = now_ms

    def _append(self, found: list[RecordBatch], data: memoryview) -> None:
        """The common end of every append: checked and stamped batches, and their bytes."""
        last_offset = found[-1].last_offset
        max_timestamp_ms = max([batch.max_timestamp_ms for batch in found])
        if self.local.must_roll(len(data), max_timestamp_ms, last_offset):
            self._roll(max(found[0].base_offset, self.log_end_offset))
        with self.local.storage:
            for batch in found:
                if batch.leader_epoch >= 0:
                    self.epochs.assign(batch.leader_epoch, batch.base_offset)
        self.local.append(found, data)
        for batch in found:
            self.producers.update(batch)
        if self.log_end_offset - self.recovery_point >= self.config.flush_messages:
            self.flush()

    # --- reading

    def read(
        self, start_offset: int, max_bytes: int, end_offset: int, *, min_one: bool = True
    ) -> Slice:
        """The batches from the one that holds `start_offset` on, before `end_offset`.

        At most `max_bytes`, but with `min_one` at least one batch, if there is one. At most to the
        end of a segment. OFFSET_OUT_OF_RANGE outside of log_start_offset..log_end_offset.
        """
        self.check_in_range(start_offset)
        return self.local.read(start_offset, max_bytes, end_offset, min_one=min_one)

    def check_in_range(self, offset: int) -> None:
        """OFFSET_OUT_OF_RANGE outside of log_start_offset..log_end_offset."""
        if not self.log_start_offset <= offset <= self.log_end_offset:
            raise KafkaError(
                ErrorCode.OFFSET_OUT_OF_RANGE,
                f"Offset {offset} of {self.topic_partition} is not within "
                f"[{self.log_start_offset}, {self.log_end_offset}]",
            )

    def offset_for_timestamp(self, timestamp_ms: int) -> TimestampOffset | None:
        """What ListOffsets asks, as `reading.find_timestamp` has it."""
        with self.local.storage:
            return find_timestamp(
                self.local.segments,
                self.epochs,
                timestamp_ms,
                self.log_start_offset,
                self.log_end_offset,
            )

    # --- leader epochs

    @property
    def latest_epoch(self) -> int | None:
        """The epoch of the last leader this log has heard of."""
        return self.epochs.latest

    def assign_epoch_start_offset(self, leader_epoch: int, start_offset: int) -> None:
        """A new leader notes where its epoch begins: at its log end offset."""
        with self.local.storage:
            self.epochs.assign(leader_epoch, start_offset)

    def end_offset_for_epoch(self, leader_epoch: int) -> EpochEndOffset | None:
        """KIP-279: the largest known epoch at most `leader_epoch`, and where it ended."""
        return self.epochs.end_offset_for(leader_epoch, self.log_end_offset)

    # --- watermarks

    @property
    def high_watermark(self) -> int:
        """Up to where every in-sync replica has the log; moved by the partition's owner."""
        return self._high_watermark

    def update_high_watermark(self, offset: int) -> int:
        """Set it, bounded by the log start and end offsets; gives what it became."""
        self._high_watermark = min(max(offset, self.log_start_offset), self.log_end_offset)
        self.producers.on_high_watermark(self._high_watermark)
        return self._high_watermark

    @property
    def last_stable_offset(self) -> int:
        """Up to where read_committed consumers may read: before the first open transaction."""
        unstable = self.producers.first_unstable_offset
        if unstable is None:
            return self._high_watermark
        return min(max(unstable, self.log_start_offset), self._high_watermark)

    def increment_log_start_offset(self, offset: int) -> bool:
        """DeleteRecords, and followers of its leader; False if the start is there or beyond.

        OFFSET_OUT_OF_RANGE above the high watermark.
        """
        if offset > self._high_watermark:
            raise KafkaError(
                ErrorCode.OFFSET_OUT_OF_RANGE,
                f"Cannot increment the log start offset of {self.topic_partition} to {offset}: "
                f"the high watermark is {self._high_watermark}",
            )
        if offset <= self.log_start_offset:
            return False
        self.log_start_offset = offset
        self.local.flushing.started_at(offset)
        with self.local.storage:
            self.epochs.truncate_from_start(offset)
        self.start_moved.happened()
        return True

    # --- truncation

    def truncate_to(self, offset: int) -> bool:
        """Drop every batch that holds `offset` or a later one; False if there is none."""
        with self.local.storage:
            if offset >= self.log_end_offset:
                # This broker may have led and noted an epoch, and appended nothing in it.
                self.epochs.truncate_from_end(self.log_end_offset)
                return False
            if offset < self.local.segments.first.base_offset:
                self.truncate_fully_and_start_at(offset)
                return True
            self.local.truncate_to(offset)
            self.log_start_offset = min(self.log_start_offset, self.log_end_offset)
            self.epochs.truncate_from_end(self.log_end_offset)
            truncate_producers(
                self.local.segments,
                self.producers,
                self._snapshots,
                self.log_start_offset,
                self.log_end_offset,
                self._clock_ms(),
            )
        self.update_high_watermark(self._high_watermark)
        return True

    def truncate_fully_and_start_at(self, offset: int, log_start_offset: int | None = None) -> None:
        """Drop everything; the next append is at `offset`, the log start there or as given."""
        with self.local.storage:
            self.local.truncate_fully_and_start_at(offset)
            self.epochs.clear()
            for snapshot in self._snapshots.offsets:
                self._snapshots.delete(snapshot)
            self.producers.reset([], offset, self._clock_ms())
        self.log_start_offset = offset if log_start_offset is None else log_start_offset
        self._high_watermark = max(offset, self.log_start_offset)

    # --- topic id

    def assign_topic_id(self, topic_id: uuid.UUID) -> None:
        """Note the topic's id, once; INCONSISTENT_TOPIC_ID if there is another.

        Syncs a file, so it is for a thread, whose caller deals with an OSError.
        """
        if self.topic_id is not None:
            if self.topic_id != topic_id:
                raise KafkaError(
                    ErrorCode.INCONSISTENT_TOPIC_ID,
                    f"Topic id {topic_id} for {self.topic_partition}, whose log has "
                    f"{self.topic_id}",
                )
            return
        write_topic_id(self._disk, self.directory / PARTITION_METADATA, topic_id)
        self.topic_id = topic_id

    # --- flushing, rolling, retention

    @property
    def recovery_point(self) -> int:
        """Everything before it is on the disk."""
        return self.local.flushing.recovery_point

    def flush(self) -> None:
        """Sync everything now, blocking; `local.due_flush` is for another thread."""
        self.local.flush()

    def _roll(self, base_offset: int) -> None:
        self.local.roll(base_offset)
        self.producers.end_offset = base_offset
        with self.local.storage:
            self._snapshots.write(base_offset, self.producers.entries(), sync=False)

    def delete_old_segments(self) -> int:
        """Retention by log start offset, size and time, below the high watermark; how many went.

        Their files are renamed; `local.take_deletable` gives them after file.delete.delay.ms.
        """
        with self.local.storage:
            deletable = deletable_segments(
                self.local.segments,
                self.config,
                log_start_offset=self.log_start_offset,
                log_end_offset=self.log_end_offset,
                high_watermark=self._high_watermark,
                now_ms=self._clock_ms(),
            )
            if not deletable:
                return 0
            if len(deletable) == len(self.local.segments):
                self._roll(self.log_end_offset)
            self.local.drop(deletable)
            start_offset = self.local.segments.first.base_offset
        if start_offset > self.log_start_offset:
            self.increment_log_start_offset(start_offset)
        return len(deletable)

    def remove_expired_producers(self) -> None:
        """Forget the producers that were silent for producer.id.expiration.ms."""
        self.producers.remove_expired(self._clock_ms())

    # --- life

    def update_config(self, config: LogConfig) -> None:
        """From now on; the index settings of existing segments stay."""
        self.local.config = config

    def close(self) -> None:
        """Flush, snapshot the producers, close; then the next `open` may be told it was clean."""
        self.flush()
        with self.local.storage:
            self.local.segments.active.become_inactive()
            if self.producers.end_offset not in self._snapshots.offsets and self.log_end_offset:
                self._snapshots.write(
                    self.producers.end_offset, self.producers.entries(), sync=True
                )
        self.abandon()

    def abandon(self) -> None:
        """Let go of the files without writing anything: the log is being deleted, or has failed.

        Every later use is KAFKA_STORAGE_ERROR, and doesn't concern the logs beside it.
        """
        self.local.release()
        self.local.storage = Storage(self.directory, ClosedLog("the log was closed"))

    @property
    def is_failed(self) -> bool:
        """Whether its log directory is offline."""
        return self.local.storage.failure is not None

    def check_storage(self) -> None:
        """Raises `KafkaError` KAFKA_STORAGE_ERROR if its log directory is offline."""
        self.local.storage.check()
