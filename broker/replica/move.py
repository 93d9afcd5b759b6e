"""Moving one replica to another log directory: copying its log until the copy has all of it.

    current log  ├──────────────────────────────────────────┤ log end     appended to all the time
    future log   ├───────────────────────┤ copied to here
                 ◄─ the same history ────►

The current log goes on as if nothing were: it's appended to, cut back by a new leader, and loses
its beginning. The future one follows it as a follower does its leader: before each step it's cut
back to where both agree by their leader epochs (KIP-101), so no truncation has to be told.

What is read is read in a thread, for it may be an old gigabyte. Meanwhile anything can happen, so
the log is looked at again before anything is appended.

Kafka: ReplicaAlterLogDirsThread.
"""

from collections.abc import Iterable

import attrs
import trio

from broker.log.partition_log import PartitionLog
from broker.log.values import EpochEndOffset, Slice
from broker.replica.partition import Partition
from broker.replica.truncation import truncation_offset
from broker.wire.regions import FileRegion


@attrs.define(eq=False)
class Move:
    """`future` is to become the log of `partition`. `not_before_s`: left alone after an error."""

    partition: Partition
    future: PartitionLog
    not_before_s: float = float("-inf")

    @property
    def is_current(self) -> bool:
        """Whether it's still wanted: not given up, both directories work, the replica is in use."""
        return (
            self.partition.future is self.future
            and self.partition.role is not None
            and not self.partition.log.is_failed
            and not self.future.is_failed
        )

    def next_slice(self, max_bytes: int) -> Slice:
        """What is to be copied next, both logs agreeing up to there; nothing if all is."""
        self._agree()
        log = self.partition.log
        return log.read(self.future.log_end_offset, max_bytes, log.log_end_offset)

    def reaches_end(self, found: Slice) -> bool:
        """Whether nothing is left to copy behind it."""
        active = self.partition.log.local.segments.active
        return (
            found.segment_base_offset == active.base_offset
            and found.position + found.size_bytes == active.size_bytes
        )

    async def copy(self, found: Slice) -> int:
        """Copy it, reading in a thread; how many bytes: none if they were cut off meanwhile."""
        log = self.partition.log
        truncations = log.truncations
        with log.local.storage:
            data = await trio.to_thread.run_sync(_read, found.regions)
        if not self.is_current or log.truncations != truncations:
            return 0
        return self._append(data)

    def copy_rest(self, max_bytes: int) -> int:
        """Catch up in the event loop, so that nothing happens meanwhile; how many bytes."""
        log, size_bytes = self.partition.log, 0
        while (found := self.next_slice(max_bytes)).regions:
            with log.local.storage:
                data = _read(found.regions)
            size_bytes += self._append(data)
        self.skip_gap()
        self._follow()
        return size_bytes

    def skip_gap(self) -> None:
        """If nothing is left to copy, but what compaction left out at the end: go on behind it."""
        log, future = self.partition.log, self.future
        if future.log_end_offset < log.log_end_offset and not self.next_slice(1).regions:
            future.skip_to(log.log_end_offset)

    def _append(self, data: bytes) -> int:
        appended = self.future.append_as_follower(data)
        self._follow()
        return 0 if appended is None else appended.size_bytes

    def _follow(self) -> None:
        """How far it's committed, and where it starts."""
        log = self.partition.log
        committed = self.future.update_high_watermark(log.high_watermark)
        self.future.increment_log_start_offset(min(log.log_start_offset, committed))

    def _agree(self) -> None:
        """Cut the future log back to what the current one has, too."""
        log, future = self.partition.log, self.future
        while (offset := self._common_end()) < future.log_end_offset:
            future.truncate_to(offset)
        if not log.log_start_offset <= future.log_end_offset <= log.log_end_offset:
            future.truncate_fully_and_start_at(log.log_start_offset)

    def _common_end(self) -> int:
        """An offset up to which both may agree: if it's the future log's end, they do."""
        log, future = self.partition.log, self.future
        end = min(future.log_end_offset, log.log_end_offset)
        epoch, latest = future.latest_epoch, log.latest_epoch
        if epoch is None:
            return end
        if latest is None:
            return min(end, log.log_start_offset)  # it was emptied
        theirs = (
            EpochEndOffset(latest, log.log_end_offset)
            if latest < epoch
            else log.end_offset_for_epoch(epoch)
        )
        assert theirs is not None, "an epoch that isn't newer than the latest one is found"
        if theirs.leader_epoch == epoch and theirs.end_offset >= future.log_end_offset:
            return end
        return truncation_offset(theirs, end, future.end_offset_for_epoch)


def _read(regions: Iterable[FileRegion]) -> bytes:
    return b"".join(region.read() for region in regions)
