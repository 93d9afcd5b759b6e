"""How much of a log is on the disk, and what must be synced so that more of it is.

    recovery point <= log end offset: what lies before it survives a power failure

Appending leaves records in the page cache; a flush syncs the files that hold them and moves the
recovery point. A sync blocks, so it is a value: begun and finished in the event loop, done in a
thread, and meanwhile the log goes on.

    due / begin ──► Flush ──► run (in a thread) ──► finish: the recovery point moves,
                                                    unless the log was cut back meanwhile

A truncation goes the other way. What is written again from its offset on is not on the disk,
whatever the checkpoint of recovery points says; until that is rewritten a power failure makes
recovery begin too late, and until the truncation is synced it may come undone. Neither does harm
in the active segment, which recovery always reads whole. So the log flushes before it rolls, if
that hasn't been done by then, for a truncation is due at once; and the segments behind the one that
is active now are gone for good before that is cut, if they were synced. (Kafka leaves it to the
disk.) Both block the event loop, but few logs roll within a second, or are cut back so far.

Source: Kafka's `UnifiedLog.flush`, `LocalLog.markFlushed`.
"""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import attrs

from broker.log.disk import Disk
from broker.log.file_names import LEADER_EPOCH_CHECKPOINT
from broker.log.log_config import LONG_MAX, LogConfig
from broker.log.segment import Segment
from broker.log.segments import Segments
from broker.wire.regions import OpenFile

# Segments, of each up to four descriptors: after a start without a recovery point all of them wait.
_MOST_AT_ONCE = 64


@attrs.frozen
class Flush:
    """The files to sync so that a log is on the disk up to `end_offset`."""

    disk: Disk
    directory: Path
    files: tuple[OpenFile, ...]
    end_offset: int
    includes_active: bool
    truncations: int  # how many the log had seen: one more, and this sync means nothing

    def run(self) -> None:
        """Sync the files, then the directory that names them; blocks."""
        for file in self.files:
            self.disk.sync(file)
        self.disk.sync_directory(self.directory)


@attrs.define
class Flushing:
    """The recovery point of the log in `directory`, and what moves it."""

    disk: Disk
    directory: Path
    recovery_point: int
    last_flush_ms: int
    has_stale_checkpoint: bool  # the checkpoint names a later recovery point
    truncations: int = attrs.field(default=0, init=False)
    _has_unsynced_truncation: bool = attrs.field(default=False, init=False)

    def dropped(self, segments: Sequence[Segment], offset: int) -> None:
        """They are renamed, as the log is to end at `offset`; it's not been cut yet."""
        if segments and (offset < self.recovery_point or self.has_stale_checkpoint):
            self.disk.sync_directory(self.directory)

    def truncated_to(self, offset: int) -> None:
        """The log ends at `offset` now."""
        self.truncations += 1
        self._has_unsynced_truncation = True
        if offset < self.recovery_point:
            self.recovery_point = offset
            self.has_stale_checkpoint = True

    def started_at(self, offset: int) -> None:
        """The log begins at `offset` now: nothing before it needs recovering."""
        self.recovery_point = max(self.recovery_point, offset)

    def checkpointed(self, recovery_point: int) -> None:
        """The checkpoint names `recovery_point` now."""
        if recovery_point <= self.recovery_point:
            self.has_stale_checkpoint = False

    @property
    def must_precede_roll(self) -> bool:
        """Whether a truncation must reach the disk before another segment is made."""
        return self.has_stale_checkpoint or self._has_unsynced_truncation

    def has_work(self, log_end_offset: int) -> bool:
        return self.recovery_point < log_end_offset or self._has_unsynced_truncation

    def may_be_due(self, config: LogConfig, segments: Segments, log_end_offset: int) -> bool:
        """Whether `due` may give something now or later."""
        return (
            self._has_unsynced_truncation
            or self.recovery_point < segments.active.base_offset
            or (config.flush_ms != LONG_MAX and self.recovery_point < log_end_offset)
        )

    def due(
        self, config: LogConfig, segments: Segments, log_end_offset: int, now_ms: int
    ) -> Flush | None:
        """What flush.ms asks for, a truncation, or a rolled segment that waits for its sync."""
        if self._has_unsynced_truncation or (
            config.flush_ms != LONG_MAX
            and self.recovery_point < log_end_offset
            and now_ms - self.last_flush_ms >= config.flush_ms
        ):
            return self.begin(segments, log_end_offset)
        if self.recovery_point < segments.active.base_offset:
            return self.begin(segments, segments.active.base_offset, include_active=False)
        return None

    def begin(self, segments: Segments, end_offset: int, *, include_active: bool = True) -> Flush:
        """What to sync so that everything before `end_offset` is on the disk, or a part of it.

        Another one follows until `has_work` says no.
        """
        # From the last synced record's segment on: it got an index entry when it rolled.
        waiting = [
            segment
            for segment in islice(segments.from_floor(self.recovery_point - 1), _MOST_AT_ONCE + 1)
            if include_active or segment.base_offset < end_offset
        ]
        if len(waiting) > _MOST_AT_ONCE:
            end_offset = waiting.pop().base_offset
        files = [file for segment in waiting for file in segment.files_to_sync()]
        epochs = self.directory / LEADER_EPOCH_CHECKPOINT
        if epochs.exists():
            files.append(self.disk.open(epochs))
        includes_active = segments.active in waiting
        return Flush(
            self.disk, self.directory, tuple(files), end_offset, includes_active, self.truncations
        )

    def finish(self, flush: Flush, now_ms: int) -> None:
        """`flush` was run: move the recovery point, unless the log was cut back meanwhile."""
        if flush.truncations == self.truncations:
            self.recovery_point = max(self.recovery_point, flush.end_offset)
            self.last_flush_ms = now_ms
            if flush.includes_active:
                self._has_unsynced_truncation = False
