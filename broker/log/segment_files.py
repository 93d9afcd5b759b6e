"""The files of a log's segments: how they are made, and how they go.

They are renamed to `*.deleted` at once and unlinked after file.delete.delay.ms: a read that found
the segment may still be sending from it, and unlinking a gigabyte takes time, so it is done by
another thread. (For the same reason no two go by one name: a rename over another file unlinks it.)
A segment's producer snapshot goes with it: even a small file is renamed in a tenth of the time.

Compaction makes files of its own, and they are swapped in.

Source: Kafka's `LocalLog.deleteSegmentFiles`, `replaceSegments`, `LogSegment.open`.
"""

import errno
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import attrs

from broker.log.disk import Disk
from broker.log.file_names import CLEANED, DELETED, SWAP
from broker.log.log_config import LogConfig
from broker.log.producer_snapshots import ProducerSnapshots
from broker.log.segment import Segment


@attrs.define
class SegmentFiles:
    """Makes and deletes the segments of the log in `directory`."""

    disk: Disk
    directory: Path
    snapshots: ProducerSnapshots
    clock_ms: Callable[[], int]
    randomness: random.Random
    _renamed: list[tuple[int, Path]] = attrs.field(factory=list, init=False)  # (when due, path)

    def create(self, base_offset: int, config: LogConfig) -> Segment:
        """A new, empty segment."""
        return Segment.create(
            self.disk,
            self.directory,
            base_offset,
            config,
            created_ms=self.clock_ms(),
            jitter_ms=self.jitter_ms(config),
        )

    def jitter_ms(self, config: LogConfig) -> int:
        """By how much earlier than segment.ms a segment rolls, so that not all do at once."""
        jitter_ms = min(config.segment_jitter_ms, config.segment_ms)
        return self.randomness.randrange(jitter_ms) if jitter_ms > 0 else 0

    def delete(self, segments: Sequence[Segment], config: LogConfig) -> None:
        """Rename their files; whoever reads from them goes on. `take_due` gives them later."""
        for segment in segments:
            self._rename_to_deleted(segment, config)
        for path in self.snapshots.forget({segment.base_offset for segment in segments}):
            self._to_deleted(path, config)

    def swap_in(self, old: Sequence[Segment], size_bytes: int, config: LogConfig) -> Segment:
        """Put the `.cleaned` files in the place of the neighbours that they were made from.

        .cleaned -> .swap     the last of these renames decides: before it the loader takes the
                              old segments, from then on the new one
        old -> .deleted
        .swap -> in place     the .log first: what is then called .swap belongs to it

        size_bytes: of what stays. An OSError, and nothing old was touched, if it isn't there whole.
        """
        new = Segment(
            self.disk, self.directory, old[0].base_offset, config, created_ms=self.clock_ms()
        )
        *required, transaction_index = new.paths()
        _check_are_there(required, size_bytes)
        has_aborted = _with_suffix(transaction_index, CLEANED).exists()
        made = [*required, transaction_index] if has_aborted else required
        for path in made:
            self.disk.rename(_with_suffix(path, CLEANED), _with_suffix(path, SWAP))
        self._rename_to_deleted(old[0], config)
        self.delete(old[1:], config)
        for path in made:
            self.disk.rename(_with_suffix(path, SWAP), path)
        new.size_bytes = size_bytes
        return new

    def _rename_to_deleted(self, segment: Segment, config: LogConfig) -> None:
        segment.release()
        for path in segment.paths():
            if path.exists():
                self._to_deleted(path, config)

    def _to_deleted(self, path: Path, config: LogConfig) -> None:
        renamed = _unused_name(path)
        self.disk.rename(path, renamed)
        self._renamed.append((self.clock_ms() + config.file_delete_delay_ms, renamed))

    def move_to(self, directory: Path) -> None:
        """The log's directory has been renamed."""
        self.directory = directory
        self.snapshots.directory = directory
        self._renamed = [(due_ms, directory / path.name) for due_ms, path in self._renamed]

    @property
    def has_renamed(self) -> bool:
        return bool(self._renamed)

    def delete_later(self, path: Path) -> None:
        """It was taken, and isn't deleted."""
        self._renamed.append((self.clock_ms(), path))

    def take_due(self) -> list[Path]:
        """The renamed files whose delay is over: the caller unlinks them."""
        now_ms = self.clock_ms()
        due = [path for due_ms, path in self._renamed if due_ms <= now_ms]
        self._renamed = [entry for entry in self._renamed if entry[0] > now_ms]
        return due


def _check_are_there(paths: Sequence[Path], size_bytes: int) -> None:
    """The `.cleaned` files of a log file, which has so many bytes, and of its indexes; OSError."""
    found_bytes = [_with_suffix(path, CLEANED).stat().st_size for path in paths]
    if found_bytes[0] != size_bytes:
        why = f"it has {found_bytes[0]} bytes and not {size_bytes}"
        raise OSError(errno.EIO, why, str(_with_suffix(paths[0], CLEANED)))


def _with_suffix(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _unused_name(path: Path) -> Path:
    """Ends with `.deleted`, and is no other file's: the same segment may go twice in the delay."""
    renamed, number = _with_suffix(path, DELETED), 0
    while renamed.exists():
        number += 1
        renamed = _with_suffix(path, f".{number}{DELETED}")
    return renamed
