"""Making a partition's log: in the directory where it's wanted, or in the one with the fewest.

    places     the preferred directory alone, or all that are online, the least filled first
       │
       ▼
    mkdir ──fails──► that directory is offline; the next one
       │
       ▼
    files ──fail───► that directory is offline; no other: half a log may be there

A partition in two directories ends the next start. So after the first file no other directory is
tried, what was begun is ended though its caller is cancelled, and while a directory is offline, in
which there may be a log of the partition, none is made anew.

Source: Kafka's `LogManager.getOrCreateLog`.
"""

import uuid
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import attrs
import trio

from broker.log.log_config import LogConfig
from broker.log.log_directories import LogDirectories
from broker.log.log_directory import LogDirectory
from broker.log.log_opener import LogOpener
from broker.log.partition_log import PartitionLog
from broker.log.upkeep import in_thread
from broker.wire.errors import ErrorCode, KafkaError
from coordination.values import TopicPartition


@attrs.define(eq=False)
class LogMaker:
    """Makes the logs of one broker; who has them is the log manager's to know."""

    directories: LogDirectories
    opener: LogOpener
    threads: trio.CapacityLimiter
    # Where those go that are just being made: they count when the next is placed.
    _being_made: dict[TopicPartition, LogDirectory] = attrs.field(factory=dict, init=False)

    async def make(
        self,
        topic_partition: TopicPartition,
        topic_id: uuid.UUID | None,
        config: LogConfig,
        preferred: LogDirectory | None,
        there: Iterable[PartitionLog],
    ) -> PartitionLog:
        """In `preferred`, or where the fewest of `there` are. KAFKA_STORAGE_ERROR."""
        places = (
            self.directories.least_filled(there, self._being_made.values())
            if preferred is None
            else [preferred]
        )
        for directory in places:
            self._being_made[topic_partition] = directory
            try:
                log = await self.make_in(directory, str(topic_partition), topic_id, config)
            finally:
                del self._being_made[topic_partition]
            if log is not None:
                return log
        raise KafkaError(
            ErrorCode.KAFKA_STORAGE_ERROR,
            f"No log directories available for {topic_partition}: all have failed",
        )

    async def make_in(
        self, directory: LogDirectory, name: str, topic_id: uuid.UUID | None, config: LogConfig
    ) -> PartitionLog | None:
        """None if not even its own directory can be made there. KAFKA_STORAGE_ERROR."""
        path = directory.path / name
        try:
            with directory.storage:
                await in_thread(self.threads, partial(path.mkdir, exist_ok=True))
        except KafkaError:
            return None  # `storage` has said why
        with trio.CancelScope(shield=True), directory.storage:
            log = await in_thread(self.threads, self._open, directory, path, topic_id, config)
        directory.storage.check()
        return log

    def _open(
        self, directory: LogDirectory, path: Path, topic_id: uuid.UUID | None, config: LogConfig
    ) -> PartitionLog:
        log = self.opener.open(directory, path, config, was_clean=True)
        if topic_id is not None:
            log.assign_topic_id(topic_id)
        return log
