"""`replication-offset-checkpoint`: how far each replica was committed, over a restart.

One file a log directory, written every
`replica.high.watermark.checkpoint.interval.ms` and at a clean stop. A leader that
starts again takes its high watermark from there, for its followers are silent
until it leads. Kafka: ReplicaManager.checkpointHighWatermarks.

    replica comes ──┐
    `committed` ────┼──► moved ──every interval──► the whole file of its directory
    replica goes ───┘

A directory in which nothing has moved is left as it is, so thousands of idle replicas
cost nothing. (Kafka writes all of them anew each time.)
"""

import logging
from collections.abc import Collection
from pathlib import Path

import attrs
import trio

from broker.log.checkpoints import EmptyCheckpoint, MalformedCheckpoint
from broker.log.log_directories import LogDirectories
from broker.log.log_directory import LogDirectory
from broker.log.partition_log import PartitionLog
from broker.replica.partition import Partition
from broker.waiting import Due
from coordination.values import TopicPartition

_log = logging.getLogger(__name__)


@attrs.define
class HighWatermarks:
    """The checkpoints of all log directories."""

    directories: LogDirectories
    _moved: Due[Partition] = attrs.field(factory=Due, init=False)  # or came, or went
    # Directories that replicas have left for others, or are about to come to.
    _concerned: set[Path] = attrs.field(factory=set, init=False)
    _writing: trio.Lock = attrs.field(factory=trio.Lock, init=False)  # one writer a file
    _at_start: dict[tuple[Path, TopicPartition], int] = attrs.field(factory=dict, init=False)

    async def load(self) -> None:
        """Read what the last run wrote. A damaged file counts as empty, as in Kafka: the high
        watermark is learnt again from the followers' fetches or the leader's answers."""
        for directory in self.directories.online:
            try:
                found = await trio.to_thread.run_sync(directory.high_watermarks.read)
            except EmptyCheckpoint:
                pass  # as Kafka leaves it at its first start
            except MalformedCheckpoint as error:
                _log.error("high watermarks start at 0: %s", error)
            except OSError as error:
                directory.storage.fail(error)
            else:
                self._at_start |= {(directory.path, tp): offset for tp, offset in found.items()}

    def at_start(self, log: PartitionLog) -> int:
        """The high watermark of a log that is loaded for the first time in this run."""
        return self._at_start.pop((log.directory.parent, log.topic_partition), 0)

    def watch(self, partition: Partition) -> None:
        """It's a replica of this broker from now on."""
        partition.committed.watch(self._moved, partition, rings=False)
        self._moved.mark(partition, rings=False)

    def unwatch(self, partition: Partition) -> None:
        """It's none any more: the next file is without it."""
        partition.committed.unwatch(self._moved)
        self._moved.mark(partition, rings=False)

    def will_be_in(self, directory: Path) -> None:
        """A copy there will soon be the replica: should be known how far it's committed."""
        self._concerned.add(directory)

    def moved(self, partition: Partition, source: Path) -> None:
        """It was in log directory `source`, and is in another one now."""
        self._concerned.add(source)
        self._moved.mark(partition, rings=False)

    async def write_moved(self, partitions: Collection[Partition]) -> None:
        """Write the files of the directories in which something has moved since the last time."""
        moved = {partition.log.directory.parent for partition in self._moved.items}
        moved |= self._concerned
        self._concerned.clear()
        self._moved.items.clear()
        for directory in self.directories.online:
            if directory.path in moved:
                await self._write(directory, partitions)

    async def write(self, partitions: Collection[Partition]) -> None:
        """Write the high watermark of every replica."""
        for directory in self.directories.online:
            await self._write(directory, partitions)

    async def _write(self, directory: LogDirectory, partitions: Collection[Partition]) -> None:
        """The fsync happens in a thread. If it can't be written it is offline from then on."""
        async with self._writing:
            offsets = {
                partition.topic_partition: log.high_watermark
                for partition in partitions
                for log in (partition.log, partition.future)
                if log is not None and log.local.storage is directory.storage
            }
            try:
                await trio.to_thread.run_sync(directory.high_watermarks.write, offsets)
            except OSError as error:
                directory.storage.fail(error)
