"""`replication-offset-checkpoint`: how far each replica was committed, over a restart.

One file a log directory, written every
`replica.high.watermark.checkpoint.interval.ms` and at a clean stop. A leader that
starts again takes its high watermark from there, for its followers are silent
until it leads. Kafka: ReplicaManager.checkpointHighWatermarks.
"""

import logging
from collections.abc import Iterable

import attrs
import trio

from broker.log.checkpoints import MalformedCheckpoint
from broker.log.log_directories import LogDirectories
from broker.replica.partition import Partition
from coordination.values import TopicPartition

log = logging.getLogger("zbroker.replica")


@attrs.define
class HighWatermarks:
    """The checkpoints of all log directories."""

    directories: LogDirectories
    _at_start: dict[TopicPartition, int] = attrs.field(factory=dict, init=False)

    async def load(self) -> None:
        """Read what the last run wrote. A damaged file counts as empty, as in Kafka: the high
        watermark is learnt again from the followers' fetches or the leader's answers."""
        for directory in self.directories.online:
            try:
                self._at_start |= await trio.to_thread.run_sync(directory.high_watermarks.read)
            except MalformedCheckpoint as error:
                log.error("high watermarks start at 0: %s", error)
            except OSError as error:
                directory.storage.fail(error)

    def at_start(self, topic_partition: TopicPartition) -> int:
        """The high watermark of a replica that is loaded for the first time in this run."""
        return self._at_start.pop(topic_partition, 0)

    async def write(self, partitions: Iterable[Partition]) -> None:
        """Write the high watermark of every replica; the fsync happens in a thread.

        A directory that can't be written is offline from then on.
        """
        replicas = list(partitions)
        for directory in self.directories.online:
            offsets = {
                partition.topic_partition: partition.high_watermark
                for partition in replicas
                if partition.log.directory.parent == directory.path
            }
            try:
                await trio.to_thread.run_sync(directory.high_watermarks.write, offsets)
            except OSError as error:
                directory.storage.fail(error)
