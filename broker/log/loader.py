"""From a directory's files to a log: what was left over is tidied, what may be torn is recovered.

    1. leftovers    *.deleted, *.tmp and half-done *.cleaned go; *.swap (compaction finished, not
                    yet renamed) replace the segments they were made from; an index without a log
                    file goes
    2. segments     each `.log` with its indexes; those without sound indexes are recovered
    3. recovery     unless the last end was clean: every segment from the recovery point on is read,
                    cut at the first bad batch, what follows is dropped, indexes, leader epochs and
                    the producers' state are rebuilt
    4. offsets      the log end offset; epochs cut to the log's bounds
    5. producers    from the newest snapshot and the batches after it

Before the recovery point everything was synced, so it is believed. Each step can be repeated: a
crash in the middle of recovery leaves a directory that is recovered again (KAFKA-10471).

Source: Kafka's `LogLoader`.
"""

import logging
import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import attrs

from broker.log.checkpoints import MalformedCheckpoint
from broker.log.disk import Disk
from broker.log.file_names import (
    CLEANED,
    DELETED,
    LEADER_EPOCH_CHECKPOINT,
    LOG,
    SWAP,
    TEMPORARY,
    offset_of,
)
from broker.log.leader_epochs import LeaderEpochs
from broker.log.log_config import LogConfig, ProducerConfig
from broker.log.producer_recovery import rebuild_producers
from broker.log.producer_snapshots import ProducerSnapshots
from broker.log.producer_state import ProducerState
from broker.log.segment import SUFFIXES, Segment
from broker.log.segments import Segments
from broker.wire.record_batch import RecordBatch

_log = logging.getLogger(__name__)


@attrs.define
class LoadedLog:
    """The parts of a log, agreeing with each other."""

    segments: Segments
    epochs: LeaderEpochs
    producers: ProducerState
    snapshots: ProducerSnapshots
    log_start_offset: int
    log_end_offset: int
    recovery_point: int
    has_stale_checkpoint: bool  # the checkpoint names a later recovery point
    was_clean: bool  # nothing can be missing at its end


@attrs.define
class LogLoader:
    """Loads one partition's directory; blocking, for a thread."""

    disk: Disk
    directory: Path
    config: LogConfig
    was_clean: bool
    log_start_offset: int
    checkpointed: int  # the recovery point, as the checkpoint has it
    producer_config: ProducerConfig
    now_ms: int
    recovery_point: int = attrs.field(init=False)  # from where nothing is believed

    def __attrs_post_init__(self) -> None:
        self.recovery_point = self.checkpointed

    def load(self) -> LoadedLog:
        names = self._tidy()
        epochs = self._load_epochs()
        snapshots = ProducerSnapshots(self.disk, self.directory, names)
        producers = ProducerState(self.producer_config)
        segments = self._load_segments(names)
        first_to_recover = self._first_to_recover(segments)
        if first_to_recover is not None:
            self._recover(segments, first_to_recover, epochs, producers, snapshots)
        log_end_offset = segments.active.next_offset() if len(segments) else self.log_start_offset
        if log_end_offset < self.log_start_offset:
            _log.warning("%s ends before its start offset, emptied", self.directory)
            self._drop(segments, list(segments), snapshots)
            epochs.clear()
            log_end_offset = self.log_start_offset
        if not len(segments):
            segments.add(self._new_segment(log_end_offset))
        log_start_offset = max(self.log_start_offset, segments.first.base_offset)
        epochs.truncate_from_end(log_end_offset)
        epochs.truncate_from_start(log_start_offset)
        snapshots.delete_stray(segments.base_offsets)
        self._load_producers(segments, producers, snapshots, log_start_offset, log_end_offset)
        recovery_point = log_end_offset
        if first_to_recover is not None or not self.was_clean:
            # Of the active segment the new indexes are not on the disk, so none of it is.
            recovery_point = min(self.recovery_point, segments.active.base_offset)
        return LoadedLog(
            segments,
            epochs,
            producers,
            snapshots,
            log_start_offset,
            log_end_offset,
            recovery_point,
            has_stale_checkpoint=recovery_point < self.checkpointed,
            was_clean=self.was_clean,
        )

    # --- leftovers

    def _tidy(self) -> list[str]:
        """Finish or undo what a crash interrupted; gives the names of the files that stay."""
        names = [entry.name for entry in os.scandir(self.directory) if entry.is_file()]
        cleaned = [name for name in names if name.endswith(CLEANED)]
        swaps = [name for name in names if name.endswith(SWAP)]
        if not cleaned and not swaps and not any(n.endswith((DELETED, TEMPORARY)) for n in names):
            return names
        # A swap at or beyond a half-done .cleaned belongs to the same interrupted operation.
        first_cleaned = min((offset_of(name) or 0 for name in cleaned), default=None)
        kept_swaps = [
            name
            for name in swaps
            if first_cleaned is None or (offset_of(name) or 0) < first_cleaned
        ]
        self._swap_in(names, kept_swaps)
        for name in names:
            if name.endswith((DELETED, CLEANED, SWAP, TEMPORARY)):
                self.disk.unlink(self.directory / name)
        return [entry.name for entry in os.scandir(self.directory) if entry.is_file()]

    def _swap_in(self, names: Iterable[str], swaps: list[str]) -> None:
        """Put compacted segments in the place of the ones they were made from."""
        new = [name for name in swaps if name.removesuffix(SWAP).endswith(LOG)]
        if new:
            start = min(offset_of(name) or 0 for name in new)
            end = max(self._next_offset_of(name) for name in new)
            for name in names:
                offset = offset_of(name)
                if name.endswith(SUFFIXES) and offset is not None and start <= offset < end:
                    self.disk.unlink(self.directory / name)
        for name in swaps:
            self.disk.rename(self.directory / name, self.directory / name.removesuffix(SWAP))

    def _next_offset_of(self, swap_name: str) -> int:
        segment = Segment(
            self.disk, self.directory, offset_of(swap_name) or 0, self.config, created_ms=0
        )
        segment.path += SWAP
        segment.offset_index.path += SWAP
        segment.size_bytes = Path(segment.path).stat().st_size
        return segment.next_offset()

    # --- segments

    def _load_segments(self, names: list[str]) -> Segments:
        present = set(names)
        segments = Segments()
        for name in sorted(names):
            offset = offset_of(name)
            if offset is None:
                continue
            stem = name.partition(".")[0]
            if name.endswith(LOG):
                segments.add(self._existing_segment(offset))
            elif name.endswith(SUFFIXES) and stem + LOG not in present:
                _log.warning("%s/%s has no log file, removed", self.directory, name)
                self.disk.unlink(self.directory / name)
        return segments

    def _existing_segment(self, base_offset: int) -> Segment:
        segment = Segment(
            self.disk, self.directory, base_offset, self.config, created_ms=self.now_ms
        )
        segment.size_bytes = Path(segment.path).stat().st_size
        return segment

    def _new_segment(self, base_offset: int) -> Segment:
        return Segment.create(
            self.disk, self.directory, base_offset, self.config, created_ms=self.now_ms
        )

    # --- recovery

    def _first_to_recover(self, segments: Segments) -> Segment | None:
        """The first segment that cannot be believed; from it on all are read."""
        unsound = next((segment for segment in segments if not segment.is_sound()), None)
        if unsound is not None and self.was_clean:
            _log.warning("%s: indexes do not fit, recovering", unsound.path)
        if self.was_clean or not len(segments):
            return unsound
        unflushed = next(segments.from_floor(self.recovery_point))
        if unsound is not None and unsound.base_offset < unflushed.base_offset:
            return unsound
        return unflushed

    def _recover(
        self,
        segments: Segments,
        first: Segment,
        epochs: LeaderEpochs,
        producers: ProducerState,
        snapshots: ProducerSnapshots,
    ) -> None:
        """Read everything from `first` on; cut at the first bad batch and drop what follows it."""
        self._load_producers(
            segments, producers, snapshots, self.log_start_offset, first.base_offset
        )
        # The batches are what counts: the file may tell of a truncation that came undone.
        epochs.truncate_from_end(first.base_offset)

        def seen(segment: Segment, batch: RecordBatch) -> None:
            if batch.leader_epoch >= 0:
                epochs.assign(batch.leader_epoch, batch.base_offset)
            aborted = producers.update(batch)
            if aborted is not None:
                segment.transaction_index.append(aborted)

        for segment in segments:
            if segments.after(segment) is first:
                segment.complete_time_index()
        remaining = list(segments.from_floor(first.base_offset))
        while remaining:
            segment = remaining.pop(0)
            cut_bytes = segment.recover(partial(seen, segment))
            if segment.size_bytes:
                snapshots.write(producers.end_offset, producers.entries(), sync=False)
            if remaining and remaining[0].base_offset <= self.checkpointed:
                # The next recovery will believe it, so its new indexes must be on the disk.
                for file in segment.files_to_sync():
                    self.disk.sync(file)
            segment.release()
            if cut_bytes:
                _log.warning("%s: cut %d bytes that are no batch", segment.path, cut_bytes)
            if remaining and (cut_bytes or self._is_hole(producers.end_offset, remaining[0])):
                self._drop(segments, remaining, snapshots)
                return

    def _is_hole(self, end_offset: int, following: Segment) -> bool:
        """Whether a segment lost its last batches whole, which its own bytes do not show.

        Only compaction leaves such a gap on purpose. (Kafka does not look, and keeps the gap.)
        """
        return following.base_offset != end_offset and not self.config.is_compacted

    def _drop(
        self, segments: Segments, dropped: list[Segment], snapshots: ProducerSnapshots
    ) -> None:
        for segment in dropped:
            _log.warning("%s: dropped, it lies after the end of the log", segment.path)
            segments.remove(segment)
            for path in segment.paths():
                self.disk.unlink(path)
            if segment.base_offset in snapshots.offsets:
                snapshots.delete(segment.base_offset)

    def _load_epochs(self) -> LeaderEpochs:
        path = self.directory / LEADER_EPOCH_CHECKPOINT
        if self.was_clean and path.exists() and not path.stat().st_size:
            # Kafka makes the file with the log, and writes it with the first epoch.
            self.disk.unlink(path)
        try:
            return LeaderEpochs(self.disk, path)
        except MalformedCheckpoint as error:
            if self.was_clean:
                raise
            # Torn by a power failure, as it is not synced by itself: read them from the batches.
            _log.warning("%s, rebuilding it from the log", error)
            self.recovery_point = 0
            self.disk.unlink(path)
            return LeaderEpochs(self.disk, path)

    # --- producers

    def _load_producers(
        self,
        segments: Segments,
        producers: ProducerState,
        snapshots: ProducerSnapshots,
        log_start_offset: int,
        end_offset: int,
    ) -> None:
        """Bring `producers` to `end_offset`, unless recovery has just done so."""
        if producers.end_offset != end_offset or end_offset == 0:
            snapshots.delete_outside(log_start_offset, end_offset)
            rebuild_producers(
                segments, producers, snapshots, log_start_offset, end_offset, self.now_ms
            )
