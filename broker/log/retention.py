"""Which segments a log may let go of, and the files of those it has let go of.

Whole segments go, oldest first, and only below the high watermark, so that the log start offset
never passes it. A segment is deletable when it lies before the log start offset (DeleteRecords),
or, with cleanup.policy=delete, when the log without it still has retention.bytes, or when its
latest record is older than retention.ms.

Its files are renamed to `*.deleted` at once and unlinked after file.delete.delay.ms: a read that
found the segment may still be sending from it, and unlinking a gigabyte takes time.

Source: Kafka's `UnifiedLog.deleteOldSegments`, `LocalLog.deleteSegmentFiles`.
"""

from pathlib import Path

import attrs

from broker.log.disk import Disk
from broker.log.file_names import DELETED
from broker.log.log_config import LogConfig
from broker.log.segment import Segment
from broker.log.segments import Segments


def deletable_segments(
    segments: Segments,
    config: LogConfig,
    *,
    log_start_offset: int,
    log_end_offset: int,
    high_watermark: int,
    now_ms: int,
) -> list[Segment]:
    """The longest run of oldest segments of which each is past one of the limits.

    It may be all of them; then the caller must begin a new one first.
    """
    by_size = config.deletes_by_retention and config.retention_bytes >= 0
    by_time = config.deletes_by_retention and config.retention_ms >= 0
    excess_bytes = segments.size_bytes - config.retention_bytes
    deletable = []
    for segment in segments:
        following = segments.after(segment)
        end_offset = log_end_offset if following is None else following.base_offset
        if end_offset > high_watermark or (following is None and segment.size_bytes == 0):
            break
        before_start = following is not None and end_offset <= log_start_offset
        too_much = by_size and excess_bytes >= segment.size_bytes
        too_old = by_time and now_ms - segment.largest_timestamp_ms() > config.retention_ms
        if not (before_start or too_much or too_old):
            break
        excess_bytes -= segment.size_bytes
        deletable.append(segment)
    return deletable


@attrs.define
class DeletedFiles:
    """Files renamed to `*.deleted`, each until its time has come."""

    disk: Disk
    _waiting: list[tuple[int, Path]] = attrs.field(factory=list)

    def add(self, segment: Segment, due_ms: int) -> None:
        """Rename a segment's files; whoever reads from it goes on."""
        segment.release()
        for path in segment.paths():
            if path.exists():
                renamed = path.with_name(path.name + DELETED)
                self.disk.rename(path, renamed)
                self._waiting.append((due_ms, renamed))

    def take(self, now_ms: int) -> list[Path]:
        """Those whose time has come: the caller unlinks them."""
        due = [path for due_ms, path in self._waiting if due_ms <= now_ms]
        self._waiting = [entry for entry in self._waiting if entry[0] > now_ms]
        return due
