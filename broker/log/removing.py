"""Logs go: out of use at once, out of sight by one rename, from the disk later.

    delete      /a/t-0 ──► /a/t-0.<hex>-delete     the partition is gone; removed after the delay
    discard     the same, of a log that another one has replaced, or a copy that is given up
    set_aside   /a/t-0 ──► /a/t-0.<hex>-stray      another topic's of the name; kept, never used

Afterwards the checkpoints are written without it: a new topic of the name must not start from the
old one's offsets. What was begun is ended though its caller is cancelled: a log that's out of use,
and still has the partition's name, would be the next topic's.

Source: Kafka's `LogManager.asyncDelete`.
"""

import uuid
from collections.abc import Callable, Iterable, MutableMapping
from pathlib import Path

import attrs
import trio

from broker.log.file_names import deleted_directory, stray_directory
from broker.log.partition_log import PartitionLog
from broker.log.upkeep import LogUpkeep, in_thread
from broker.wire.errors import KafkaError
from coordination.values import TopicPartition

Logs = MutableMapping[TopicPartition, PartitionLog]


@attrs.define(eq=False)
class LogRemover:
    """Takes logs from `logs`, which a broker serves, and `futures`, which will replace some."""

    logs: Logs
    futures: Logs
    upkeep: LogUpkeep
    unique: Callable[[], uuid.UUID]

    async def delete(
        self, topic_partitions: Iterable[TopicPartition]
    ) -> dict[TopicPartition, KafkaError]:
        """Delete the logs of partitions, and what is to replace them; those without are left out.

        Returns the KAFKA_STORAGE_ERROR of those that can't be deleted. The checkpoints are written
        once for all: they name every log that is left.
        """
        failed: dict[TopicPartition, KafkaError] = {}
        there = [each for each in topic_partitions if each in self.logs or each in self.futures]
        if not there:
            return failed
        try:
            for topic_partition in there:
                for logs in (self.logs, self.futures):
                    log = logs.pop(topic_partition, None)
                    if log is None:
                        continue  # its directory has failed meanwhile, or it isn't being moved
                    try:
                        await self._make_deleted(log)
                    except KafkaError as error:
                        failed[topic_partition] = error
        finally:
            with trio.CancelScope(shield=True):
                await self.upkeep.checkpoint_offsets()
        return failed

    async def set_aside(self, topic_partition: TopicPartition) -> Path:
        """Keep a log for whoever misses it; where it lies now. KAFKA_STORAGE_ERROR."""
        with trio.CancelScope(shield=True):
            path = await self._hide(self.logs.pop(topic_partition), stray_directory)
            await self.upkeep.checkpoint_offsets()
        return path

    async def discard(self, log: PartitionLog) -> None:
        """Delete a log that nobody uses any more. KAFKA_STORAGE_ERROR."""
        await self._make_deleted(log)
        await self.upkeep.checkpoint_offsets()

    async def _make_deleted(self, log: PartitionLog) -> None:
        path = await self._hide(log, deleted_directory)
        self.upkeep.remove_later(path, log.config.file_delete_delay_ms)

    async def _hide(
        self, log: PartitionLog, name: Callable[[TopicPartition, uuid.UUID], str]
    ) -> Path:
        """Rename a log's directory."""
        log.abandon()
        path = log.directory.with_name(name(log.topic_partition, self.unique()))
        upkeep = self.upkeep
        storage = upkeep.directories.at(log.directory.parent).storage
        with trio.CancelScope(shield=True), storage:
            await in_thread(upkeep.threads, upkeep.disk.rename, log.directory, path)
        return path
