"""One partition's log: offsets given to batches, batches found by offset, and an end to cut at.

    append_as_leader    check -> stamp offset and epoch into the bytes -> segment
    append_as_follower  the leader's bytes as they are -> segment; its epochs are noted
    read                offset -> the segment and position of its batch -> a region of the file
    truncate_to         what a new leader does not have goes
    delete_old_segments what is too old, too much, or before the log start offset goes

Everything here is synchronous and for one thread, the event loop's: between two calls the log is
consistent, and a connection's appends run in the order they came. What blocks (sync, unlink) is
handed out as a value for another thread to do: `begin_flush`, `take_deletable`.

Invariant:  log_start_offset <= last_stable_offset <= high_watermark <= log_end_offset
            recovery_point <= log_end_offset: before it, everything is on the disk

An append that raises KafkaError changed nothing. One that fails in the file system leaves the log
unusable (KAFKA_STORAGE_ERROR from then on) until it is recovered at the next start, as Kafka takes
a whole log directory offline.

Source: Kafka's `UnifiedLog`, `LocalLog`.
"""

import random
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from broker.log.disk import Disk
from broker.log.file_names import (
    LEADER_EPOCH_CHECKPOINT,
    PARTITION_METADATA,
    partition_of,
)
from broker.log.flushing import Flush
from broker.log.loader import LoadedLog, LogLoader, rebuild_producers
from broker.log.log_config import LONG_MAX, LogConfig, TimestampType
from broker.log.partition_metadata import read_topic_id, write_topic_id
from broker.log.producer_state import ProducerState
from broker.log.reading import find_timestamp, read_slice
from broker.log.retention import DeletedFiles, deletable_segments
from broker.log.segment import Segment
from broker.log.validation import check_batch, only_batch
from broker.log.values import (
    EARLIEST_LOCAL_TIMESTAMP,
    EARLIEST_TIMESTAMP,
    LATEST_TIERED_TIMESTAMP,
    LATEST_TIMESTAMP,
    UNDEFINED_EPOCH,
    AppendInfo,
    EpochEndOffset,
    Origin,
    Slice,
    TimestampOffset,
)
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.record_batch import (
    NO_TIMESTAMP,
    Buffer,
    RecordBatch,
    batches,
    stamp,
    stamp_append_time,
)


class UnexpectedAppendOffset(KafkaError):  # as Kafka's
    """The leader's records do not continue this log: the follower must find out why."""

    def __init__(self, message: str) -> None:
        super().__init__(ErrorCode.UNKNOWN_SERVER_ERROR, message)


class PartitionLog:
    """See the module. Made by `open`."""

    def __init__(
        self,
        directory: Path,
        config: LogConfig,
        loaded: LoadedLog,
        disk: Disk,
        clock_ms: Callable[[], int],
        randomness: random.Random,
    ) -> None:
        self.topic_partition = partition_of(directory.name)
        self.directory = directory
        self.config = config
        self.topic_id = read_topic_id(directory / PARTITION_METADATA)
        self.log_start_offset = loaded.log_start_offset
        self.log_end_offset = loaded.log_end_offset
        self.recovery_point = loaded.recovery_point
        self.last_flush_ms = clock_ms()
        self._disk = disk
        self._clock_ms = clock_ms
        self._randomness = randomness
        self._segments = loaded.segments
        self._epochs = loaded.epochs
        self._producers = loaded.producers
        self._snapshots = loaded.snapshots
        self._high_watermark = loaded.log_start_offset
        self._failure: OSError | None = None
        self._truncations = 0
        # The last of them could come undone, and the checkpoint name a later recovery point: see
        # `_note_truncation`.
        self._has_unsynced_truncation = False
        self.has_stale_checkpoint = False
        self._deleted_files = DeletedFiles(disk)
        self._segments.active.jitter_ms = self._jitter_ms()

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
    ) -> Self:
        """Load what is in `directory` (made if missing); blocks, for long if it must recover.

        `was_clean` says whether the last user closed it properly; then nothing is recovered.
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
        log = cls(directory, config, loader.load(), disk, clock_ms, randomness)
        log.has_stale_checkpoint = log.recovery_point < recovery_point
        return log

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
                known = self._producers.duplicate_of(batch)
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
            self._producers.check(batch, origin)
        self._stamp(batch, leader_epoch, now_ms)
        by_append_time = batch.is_log_append_time
        self._append([batch], batch.view, now_ms)
        return AppendInfo(
            batch.base_offset,
            batch.last_offset,
            batch.max_timestamp_ms,
            now_ms if by_append_time else NO_TIMESTAMP,
            self.log_start_offset,
            batch.size_bytes,
        )

    def append_as_follower(self, records: Buffer) -> AppendInfo | None:
        """Append batches with the leader's offsets and epochs; None if there is no whole batch.

        A batch cut short at the end is left out. UnexpectedAppendOffset if they do not continue
        the log; CORRUPT_MESSAGE.
        """
        found = list(batches(records))
        if not found:
            return None
        end_offset = -1
        for batch in found:
            batch.check_crc()
            if batch.base_offset < end_offset or batch.last_offset < batch.base_offset:
                raise UnexpectedAppendOffset(
                    f"Out of order offsets in append to {self.topic_partition}: "
                    f"{batch.base_offset} after {end_offset - 1}"
                )
            end_offset = batch.end_offset
        self._make_room_for(found[0], end_offset)
        size_bytes = sum(batch.size_bytes for batch in found)
        self._append(found, memoryview(records)[:size_bytes], self._clock_ms())
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

    def _append(self, found: list[RecordBatch], data: memoryview, now_ms: int) -> None:
        """The common end of every append: checked and stamped batches, and their bytes."""
        last_offset = found[-1].last_offset
        max_timestamp_ms = max([batch.max_timestamp_ms for batch in found])
        if self._failure is not None:
            raise self._storage_error()
        try:
            segment = self._segments.active
            if segment.should_roll(self.config, len(data), max_timestamp_ms, last_offset, now_ms):
                segment = self._roll(max(found[0].base_offset, self.log_end_offset))
            for batch in found:
                if batch.leader_epoch >= 0:
                    self._epochs.assign(batch.leader_epoch, batch.base_offset)
            segment.hold_open()
            segment.append(found, data)
        except OSError as error:
            self._failure = error
            raise self._storage_error() from error
        for batch in found:
            self._producers.update(batch)
        self.log_end_offset = last_offset + 1
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
        if not self.log_start_offset <= start_offset <= self.log_end_offset:
            raise KafkaError(
                ErrorCode.OFFSET_OUT_OF_RANGE,
                f"Offset {start_offset} of {self.topic_partition} is not within "
                f"[{self.log_start_offset}, {self.log_end_offset}]",
            )
        with self._storage():
            return read_slice(
                self._segments,
                start_offset,
                max_bytes,
                end_offset,
                self.log_end_offset,
                min_one=min_one,
            )

    def offset_for_timestamp(self, timestamp_ms: int) -> TimestampOffset | None:
        """What ListOffsets asks: -1 the log end, -2 and -4 the start, -3 the latest record, -5
        tiered storage (none), else the first record that is not earlier; None if there is none."""
        if timestamp_ms in (EARLIEST_TIMESTAMP, EARLIEST_LOCAL_TIMESTAMP):
            epoch = self._epochs.epoch_for_offset(self.log_start_offset)
            return TimestampOffset(
                NO_TIMESTAMP, self.log_start_offset, UNDEFINED_EPOCH if epoch is None else epoch
            )
        if timestamp_ms == LATEST_TIMESTAMP:
            epoch = self._epochs.latest
            return TimestampOffset(
                NO_TIMESTAMP, self.log_end_offset, UNDEFINED_EPOCH if epoch is None else epoch
            )
        if timestamp_ms == LATEST_TIERED_TIMESTAMP:
            return TimestampOffset(NO_TIMESTAMP, -1)
        with self._storage():
            return find_timestamp(self._segments, timestamp_ms, self.log_start_offset)

    # --- leader epochs

    @property
    def latest_epoch(self) -> int | None:
        """The epoch of the last leader this log has heard of."""
        return self._epochs.latest

    def assign_epoch_start_offset(self, leader_epoch: int, start_offset: int) -> None:
        """A new leader notes where its epoch begins: at its log end offset."""
        with self._storage():
            self._epochs.assign(leader_epoch, start_offset)

    def end_offset_for_epoch(self, leader_epoch: int) -> EpochEndOffset | None:
        """KIP-279: the largest known epoch at most `leader_epoch`, and where it ended."""
        return self._epochs.end_offset_for(leader_epoch, self.log_end_offset)

    def epoch_for_offset(self, offset: int) -> int | None:
        return self._epochs.epoch_for_offset(offset)

    def epoch_entries(self) -> list[tuple[int, int]]:
        """(epoch, start offset), ascending."""
        return self._epochs.entries()

    # --- watermarks

    @property
    def high_watermark(self) -> int:
        """Up to where every in-sync replica has the log; moved by the partition's owner."""
        return self._high_watermark

    def update_high_watermark(self, offset: int) -> int:
        """Set it, bounded by the log start and end offsets; gives what it became."""
        self._high_watermark = min(max(offset, self.log_start_offset), self.log_end_offset)
        self._producers.on_high_watermark(self._high_watermark)
        return self._high_watermark

    @property
    def last_stable_offset(self) -> int:
        """Up to where read_committed consumers may read: before the first open transaction."""
        unstable = self._producers.first_unstable_offset
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
        self.recovery_point = max(self.recovery_point, offset)
        with self._storage():
            self._epochs.truncate_from_start(offset)
        return True

    # --- truncation

    def truncate_to(self, offset: int) -> bool:
        """Drop every batch that holds `offset` or a later one; False if there is none."""
        with self._storage():
            if offset >= self.log_end_offset:
                # This broker may have led and noted an epoch, and appended nothing in it.
                self._epochs.truncate_from_end(self.log_end_offset)
                return False
            if offset < self._segments.first.base_offset:
                self.truncate_fully_and_start_at(offset)
                return True
            self._drop([s for s in self._segments if s.base_offset > offset])
            # In the middle of a batch, all of it goes (Kafka leaves a gap there).
            offset = self._segments.active.truncate_to(offset, self._clock_ms())
            self.log_end_offset = offset
            self._note_truncation(offset)
            self.log_start_offset = min(self.log_start_offset, offset)
            self._epochs.truncate_from_end(offset)
            self._rebuild_producers()
        self.update_high_watermark(self._high_watermark)
        return True

    def truncate_fully_and_start_at(self, offset: int, log_start_offset: int | None = None) -> None:
        """Drop everything; the next append is at `offset`, the log start there or as given."""
        with self._storage():
            old = list(self._segments)
            self._mark_deleted(old)
            for segment in old:
                self._segments.remove(segment)
            self._segments.add(self._new_segment(offset))
            self._epochs.clear()
            for snapshot in self._snapshots.offsets:
                self._snapshots.delete(snapshot)
            self._producers.reset([], offset, self._clock_ms())
        self.log_end_offset = offset
        self.log_start_offset = offset if log_start_offset is None else log_start_offset
        self._note_truncation(offset)
        self._high_watermark = max(offset, self.log_start_offset)

    def _note_truncation(self, offset: int) -> None:
        """What is written from `offset` on is not on the disk, whatever the checkpoint says.

        Until that is rewritten (LogManager), a power failure makes recovery begin too late; until
        the truncation is synced, it may come undone. Neither does harm in the active segment,
        which recovery always reads whole; so `_roll` syncs before it makes another one.
        """
        self._truncations += 1
        self._has_unsynced_truncation = True
        if offset < self.recovery_point:
            self.recovery_point = offset
            self.has_stale_checkpoint = True

    def _rebuild_producers(self) -> None:
        """After a truncation: nothing to do if no producer's last batch was cut."""
        end_offset = self.log_end_offset
        for snapshot in self._snapshots.offsets:
            if snapshot > end_offset:
                self._snapshots.delete(snapshot)
        if any(
            entry.transaction_first_offset is not None
            or (entry.batches and entry.batches[-1].last_offset >= end_offset)
            for entry in self._producers.entries()
        ):
            rebuild_producers(
                self._segments,
                self._producers,
                self._snapshots,
                self.log_start_offset,
                end_offset,
                self._clock_ms(),
            )
        self._producers.end_offset = end_offset

    # --- producers

    @property
    def producers(self) -> ProducerState:
        """For DescribeProducers; read only."""
        return self._producers

    def remove_expired_producers(self) -> None:
        self._producers.remove_expired(self._clock_ms())

    # --- topic id

    def assign_topic_id(self, topic_id: uuid.UUID) -> None:
        """Note the topic's id, once; INCONSISTENT_TOPIC_ID if there is another. Syncs a file."""
        if self.topic_id is not None:
            if self.topic_id != topic_id:
                raise KafkaError(
                    ErrorCode.INCONSISTENT_TOPIC_ID,
                    f"Topic id {topic_id} for {self.topic_partition}, whose log has "
                    f"{self.topic_id}",
                )
            return
        with self._storage():
            write_topic_id(self._disk, self.directory / PARTITION_METADATA, topic_id)
        self.topic_id = topic_id

    # --- rolling, flushing, retention

    @property
    def size_bytes(self) -> int:
        return self._segments.size_bytes

    @property
    def starts_within_a_segment(self) -> bool:
        """Whether DeleteRecords moved the start to where no segment begins: only a checkpoint
        remembers that."""
        return self.log_start_offset > self._segments.first.base_offset

    @property
    def segment_count(self) -> int:
        return len(self._segments)

    def roll(self) -> None:
        """Begin a new segment at the log end offset, unless the active one is empty."""
        if self._segments.active.size_bytes > 0:
            with self._storage():
                self._roll(self.log_end_offset)

    def _roll(self, base_offset: int) -> Segment:
        if self.has_stale_checkpoint or self._has_unsynced_truncation:
            self.flush()
        self._segments.active.become_inactive()
        segment = self._new_segment(base_offset)
        self._segments.add(segment)
        self._producers.end_offset = base_offset
        self._snapshots.write(base_offset, self._producers.entries(), sync=False)
        return segment

    def _new_segment(self, base_offset: int) -> Segment:
        return Segment.create(
            self._disk,
            self.directory,
            base_offset,
            self.config,
            created_ms=self._clock_ms(),
            jitter_ms=self._jitter_ms(),
        )

    def _jitter_ms(self) -> int:
        jitter_ms = min(self.config.segment_jitter_ms, self.config.segment_ms)
        return self._randomness.randrange(jitter_ms) if jitter_ms > 0 else 0

    def due_flush(self) -> Flush | None:
        """What flush.ms asks for, or a rolled segment that waits for its sync."""
        if (
            self.config.flush_ms != LONG_MAX
            and self.recovery_point < self.log_end_offset
            and self._clock_ms() - self.last_flush_ms >= self.config.flush_ms
        ):
            return self.begin_flush()
        if self.recovery_point < self._segments.active.base_offset:
            return self.begin_flush(include_active=False)
        return None

    def begin_flush(self, *, include_active: bool = True) -> Flush:
        """What to sync so that everything up to the end (or the active segment) is on the disk."""
        with self._storage():
            active = self._segments.active
            # From the last synced record's segment on: it got an index entry when it rolled.
            segments = list(self._segments.from_floor(self.recovery_point - 1))
            if not include_active:
                segments = [segment for segment in segments if segment is not active]
            files = [file for segment in segments for file in segment.files_to_sync()]
            epochs = self.directory / LEADER_EPOCH_CHECKPOINT
            if epochs.exists():
                files.append(self._disk.open(epochs))
            end_offset = self.log_end_offset if include_active else active.base_offset
            return Flush(
                self._disk,
                self.directory,
                tuple(files),
                end_offset,
                include_active,
                self._truncations,
            )

    def finish_flush(self, flush: Flush) -> None:
        """`flush` was done: move the recovery point, unless the log was cut back meanwhile."""
        if flush.truncations == self._truncations:
            self.recovery_point = max(self.recovery_point, flush.end_offset)
            self.last_flush_ms = self._clock_ms()
            if flush.includes_active:
                self._has_unsynced_truncation = False

    def flush(self) -> None:
        """Sync everything now, blocking."""
        if self.recovery_point < self.log_end_offset or self._has_unsynced_truncation:
            flush = self.begin_flush()
            with self._storage():
                flush.run()
            self.finish_flush(flush)

    def delete_old_segments(self) -> int:
        """Retention by log start offset, size and time, below the high watermark; how many went.

        Their files are renamed; `take_deletable` gives them after file.delete.delay.ms.
        """
        with self._storage():
            deletable = deletable_segments(
                self._segments,
                self.config,
                log_start_offset=self.log_start_offset,
                log_end_offset=self.log_end_offset,
                high_watermark=self._high_watermark,
                now_ms=self._clock_ms(),
            )
            if not deletable:
                return 0
            if len(deletable) == len(self._segments):
                self._roll(self.log_end_offset)
            self._drop(deletable)
            start_offset = self._segments.first.base_offset
        if start_offset > self.log_start_offset:
            self.increment_log_start_offset(start_offset)
        return len(deletable)

    def _drop(self, segments: list[Segment]) -> None:
        """Out of the log at once, and out of the directory later."""
        for segment in segments:
            self._segments.remove(segment)
            if segment.base_offset in self._snapshots.offsets:
                self._snapshots.delete(segment.base_offset)
        self._mark_deleted(segments)

    def _mark_deleted(self, segments: list[Segment]) -> None:
        due_ms = self._clock_ms() + self.config.file_delete_delay_ms
        for segment in segments:
            self._deleted_files.add(segment, due_ms)

    def take_deletable(self) -> list[Path]:
        """Renamed files whose delay is over: the caller unlinks them, in a thread."""
        return self._deleted_files.take(self._clock_ms())

    # --- life

    def update_config(self, config: LogConfig) -> None:
        """From now on; the index settings of existing segments stay."""
        self.config = config

    def close(self) -> None:
        """Flush, snapshot the producers, close; then the next `open` may be told it was clean."""
        self.flush()
        with self._storage():
            self._segments.active.become_inactive()
            if self._producers.end_offset not in self._snapshots.offsets and self.log_end_offset:
                self._snapshots.write(
                    self._producers.end_offset, self._producers.entries(), sync=True
                )
        self.abandon()

    def abandon(self) -> None:
        """Let go of the files without writing anything: the log is being deleted, or has failed."""
        for segment in self._segments:
            segment.release()

    @property
    def is_failed(self) -> bool:
        """Whether the file system failed under it."""
        return self._failure is not None

    def fail(self, error: OSError) -> None:
        """The file system failed under it, in another thread."""
        self._failure = error

    @contextmanager
    def _storage(self) -> Iterator[None]:
        """Turn a failing file system into KAFKA_STORAGE_ERROR, for this call and all later ones."""
        if self._failure is not None:
            raise self._storage_error()
        try:
            yield
        except OSError as error:
            self._failure = error
            raise self._storage_error() from error

    def _storage_error(self) -> KafkaError:
        return KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, f"{self.directory}: {self._failure}")
