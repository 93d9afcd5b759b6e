"""A log as files: batches appended to segments and found again, an end to cut at, a flush.

Nothing here knows of high watermarks, producers or leader epochs; that is `PartitionLog`, which
asks this one. The two are Kafka's `UnifiedLog` and `LocalLog`.

    append ──► the active segment ──roll──► more segments behind it, never written to again
                                              │ drop (retention, truncation)
                                              ▼
                                            *.deleted, unlinked after a delay

Invariant: recovery point <= log end offset. Whatever fails in the file system is
KAFKA_STORAGE_ERROR, and so is every later call (see `storage`).

Source: Kafka's `LocalLog`.
"""

import random
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import attrs
import trio

from broker.log.disk import Disk
from broker.log.flushing import Flush, Flushing
from broker.log.loader import LoadedLog
from broker.log.log_config import LONG_MAX, LogConfig
from broker.log.reading import aborted_transactions, end_offset_of, read_slice
from broker.log.segment import Segment
from broker.log.segment_files import SegmentFiles
from broker.log.storage import Storage
from broker.log.values import AbortedTransaction, Slice
from broker.waiting import Movement
from broker.wire.record_batch import RecordBatch


@attrs.define(eq=False)
class CleaningClaim:
    """That a log is being cleaned, up to `end_offset`; given up when the log changes before it."""

    end_offset: int
    scope: trio.CancelScope
    is_given_up: bool = attrs.field(default=False, init=False)

    def give_up(self) -> None:
        """What is under way must not be swapped in any more."""
        self.is_given_up = True
        self.scope.cancel()


class LocalLog:
    """The segments of one log, from the first to the active one."""

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
        self.config = config
        self.log_end_offset = loaded.log_end_offset
        self.segments = loaded.segments
        self.storage = storage
        # `awaits_upkeep` may have become true: there is no looking for it in thousands of logs.
        self.stirred = Movement()
        self.flushing = Flushing(
            disk, directory, loaded.recovery_point, clock_ms(), loaded.has_stale_checkpoint
        )
        self.cleaned_to: int | None = None  # compaction's work goes on from here
        self._has_stale_cleaned_to = False  # the checkpoint names a later one
        self.claim: CleaningClaim | None = None
        self._clock_ms = clock_ms
        self._files = SegmentFiles(disk, directory, loaded.snapshots, clock_ms, randomness)
        self.segments.active.jitter_ms = self._files.jitter_ms(config)

    # --- appending

    def append(self, batches: Sequence[RecordBatch], data: memoryview) -> None:
        """Write `data`, which is what `batches` describe, their offsets and epochs in place."""
        with self.storage:
            segment = self.segments.active
            segment.hold_open()
            segment.append(batches, data)
        self.log_end_offset = batches[-1].end_offset
        if self.config.flush_ms != LONG_MAX:
            self.stirred.happened()

    def note_aborted(self, aborted: AbortedTransaction) -> None:
        """Index the transaction whose marker was just appended."""
        with self.storage:
            self.segments.active.transaction_index.append(aborted)

    def must_roll(self, size_bytes: int, max_timestamp_ms: int, last_offset: int) -> bool:
        """Whether an append of this size, time and last offset needs a new segment."""
        with self.storage:
            return self.segments.active.should_roll(
                self.config, size_bytes, max_timestamp_ms, last_offset, self._clock_ms()
            )

    def roll(self, base_offset: int) -> None:
        """Begin a new segment at `base_offset`."""
        with self.storage:
            if self.flushing.must_precede_roll:
                self.flush()
            self.segments.active.become_inactive()
            self.segments.add(self._files.create(base_offset, self.config))
        self.stirred.happened()

    # --- reading

    def read(self, start_offset: int, max_bytes: int, end_offset: int, *, min_one: bool) -> Slice:
        """As `reading.read_slice`."""
        with self.storage:
            return read_slice(
                self.segments,
                start_offset,
                max_bytes,
                end_offset,
                self.log_end_offset,
                min_one=min_one,
            )

    def aborted_transactions(self, start_offset: int, end_offset: int) -> list[AbortedTransaction]:
        """Those with records in start_offset..end_offset."""
        with self.storage:
            return aborted_transactions(self.segments, start_offset, end_offset)

    def end_offset_of(self, found: Slice, end_offset: int) -> int:
        """As `reading.end_offset_of`."""
        with self.storage:
            return end_offset_of(self.segments, found, end_offset)

    # --- letting go

    def truncate_to(self, offset: int) -> None:
        """Drop every batch that holds `offset` or a later one; it may lie in any segment.

        In the middle of a batch all of it goes (Kafka leaves a gap there): see `log_end_offset`.
        """
        if self.claim is not None and offset < self.claim.end_offset:
            self.abandon_cleaning()
        with self.storage:
            dropped = [segment for segment in self.segments if segment.base_offset > offset]
            self.drop(dropped)
            self.flushing.dropped(dropped, offset)
            self.log_end_offset = self.segments.active.truncate_to(offset, self._clock_ms())
        self.flushing.truncated_to(self.log_end_offset)
        self._dirty_from(self.segments.active.base_offset)

    def truncate_fully_and_start_at(self, offset: int) -> None:
        """Drop everything; the next append is at `offset`."""
        self.abandon_cleaning()
        with self.storage:
            dropped = list(self.segments)
            self.drop(dropped)
            self.flushing.dropped(dropped, offset)
            self.segments.add(self._files.create(offset, self.config))
        self.log_end_offset = offset
        self.flushing.truncated_to(offset)
        self._dirty_from(offset)

    def drop(self, segments: Sequence[Segment]) -> None:
        """Out of the log at once, out of the directory later. Every truncation comes by here."""
        with self.storage:
            for segment in segments:
                self.segments.remove(segment)
            self._files.delete(segments, self.config)
        self.stirred.happened()

    # --- compaction

    def replace(self, base_offsets: Collection[int], size_bytes: int) -> None:
        """Put the `.cleaned` files in the place of the segments that begin at these offsets.

        size_bytes: of the new one.
        """
        with self.storage:
            replaced = set(base_offsets)
            old = [each for each in self.segments if each.base_offset in replaced]
            self.segments.replace(old, self._files.swap_in(old, size_bytes, self.config))
        self.stirred.happened()

    def abandon_cleaning(self) -> None:
        """What is being cleaned changes, or goes: a round that is under way counts for nothing."""
        if self.claim is not None:
            self.claim.give_up()

    def cleaned_before(self, cleaned_to: int | None) -> None:
        """What the checkpoint says. Less is true if the log doesn't reach so far any more."""
        self.cleaned_to = cleaned_to
        if cleaned_to is not None and cleaned_to > self.log_end_offset:
            self._dirty_from(self.segments.active.base_offset)

    def cleaned_checkpointed(self, cleaned_to: int | None) -> None:
        """The checkpoint names `cleaned_to` now."""
        if cleaned_to == self.cleaned_to:
            self._has_stale_cleaned_to = False

    def _dirty_from(self, offset: int) -> None:
        if self.cleaned_to is not None and offset < self.cleaned_to:
            self.cleaned_to = offset
            self._has_stale_cleaned_to = True

    @property
    def has_stale_checkpoint(self) -> bool:
        """Whether one says of the log what isn't true any more: it was cut back."""
        return self.flushing.has_stale_checkpoint or self._has_stale_cleaned_to

    @property
    def awaits_upkeep(self) -> bool:
        """Whether something may be due for it: a sync, its checkpoint, files to unlink."""
        return (
            self._files.has_renamed
            or self.has_stale_checkpoint
            or self.flushing.may_be_due(self.config, self.segments, self.log_end_offset)
        )

    def take_deletable(self) -> list[Path]:
        """Renamed files whose delay is over: the caller unlinks them, in a thread."""
        return self._files.take_due()

    def delete_later(self, path: Path) -> None:
        """It was taken, and isn't deleted."""
        self._files.delete_later(path)
        self.stirred.happened()

    # --- flushing

    def due_flush(self) -> Flush | None:
        """What must be synced now: in a thread, and then `finish_flush`; None if nothing."""
        with self.storage:
            return self.flushing.due(
                self.config, self.segments, self.log_end_offset, self._clock_ms()
            )

    def finish_flush(self, flush: Flush) -> None:
        """`flush` was run."""
        self.flushing.finish(flush, self._clock_ms())

    def flush(self) -> None:
        """Sync everything now, blocking."""
        while self.flushing.has_work(self.log_end_offset):
            with self.storage:
                flush = self.flushing.begin(self.segments, self.log_end_offset)
                flush.run()
            self.finish_flush(flush)

    # --- life

    def update_config(self, config: LogConfig) -> None:
        """From now on; the index settings of existing segments stay."""
        self.config = config
        self.stirred.happened()

    def move_to(self, directory: Path) -> None:
        """Their directory has been renamed."""
        self.flushing.directory = directory
        self._files.move_to(directory)
        for segment in self.segments:
            segment.move_to(directory)

    def release(self) -> None:
        """Let go of the files without writing anything."""
        for segment in self.segments:
            segment.release()
