"""From a directory's files to a log: what was left over is tidied, what may be torn is recovered.

    1. leftovers    what was half-done is finished or undone (`leftovers`); an index without a log
                    file goes
    2. segments     each `.log` with its indexes; believed if it was synced, and the indexes could
                    be its own: those of others are rebuilt (`recovery`)
    3. recovery     unless the last end was clean: from the recovery point on everything is read,
                    and cut at the first bad batch; leader epochs are corrected
    4. offsets      the log end offset; epochs cut to the log's bounds
    5. producers    from the newest snapshot and the batches after it

Each step can be repeated: a crash in the middle leaves a directory that is loaded again.

Source: Kafka's `LogLoader`.
"""

import logging
from functools import partial
from pathlib import Path

import attrs

from broker.log.checkpoints import MalformedCheckpoint
from broker.log.disk import Disk
from broker.log.file_names import LEADER_EPOCH_CHECKPOINT, LOG, offset_of
from broker.log.leader_epochs import LeaderEpochs
from broker.log.leftovers import tidy
from broker.log.log_config import LogConfig, ProducerConfig
from broker.log.producer_recovery import rebuild_producers
from broker.log.producer_snapshots import ProducerSnapshots
from broker.log.producer_state import ProducerState
from broker.log.recovery import Recovery
from broker.log.segment import SUFFIXES, Segment
from broker.log.segment_recovery import is_sound
from broker.log.segments import Segments

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
    recovery_point: int | None  # of the checkpoint; None: it could not be read
    cleaned_to: int | None  # of the cleaner's checkpoint
    producer_config: ProducerConfig
    now_ms: int
    _has_torn_epochs: bool = attrs.field(default=False, init=False)

    def load(self) -> LoadedLog:
        names = tidy(self.disk, self.directory, self.config)
        epochs = self._load_epochs()
        snapshots = ProducerSnapshots(self.disk, self.directory, names)
        producers = ProducerState(self.producer_config)
        segments = self._load_segments(names)
        recovery = Recovery(
            self.disk,
            segments,
            epochs,
            producers,
            snapshots,
            partial(self._load_producers, segments, producers, snapshots, self.log_start_offset),
        )
        if len(segments):
            self._make_sure(segments, epochs, recovery)
        log_end_offset = segments.active.next_offset() if len(segments) else self.log_start_offset
        if log_end_offset < self.log_start_offset:
            _log.warning("%s ends before its start offset, emptied", self.directory)
            recovery.drop(list(segments))
            epochs.clear()
            log_end_offset = self.log_start_offset
        if not len(segments):
            segments.add(self._new_segment(log_end_offset))
        log_start_offset = max(self.log_start_offset, segments.first.base_offset)
        epochs.truncate_from_end(log_end_offset)
        epochs.truncate_from_start(log_start_offset)
        snapshots.delete_stray(segments.base_offsets)
        snapshots.delete_outside(log_start_offset, log_end_offset)
        self._load_producers(segments, producers, snapshots, log_start_offset, log_end_offset)
        checkpointed = self.recovery_point or 0
        recovery_point = log_end_offset
        if not self.was_clean:
            # Of the active segment the new indexes are not on the disk, so none of it is.
            recovery_point = min(checkpointed, segments.active.base_offset)
        return LoadedLog(
            segments,
            epochs,
            producers,
            snapshots,
            log_start_offset,
            log_end_offset,
            recovery_point,
            has_stale_checkpoint=recovery_point < checkpointed,
            was_clean=self.was_clean,
        )

    # --- what is believed

    def _make_sure(self, segments: Segments, epochs: LeaderEpochs, recovery: Recovery) -> None:
        checkpointed = self.recovery_point or 0
        unflushed = [] if self.was_clean else list(segments.from_floor(checkpointed))
        believed = [segment for segment in segments if segment not in unflushed]
        for segment in believed:
            if not is_sound(segment):
                recovery.rebuild_indexes(segment)
        if self._has_torn_epochs:
            for segment in believed:
                for _, batch in segment.headers(segment.base_offset):
                    if batch.leader_epoch >= 0:
                        epochs.assign(batch.leader_epoch, batch.base_offset)
        if unflushed:
            recovery.recover(unflushed, checkpointed, self._is_tear)

    def _is_tear(self, end_offset: int) -> bool:
        """Whether a segment ends at `end_offset` because a power failure took the rest of it."""
        if self.recovery_point is None or self.config.is_compacted:
            return False  # it may have been compacted
        return end_offset >= max(self.recovery_point, self.cleaned_to or 0)

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
            self._has_torn_epochs = True
            self.disk.unlink(path)
            return LeaderEpochs(self.disk, path)

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
            rebuild_producers(
                segments, producers, snapshots, log_start_offset, end_offset, self.now_ms
            )
