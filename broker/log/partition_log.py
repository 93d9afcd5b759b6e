"""One partition's log: offsets given to batches, batches found by offset, and an end to cut at.

    append_as_leader     check, stamp offset and epoch into the bytes -> segment  } appending
    prepared             a batch checked and in the topic's codec, by any thread    conversion
    append_as_follower   the leader's bytes as they are -> segment                }
    read                 offset -> segment, position -> a region of the file        reading
    candidate            a time -> the first batch that may hold its record         timestamps
    truncate_to          what a new leader does not have goes                       truncation
    delete_old_segments  too old, too much, or before the log start offset: goes    retention
    high_watermark, ..   who may read what                                          watermarks

Here is what a log is to others; how each of these is done stands in the module named beside it,
and what they work on, the log's files, epochs and producers, in `parts`.

Everything is synchronous and for one thread, the event loop's: between two calls the log is
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

from broker.log import appending, retention, truncation
from broker.log.conversion import must_compress, must_prepare, plain_work_of, prepared, work_of
from broker.log.disk import Disk
from broker.log.file_names import PARTITION_METADATA, is_future, partition_of
from broker.log.loader import LoadedLog, LogLoader
from broker.log.local_log import LocalLog
from broker.log.log_config import LogConfig, ProducerConfig
from broker.log.partition_metadata import read_topic_id, write_topic_id
from broker.log.parts import LogParts
from broker.log.producer_entry import ProducerEntry
from broker.log.storage import Storage
from broker.log.timestamps import (
    Candidate,
    candidate,
    latest,
    named_offset,
    segment_starts_before,
)
from broker.log.validation import Prepared
from broker.log.values import (
    AbortedTransaction,
    AppendInfo,
    EpochEndOffset,
    Origin,
    Slice,
    TimestampOffset,
)
from broker.log.verifications import VerificationGuard
from broker.log.watermarks import Watermarks
from broker.wire.compression import MAX_DECOMPRESSED_BYTES
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.record_batch import Buffer


class ClosedLog(Exception):  # named for what it is
    """Why a log can't be used that was closed, deleted or lost with its directory."""


class PartitionLog:
    """See the module. Made by `open`. `local`, `epochs` and `producers` are for others to read.

    was_clean: no machine has stopped under it since it was closed: nothing is missing at its end.
    start_moved: the log start offset went up; a truncation is its doer's to tell.
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
        self.was_clean = loaded.was_clean
        self.local = LocalLog(directory, config, loaded, disk, clock_ms, randomness, storage)
        self.epochs = loaded.epochs
        self.producers = loaded.producers
        self._watermarks = Watermarks(
            self.topic_partition, self.local, loaded.producers, loaded.log_start_offset
        )
        self.start_moved = self._watermarks.start_moved
        self._parts = LogParts(
            self.topic_partition,
            self.local,
            loaded.epochs,
            loaded.producers,
            loaded.snapshots,
            self._watermarks,
            clock_ms,
        )
        self._disk = disk

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
        recovery_point: int | None = 0,
        cleaned_to: int | None = None,
        producer_config: ProducerConfig = ProducerConfig(),  # noqa: B008  (frozen)
        storage: Storage | None = None,
    ) -> Self:
        """Load what is in `directory` (made if missing); blocks, for long if it must recover.

        `was_clean` says whether the last user closed it properly; then nothing is recovered.
        recovery_point, cleaned_to: what the checkpoints say. None: that one couldn't be read, so
        all is recovered; or that it was never compacted.
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
            cleaned_to,
            producer_config,
            clock_ms(),
        )
        storage = storage or Storage(directory.parent)
        log = cls(directory, config, loader.load(), disk, clock_ms, randomness, storage)
        log.local.cleaned_before(cleaned_to)
        return log

    # --- appending

    def append_as_leader(
        self,
        records: Buffer | Prepared,
        leader_epoch: int,
        origin: Origin = Origin.CLIENT,
        guard: VerificationGuard | None = None,
    ) -> AppendInfo:
        """Append one batch, giving it the next offsets; `records` is stamped in place if writable.

        guard: what `begin_verification` gave for the first batch of a transaction.
        Errors of `validation` and `ProducerState.check`; KAFKA_STORAGE_ERROR.
        """
        return appending.append_as_leader(self._parts, records, leader_epoch, origin, guard)

    def begin_verification(
        self, producer_id: int, producer_epoch: int, sequence: int
    ) -> VerificationGuard | None:
        """A transactional batch of this sequence (-1: none) is to come: its guard, if it needs one.

        It's to be appended with it when the transaction's coordinator knows of this partition.
        """
        return self.producers.begin_verification(
            producer_id, producer_epoch, sequence, self._parts.clock_ms()
        )

    def refuse_verification(
        self, producer_id: int, producer_epoch: int, sequence: int, guard: VerificationGuard
    ) -> None:
        """Its coordinator says that the batch belongs to no transaction, and never will."""
        self.producers.verifications.refuse(producer_id, producer_epoch, sequence, guard)

    def must_prepare(self, records: memoryview) -> bool:
        """Whether a client's batch must be opened or compressed: better beforehand."""
        return must_prepare(records, self.config)

    def plain_work_of(self, records: memoryview) -> int | None:
        """`work_of` a batch that may be appended as it came; None for one that must be prepared."""
        return plain_work_of(records, self.config)

    def work_of(self, records: memoryview) -> int:
        """What it takes to look into a batch, as a number of records that are only counted."""
        return work_of(records, self.config)

    def must_compress(self, records: memoryview) -> bool:
        """Whether this batch is in another codec than the topic's compression.type."""
        return must_compress(records, self.config)

    def prepared(self, records: memoryview, most_bytes: int = MAX_DECOMPRESSED_BYTES) -> Prepared:
        """A client's batch as it may be appended, or why it may not; for any thread.

        most_bytes: that its records may come to.
        """
        now_ms = self._parts.clock_ms()
        return prepared(records, self.topic_partition, self.config, now_ms, most_bytes)

    def holds(self, records: Buffer | Prepared) -> bool:
        """Whether this batch of an idempotent producer is here already: it was sent again."""
        return appending.was_appended(self.producers, records)

    def append_as_follower(self, records: Buffer) -> AppendInfo | None:
        """Append batches with the leader's offsets and epochs; None if there is no whole batch.

        A batch cut short at the end is left out. UnexpectedAppendOffset if they do not continue
        the log; CORRUPT_MESSAGE.
        """
        return appending.append_as_follower(self._parts, records)

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

    def aborted_transactions(self, start_offset: int, end_offset: int) -> list[AbortedTransaction]:
        """Those with records in start_offset..end_offset, in the order of their ends."""
        return self.local.aborted_transactions(start_offset, end_offset)

    def aborted_in(self, found: Slice, end_offset: int) -> list[AbortedTransaction]:
        """Those with records in what was read up to `end_offset`; perhaps a few behind it."""
        if not found.size_bytes:
            return []
        end_offset = self.local.end_offset_of(found, end_offset)
        return self.local.aborted_transactions(found.start_offset, end_offset)

    def check_in_range(self, offset: int) -> None:
        """OFFSET_OUT_OF_RANGE outside of log_start_offset..log_end_offset."""
        self._watermarks.check_in_range(offset)

    def named_offset(self, name: int) -> TimestampOffset:
        """What ListOffsets asks, as `timestamps.named_offset` has it."""
        return named_offset(name, self.epochs, self.log_start_offset, self.log_end_offset)

    def latest(self) -> tuple[int, int]:
        """The largest timestamp, as `timestamps.latest` has it."""
        with self.local.storage:
            return latest(self.local.segments)

    def candidate(self, timestamp_ms: int, from_offset: int) -> tuple[Candidate | None, int | None]:
        """Where a record of this time may be, as `timestamps.candidate` has it."""
        with self.local.storage:
            return candidate(self.local.segments, timestamp_ms, from_offset)

    def segment_starts_before(self, timestamp_ms: int, most: int) -> list[int]:
        """What ListOffsets asked in version 0, as `timestamps.segment_starts_before` has it."""
        with self.local.storage:
            return segment_starts_before(
                self.local.segments,
                timestamp_ms,
                most,
                log_start_offset=self.log_start_offset,
                log_end_offset=self.log_end_offset,
                now_ms=self._parts.clock_ms(),
            )

    # --- who may read what

    @property
    def log_start_offset(self) -> int:
        return self._watermarks.log_start_offset

    @property
    def last_stable_offset(self) -> int:
        """Up to where read_committed consumers may read: before the first open transaction."""
        return self._watermarks.last_stable_offset

    @property
    def high_watermark(self) -> int:
        """Up to where every in-sync replica has the log; moved by the partition's owner."""
        return self._watermarks.high_watermark

    @property
    def log_end_offset(self) -> int:
        """Where the next record goes."""
        return self.local.log_end_offset

    def update_high_watermark(self, offset: int) -> int:
        """Set it, bounded by the log start and end offsets; gives what it became."""
        return self._watermarks.update_high_watermark(offset)

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

    # --- the end goes

    def truncate_to(self, offset: int) -> bool:
        """Drop every batch that holds `offset` or a later one; False if there is none."""
        return truncation.truncate_to(self._parts, offset)

    def truncate_fully_and_start_at(self, offset: int, log_start_offset: int | None = None) -> None:
        """Drop everything; the next append is at `offset`, the log start there or as given."""
        truncation.truncate_fully_and_start_at(self._parts, offset, log_start_offset)

    # --- the beginning goes

    @property
    def starts_within_a_segment(self) -> bool:
        """Whether DeleteRecords moved the start to where no segment begins: only a checkpoint
        remembers that."""
        return self.log_start_offset > self.local.segments.first.base_offset

    def increment_log_start_offset(self, offset: int) -> bool:
        """DeleteRecords, and followers of its leader; False if the start is there or beyond.

        OFFSET_OUT_OF_RANGE above the high watermark.
        """
        return retention.increment_log_start_offset(self._parts, offset)

    def delete_old_segments(self) -> int:
        """Retention by log start offset, size and time, below the high watermark; how many went.

        Not all at once, if they are many: until it is 0. Their files are renamed;
        `local.take_deletable` gives them after file.delete.delay.ms.
        """
        return retention.delete_old_segments(self._parts)

    def remove_expired_producers(self) -> None:
        """Forget the producers that were silent for producer.id.expiration.ms."""
        self.producers.remove_expired(self._parts.clock_ms())

    def late_transaction(self) -> ProducerEntry | None:
        """Whose transaction hangs, by all appearance: no coordinator leaves one open so long."""
        return self.producers.late_transaction(self._parts.clock_ms())

    # --- its topic

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

    @property
    def config(self) -> LogConfig:
        return self.local.config

    def update_config(self, config: LogConfig) -> None:
        """From now on; the index settings of existing segments stay."""
        self.local.update_config(config)

    # --- in the place of another one

    @property
    def is_future(self) -> bool:
        """Whether this is a copy, to become the partition's log (see `future_logs`)."""
        return is_future(self.directory.name)

    def succeed(self, old: "PartitionLog") -> None:
        """Take over from `old`, of which this is a copy: what its records don't tell.

        That is how far it's committed, where epochs begin that have no records yet, what is known
        of producers, up to where it's compacted, and who watches its start. KAFKA_STORAGE_ERROR.
        """
        for epoch, start_offset in old.epochs.entries():
            if self.latest_epoch is None or epoch > self.latest_epoch:
                self.assign_epoch_start_offset(epoch, start_offset)
        self.producers.succeed(old.producers)
        self.local.cleaned_to = old.local.cleaned_to
        self.update_high_watermark(old.high_watermark)
        self.start_moved = self._watermarks.start_moved = old.start_moved
        if self.log_start_offset != old.log_start_offset:
            self.start_moved.happened()

    def skip_to(self, offset: int) -> None:
        """Go on at `offset`: compaction has left nothing before it in the log that this copies."""
        self._parts.roll(offset)
        self.local.log_end_offset = offset

    def rename(self, name: str) -> None:
        """Give its directory another name; it's used meanwhile. KAFKA_STORAGE_ERROR."""
        directory = self.directory.with_name(name)
        with self.local.storage:
            self._disk.rename(self.directory, directory)
        self.directory = directory
        self.epochs.path = directory / self.epochs.path.name
        self.local.move_to(directory)

    # --- its files

    @property
    def truncations(self) -> int:
        """How often the end was cut off: one more, and what was read before may not be there."""
        return self.local.flushing.truncations

    @property
    def recovery_point(self) -> int:
        """Everything before it is on the disk."""
        return self.local.flushing.recovery_point

    def flush(self) -> None:
        """Sync everything now, blocking; `local.due_flush` is for another thread."""
        self.local.flush()

    def close(self) -> None:
        """Flush, snapshot the producers, close; then the next `open` may be told it was clean."""
        with self.local.storage:
            self.local.segments.active.become_inactive()
        self.flush()
        with self.local.storage:
            self.epochs.sync()  # a leader may have begun an epoch, and written nothing
            if self.log_end_offset:
                self._parts.keep_producers()
        self.abandon()

    def abandon(self) -> None:
        """Let go of the files without writing anything: the log is being deleted, or has failed.

        Every later use is KAFKA_STORAGE_ERROR, and doesn't concern the logs beside it.
        """
        self.local.abandon_cleaning()
        self.local.release()
        self.local.storage = Storage(self.directory, ClosedLog("the log was closed"))

    @property
    def is_failed(self) -> bool:
        """Whether its log directory is offline."""
        return self.local.storage.failure is not None

    def check_storage(self) -> None:
        """Raises `KafkaError` KAFKA_STORAGE_ERROR if its log directory is offline."""
        self.local.storage.check()
