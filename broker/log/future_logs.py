"""Logs that will take another one's place: how a replica moves to another log directory (KIP-113).

    prefer    where the partition's next log is to be made: the future one, or the first one
    create    /b/t-0.<hex>-future, empty; whoever moves the replica fills it from /a/t-0
    delete    the move is given up: the copy becomes `-delete`
    swap      the copy is complete: it gets the partition's name and is its log from now on
    retire    ... and the old log becomes `-delete`

Over a restart a future log is found like any other, and its move goes on. The copying itself is
`broker.replica.move`.

Invariant: a future log and its partition's log lie in different directories; the future one, and
no other, is marked with where it comes from (`moved_from`, for a swap that a crash breaks off).

Source: Kafka's `LogManager.maybeUpdatePreferredLogDir`, `replaceCurrentWithFutureLog`.
"""

import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path

import attrs
import trio

from broker.log.disk import Disk
from broker.log.file_names import MAX_NAME_BYTES, future_directory
from broker.log.log_config import LogConfig
from broker.log.log_directory import LogDirectory
from broker.log.moved_from import mark_moved, unmark
from broker.log.partition_log import PartitionLog
from broker.log.upkeep import LogUpkeep, in_thread
from coordination.values import TopicPartition

# Makes a log in a directory, under a name; None if not even that can be made there.
MakeLog = Callable[[LogDirectory, str, uuid.UUID | None, LogConfig], Awaitable[PartitionLog | None]]


def can_be_moved(topic_partition: TopicPartition) -> bool:
    """Whether a future log's name fits into a file system (KAFKA-4893)."""
    return len(future_directory(topic_partition, uuid.UUID(int=0))) <= MAX_NAME_BYTES


@attrs.define(eq=False)
class FutureLogs:
    """Those of a broker. `current` are the logs that it serves, and belong to the log manager."""

    current: dict[TopicPartition, PartitionLog]
    upkeep: LogUpkeep
    disk: Disk
    threads: trio.CapacityLimiter
    unique: Callable[[], uuid.UUID]
    make: MakeLog
    discard: Callable[[PartitionLog], Awaitable[None]]  # rename it to `-delete`, remove it later
    logs: dict[TopicPartition, PartitionLog] = attrs.field(factory=dict)
    _preferred: dict[TopicPartition, LogDirectory] = attrs.field(factory=dict, init=False)

    def get(self, topic_partition: TopicPartition) -> PartitionLog | None:
        return self.logs.get(topic_partition)

    # --- where to

    def prefer(self, topic_partition: TopicPartition, directory: LogDirectory) -> None:
        """The partition's next log is to be made there; nothing if one of its logs is there."""
        for logs in (self.current, self.logs):
            log = logs.get(topic_partition)
            if log is not None and log.directory.parent == directory.path:
                return
        self._preferred[topic_partition] = directory

    def preferred(self, topic_partition: TopicPartition) -> LogDirectory | None:
        return self._preferred.get(topic_partition)

    def satisfied(self, topic_partition: TopicPartition) -> None:
        """A log was made: the next one may go anywhere."""
        self._preferred.pop(topic_partition, None)

    # --- making and giving up

    async def create(
        self, log: PartitionLog, directory: LogDirectory, config: LogConfig
    ) -> PartitionLog:
        """An empty log in `directory` that will replace `log`. KAFKA_STORAGE_ERROR."""
        topic_partition = log.topic_partition
        assert topic_partition not in self.logs, "one move at a time"
        assert directory.path != log.directory.parent, "a move leads to another directory"
        name = future_directory(topic_partition, self.unique())
        future = await self.make(directory, name, log.topic_id, config)
        directory.storage.check()
        assert future is not None, "a directory that can't be made takes its log directory offline"
        log.local.abandon_cleaning()  # what is copied should stay as it is meanwhile
        self.logs[topic_partition] = future
        self.satisfied(topic_partition)
        self.upkeep.take_in(future)
        with trio.CancelScope(shield=True):
            await self.mark(future, log)
        return future

    async def mark(self, future: PartitionLog, log: PartitionLog) -> None:
        """Should both have the partition's name some day, it's `future` that counts."""
        with future.local.storage:
            await in_thread(
                self.threads, mark_moved, self.disk, future.directory, log.directory.parent
            )

    async def delete(self, topic_partition: TopicPartition) -> None:
        """Give the copy up, if there is one. KAFKA_STORAGE_ERROR."""
        future = self.logs.pop(topic_partition, None)
        if future is not None:
            with trio.CancelScope(shield=True):
                await self.discard(future)

    # --- taking the place

    async def flush(self, log: PartitionLog) -> None:
        """Sync what is in the log now. KAFKA_STORAGE_ERROR."""
        is_last = False
        while not is_last:
            with log.local.storage:
                flush = log.local.flushing.begin(log.local.segments, log.log_end_offset)
                await in_thread(self.threads, flush.run)
            log.local.finish_flush(flush)
            is_last = flush.includes_active

    async def make_durable(self, future: PartitionLog) -> None:
        """Sync what is in the copy now, and write down that it is. KAFKA_STORAGE_ERROR.

        Once it's the partition's log, a start that knows of nothing synced would take what
        compaction left out for what a crash took, and drop what follows (see `recovery`).
        """
        await self.flush(future)
        await self.upkeep.checkpoint_offsets()

    def swap(self, topic_partition: TopicPartition) -> PartitionLog:
        """The copy is the partition's log from now on; gives the old one, to be retired.

        It's one rename, done at once: nothing may be appended to the old log meanwhile.
        KAFKA_STORAGE_ERROR; then nothing has changed.
        """
        old, new = self.current[topic_partition], self.logs[topic_partition]
        new.succeed(old)
        new.rename(str(topic_partition))
        del self.logs[topic_partition]
        self.current[topic_partition] = new
        return old

    async def retire(self, old: PartitionLog, new: PartitionLog) -> None:
        """Remove the log that was replaced, once the new one is on the disk.

        It's done though the caller is cancelled: a partition should not be left with two logs.
        KAFKA_STORAGE_ERROR, of either directory.
        """
        with trio.CancelScope(shield=True):
            await self.flush(new)
            with new.local.storage:
                await in_thread(self.threads, self.disk.sync_directory, new.directory.parent)
            await self.discard(old)
            with new.local.storage:
                await in_thread(self.threads, unmark, self.disk, new.directory)

    # --- a directory that fails

    def directory_failed(self, directory: Path) -> None:
        """Forget those that were in it."""
        for topic_partition, future in list(self.logs.items()):
            if future.directory.parent == directory:
                del self.logs[topic_partition]
                future.abandon()
