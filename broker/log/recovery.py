"""Making sure of segments at a start: of those that may be torn, and of those that lost an index.

                              recovery point
      synced: believed              │   perhaps not on the disk
    ├──────────┼──────────┼─────────┼────┼──────────┼──────────┤
    rebuild_indexes                 recover
      a segment without sound         every batch is read; the log ends at the first bad one, or
      ones is read, no other          where a segment lost its end unseen; what follows is dropped

**A gap alone ends no log.** Compaction leaves offsets out, also at the end of a segment, and the
topic's cleanup.policy may have changed since. What is missing before the recovery point, or before
where the cleaner had come to, was taken out on purpose: up to there everything was synced. Beyond
both a gap is a segment that lost its last batches whole, which its own bytes do not show. (Kafka
does not look, and keeps that gap, too: the replica lacks committed records and never asks again.)

Leader epochs are corrected by the batches, not made from them: compaction may have taken the first
batches of an epoch, and then only the file knows where it began.

It can be broken off and begun anew: until it has ended the recovery point stays (KAFKA-10471). A
segment before that has no time index while its indexes are rebuilt; else the half that is done
would be believed, and without all aborted transactions consumers are shown their records.

Source: Kafka's `LogLoader.recoverLog`, `recoverSegment`.
"""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import attrs

from broker.log.disk import Disk
from broker.log.file_names import TEMPORARY
from broker.log.leader_epochs import EpochRun, LeaderEpochs
from broker.log.producer_snapshots import ProducerSnapshots
from broker.log.producer_state import ProducerState
from broker.log.segment import Segment
from broker.log.segment_recovery import recover
from broker.log.segments import Segments
from broker.wire.record_batch import RecordBatch

_log = logging.getLogger(__name__)


@attrs.define
class Recovery:
    """Of one log; blocking.

    load_producers: brings `producers` to an offset at which a segment begins.
    """

    disk: Disk
    segments: Segments
    epochs: LeaderEpochs
    producers: ProducerState
    snapshots: ProducerSnapshots
    load_producers: Callable[[int], None]

    def rebuild_indexes(self, segment: Segment) -> None:
        """Of one that is believed otherwise. A bad batch ends it, as in Kafka, but not the log."""
        _log.warning("%s: indexes do not fit, recovering", segment.path)
        self.load_producers(segment.base_offset)
        directory, time_index = Path(segment.path).parent, segment.time_index
        path = time_index.path
        self.disk.unlink(path)
        self.disk.sync_directory(directory)
        time_index.release()
        time_index.path = path + TEMPORARY
        self._read(segment, lambda _batch: None)
        following = self.segments.after(segment)
        if following is not None:
            self.producers.end_offset = following.base_offset
        self._sync(segment)  # the next start believes it, too
        self.disk.rename(time_index.path, path)
        time_index.path = path
        self.disk.sync_directory(directory)
        segment.release()

    def recover(
        self, unflushed: Sequence[Segment], checkpointed: int, is_tear: Callable[[int], bool]
    ) -> None:
        """Read the segments at the end of the log that may be torn.

        checkpointed: the recovery point. is_tear: whether it's for a power failure that a segment
        ends at this offset, and the next one does not begin there.
        """
        remaining = list(unflushed)
        for segment in self.segments:
            if self.segments.after(segment) is remaining[0]:
                segment.complete_time_index()
        self.snapshots.delete_after(remaining[0].base_offset)
        self.load_producers(remaining[0].base_offset)
        found: list[EpochRun] = []

        def note(batch: RecordBatch) -> None:
            if found and found[-1].epoch == batch.leader_epoch:
                found[-1].last_offset = batch.last_offset
            elif batch.leader_epoch >= 0:
                found.append(EpochRun(batch.leader_epoch, batch.base_offset, batch.last_offset))

        while remaining:
            segment = remaining.pop(0)
            cut_bytes = self._read(segment, note)
            end_offset = self.producers.end_offset
            if cut_bytes or (
                remaining and remaining[0].base_offset != end_offset and is_tear(end_offset)
            ):
                self.drop(remaining)
                remaining.clear()
            if remaining:
                self.producers.end_offset = remaining[0].base_offset
            if segment.size_bytes:
                self.snapshots.write(
                    self.producers.end_offset, self.producers.entries(), sync=False
                )
            if remaining and remaining[0].base_offset <= checkpointed:
                self._sync(segment)  # the next recovery will believe it
            segment.release()
        self.epochs.correct(found)

    def drop(self, dropped: list[Segment]) -> None:
        """Remove segments that lie after the end of the log."""
        for segment in dropped:
            _log.warning("%s: dropped, it lies after the end of the log", segment.path)
            self.segments.remove(segment)
            for path in segment.paths():
                self.disk.unlink(path)
            if segment.base_offset in self.snapshots.offsets:
                self.snapshots.delete(segment.base_offset)
        # Or they'd be back after a power failure, behind what has been written instead.
        self.disk.sync_directory(self.snapshots.directory)

    def _read(self, segment: Segment, note: Callable[[RecordBatch], None]) -> int:
        """Cut it at its first bad batch, and rebuild its indexes; bytes cut."""

        def seen(batch: RecordBatch) -> None:
            note(batch)
            aborted = self.producers.update(batch)
            if aborted is not None:
                segment.transaction_index.append(aborted)

        cut_bytes = recover(segment, seen)
        if cut_bytes:
            _log.warning("%s: cut %d bytes that are no batch", segment.path, cut_bytes)
        return cut_bytes

    def _sync(self, segment: Segment) -> None:
        for file in segment.files_to_sync():
            self.disk.sync(file)
