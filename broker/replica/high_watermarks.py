"""`replication-offset-checkpoint`: how far each replica was committed, over a restart.

One file a log directory, written every
`replica.high.watermark.checkpoint.interval.ms` and at a clean stop. A leader that
starts again takes its high watermark from there, for its followers are silent
until it leads. Kafka: ReplicaManager.checkpointHighWatermarks.
"""

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

import attrs
import trio

from broker.log.checkpoints import MalformedCheckpoint, OffsetCheckpoint
from broker.replica.partition import Partition
from coordination.values import TopicPartition

log = logging.getLogger("zbroker.replica")


@attrs.define
class HighWatermarks:
    """The checkpoints of all log directories."""

    files: Mapping[Path, OffsetCheckpoint]  # by log directory
    _at_start: dict[TopicPartition, int] = attrs.field(factory=dict, init=False)

    async def load(self) -> None:
        """Read what the last run wrote. A damaged file counts as empty, as in Kafka: the high
        watermark is learnt again from the followers' fetches or the leader's answers."""
        for checkpoint in self.files.values():
            try:
                self._at_start |= await trio.to_thread.run_sync(checkpoint.read)
            except MalformedCheckpoint as error:
                log.error("high watermarks start at 0: %s", error)

    def at_start(self, topic_partition: TopicPartition) -> int:
        """The high watermark of a replica that is loaded for the first time in this run."""
        return self._at_start.pop(topic_partition, 0)

    async def write(self, partitions: Iterable[Partition]) -> None:
        """Write the high watermark of every replica; the fsync happens in a thread.

        A directory that can't be written (a full disk) is said and left out: the file only
        spares a leader that starts again from waiting for its followers.
        """
        by_directory: dict[Path, dict[TopicPartition, int]] = {d: {} for d in self.files}
        for partition in partitions:
            directory = partition.log.directory.parent
            by_directory[directory][partition.topic_partition] = partition.high_watermark
        for directory, offsets in by_directory.items():
            try:
                await trio.to_thread.run_sync(self.files[directory].write, offsets)
            except OSError as error:
                log.error("high watermarks are not written: %s: %s", directory, error)
