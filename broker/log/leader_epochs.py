"""Which leader epoch began at which offset: the log's memory of its leaders.

Two logs of a partition agree up to the point where their epochs part (KIP-101). Each leader notes
its epoch and the log end offset it began at; a follower copies both from the batches it appends.
To find where it must truncate, it tells the leader its last epoch and hears where that ends:

    epochs of the leader        epochs of a follower        end_offset_for(3) on the leader
    2 @ 0    3 @ 100            2 @ 0    3 @ 100            = (3, 120): truncate to 120
             5 @ 120

Invariant: epochs and start offsets both ascend; a new entry that contradicts older ones removes
them. The file is rewritten at each change but synced only by the log's flush, and when the log is
closed: what a power failure takes is found again in the batches beyond the recovery point.

The batches tell less than the file, once compaction has taken the first ones of an epoch; and the
file less than they, if a truncation that it knows of came undone. `correct` brings them together:

    file       0 @ 0    5 @ 1000    7 @ 1800                                  7 contradicts
    batches    0: 0..990            5: 1500..1900    8: 2000..                the batches of 5
    becomes    0 @ 0    5 @ 1000                     8 @ 2000

Source: Kafka's `LeaderEpochFileCache`, KIP-101, KIP-279.
"""

from bisect import bisect_right
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path

import attrs

from broker.log.checkpoints import MalformedCheckpoint, encode_entries, read_entries
from broker.log.disk import Disk, replace_file
from broker.log.values import UNDEFINED_EPOCH, EpochEndOffset


@attrs.define
class EpochRun:
    """Neighbouring batches of one epoch."""

    epoch: int
    first_offset: int
    last_offset: int

    def allows(self, epoch: int, start_offset: int) -> bool:
        """Whether `epoch` can begin at `start_offset`, with these batches in the log."""
        if self.epoch < epoch:
            return self.last_offset < start_offset
        return self.first_offset >= start_offset


class LeaderEpochs:
    """The epochs of one log, and their checkpoint file."""

    def __init__(self, disk: Disk, path: Path) -> None:
        """Read the file if there is one; MalformedCheckpoint if it makes no sense."""
        self._disk = disk
        self.path = path
        self._epochs: list[int] = []
        self._start_offsets: list[int] = []
        self._has_unsynced_change = False
        for line in read_entries(path):
            try:
                epoch, start_offset = map(int, line.split(" "))
            except ValueError as error:
                raise MalformedCheckpoint(f"{path}: malformed line {line!r}") from error
            self._put(epoch, start_offset)

    def entries(self) -> list[tuple[int, int]]:
        """(epoch, start offset), ascending."""
        return list(zip(self._epochs, self._start_offsets, strict=True))

    @property
    def latest(self) -> int | None:
        return self._epochs[-1] if self._epochs else None

    def epoch_for_offset(self, offset: int) -> int | None:
        index = bisect_right(self._start_offsets, offset) - 1
        return self._epochs[index] if index >= 0 else None

    def end_offset_for(self, epoch: int, log_end_offset: int) -> EpochEndOffset | None:
        """Where `epoch`, or the last one before it that is known here, ended; None if unknown."""
        if epoch == UNDEFINED_EPOCH or not self._epochs or epoch > self._epochs[-1]:
            return None
        if epoch == self._epochs[-1]:
            return EpochEndOffset(epoch, log_end_offset)
        higher = bisect_right(self._epochs, epoch)
        # An epoch older than all that is left: those records are gone, replicate from our start.
        floor_epoch = self._epochs[higher - 1] if higher > 0 else epoch
        return EpochEndOffset(floor_epoch, self._start_offsets[higher])

    def assign(self, epoch: int, start_offset: int) -> None:
        """Note that `epoch` begins at `start_offset`; the first note of an epoch stands."""
        if self._epochs and epoch == self._epochs[-1] and start_offset >= self._start_offsets[-1]:
            return
        self._put(epoch, start_offset)
        self._write()

    def truncate_from_end(self, end_offset: int) -> None:
        """Forget the epochs that begin at or after `end_offset`."""
        if self._start_offsets and self._start_offsets[-1] >= end_offset:
            while self._start_offsets and self._start_offsets[-1] >= end_offset:
                self._pop()
            self._write()

    def truncate_from_start(self, start_offset: int) -> None:
        """Forget the epochs that ended before `start_offset`; the one it lies in begins there."""
        index = bisect_right(self._start_offsets, start_offset) - 1
        if index >= 0 and (index > 0 or self._start_offsets[0] != start_offset):
            del self._epochs[:index], self._start_offsets[:index]
            self._start_offsets[0] = start_offset
            self._write()

    def correct(self, found: Sequence[EpochRun]) -> None:
        """Recovery read these batches: forget what contradicts them, add what they know besides."""
        before = self.entries()
        entries = [entry for entry in before if all(run.allows(*entry) for run in found)]
        known = {epoch for epoch, _ in entries}
        entries += [(run.epoch, run.first_offset) for run in found if run.epoch not in known]
        self._epochs.clear()
        self._start_offsets.clear()
        for epoch, start_offset in sorted(entries, key=itemgetter(1, 0)):
            self._put(epoch, start_offset)
        if self.entries() != before:
            self._write()

    def clear(self) -> None:
        self._epochs.clear()
        self._start_offsets.clear()
        self._write()

    def sync(self) -> None:
        """A log that is closed believes its file at the next start; blocks."""
        if self._has_unsynced_change:
            self._disk.sync(self._disk.open(self.path))
            self._disk.sync_directory(self.path.parent)
            self._has_unsynced_change = False

    def _put(self, epoch: int, start_offset: int) -> None:
        while self._epochs and (
            self._epochs[-1] >= epoch or self._start_offsets[-1] >= start_offset
        ):
            self._pop()
        self._epochs.append(epoch)
        self._start_offsets.append(start_offset)

    def _pop(self) -> None:
        self._epochs.pop()
        self._start_offsets.pop()

    def _write(self) -> None:
        lines = (f"{epoch} {start_offset}" for epoch, start_offset in self.entries())
        replace_file(self._disk, self.path, encode_entries(lines), sync=False)
        self._has_unsynced_change = True
