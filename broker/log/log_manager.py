"""All logs of a broker: loaded at start, made and deleted on demand, kept up in the background.

A log is synchronous and belongs to the event loop. This is its edge: what blocks (recovery, sync,
unlink, checkpoints) is done in threads, of which there are few, and the logs' own values are only
touched in the loop, before and after.

    lock     make the directories, and keep other brokers out of them
    load     take the marks of a clean shutdown, open or recover every log
    run      until cancelled, all that happens by itself: see `upkeep`
    aclose   flush and close every log, write the checkpoints, then the marks; unlock

Invariant: after `load`, a log that is in `logs` is in exactly one directory, and a directory named
`topic-partition` belongs to a log in `logs` or is being made or deleted under `_lock`.

Source: Kafka's `LogManager`.
"""

import logging
import random
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

import attrs
import trio

from broker.log.checkpoints import MalformedCheckpoint, OffsetCheckpoint
from broker.log.disk import Disk
from broker.log.file_names import deleted_directory, partition_of
from broker.log.log_config import LogConfig, LogManagerConfig
from broker.log.log_directory import LogDirectory, LogDirectoryError
from broker.log.partition_log import PartitionLog
from broker.log.upkeep import (
    LogUpkeep,
    in_thread,
    log_start_offsets,
    logs_by_directory,
    recovery_points,
)
from broker.wire.errors import KafkaError
from coordination.values import TopicPartition

__all__ = ["LogManager", "LogManagerConfig"]

_log = logging.getLogger(__name__)

T = TypeVar("T")


class LogManager:
    """See the module."""

    def __init__(
        self,
        config: LogManagerConfig,
        *,
        disk: Disk,
        clock_ms: Callable[[], int],
        randomness: random.Random,
    ) -> None:
        self.config = config
        self._disk = disk
        self._clock_ms = clock_ms
        self._randomness = randomness
        self._directories = [LogDirectory(disk, path) for path in config.directories]
        self._logs: dict[TopicPartition, PartitionLog] = {}
        self._lock = trio.Lock()  # making and deleting logs, one at a time
        self._threads = trio.CapacityLimiter(4)  # as many blocking calls as help one disk
        self._is_loaded = False
        self._upkeep = LogUpkeep(
            config, self._directories, self._logs, disk, clock_ms, self._threads
        )

    @property
    def logs(self) -> Mapping[TopicPartition, PartitionLog]:
        """Every log of this broker."""
        return self._logs

    def get(self, topic_partition: TopicPartition) -> PartitionLog | None:
        return self._logs.get(topic_partition)

    @property
    def high_watermark_checkpoints(self) -> dict[Path, OffsetCheckpoint]:
        """Where `broker.replica` keeps its high watermarks; a log's key is `directory.parent`."""
        return {directory.path: directory.high_watermarks for directory in self._directories}

    # --- starting

    async def lock(self) -> None:
        """Make the directories that are missing, and keep every other broker out of all of them.

        Nothing may be written into one before. LogDirectoryError if another broker has it.
        """
        self._check_directories()
        for directory in self._directories:
            await self._in_thread(directory.lock)

    async def load(
        self,
        topic_configs: Mapping[str, LogConfig],
        progress: Callable[[int, int], None],
    ) -> None:
        """Load every log, recovering where the last end was not clean. `lock` comes first.

        `progress` hears (logs loaded, logs in all). LogDirectoryError for what the user must mend.
        """
        found = {
            directory: await self._in_thread(directory.partitions)
            for directory in self._directories
        }
        total = sum(len(paths) for paths in found.values())
        async with trio.open_nursery() as nursery:
            for directory, paths in found.items():
                nursery.start_soon(
                    self._load_directory, directory, paths, topic_configs, progress, total
                )
        self._is_loaded = True

    def _check_directories(self) -> None:
        resolved = [path.resolve() for path in self.config.directories]
        for path in resolved:
            if resolved.count(path) > 1:
                raise LogDirectoryError(f"log directory {path} is listed twice in log.dirs")

    async def _load_directory(
        self,
        directory: LogDirectory,
        paths: list[Path],
        topic_configs: Mapping[str, LogConfig],
        progress: Callable[[int, int], None],
        total: int,
    ) -> None:
        was_clean = await self._in_thread(directory.take_clean_shutdown)
        recovery_points = await self._in_thread(_read_or_nothing, directory.recovery_points)
        start_offsets = await self._in_thread(_read_or_nothing, directory.log_start_offsets)
        for path in directory.deleted_partitions():
            self._upkeep.remove_later(path)
        waiting = iter(paths)

        def open_log(path: Path) -> PartitionLog:
            topic_partition = partition_of(path.name)
            return self._open(
                path,
                topic_configs.get(topic_partition.topic, self.config.defaults),
                was_clean=was_clean,
                log_start_offset=start_offsets.get(topic_partition, 0),
                recovery_point=recovery_points.get(topic_partition, 0),
            )

        async def load_waiting() -> None:
            for path in waiting:
                self._add(await trio.to_thread.run_sync(open_log, path, limiter=limiter))
                progress(len(self._logs), total)

        limiter = trio.CapacityLimiter(self.config.recovery_threads_per_directory)
        async with trio.open_nursery() as nursery:
            for _ in range(self.config.recovery_threads_per_directory):
                nursery.start_soon(load_waiting)

    def _open(
        self,
        path: Path,
        config: LogConfig,
        *,
        was_clean: bool,
        log_start_offset: int = 0,
        recovery_point: int = 0,
    ) -> PartitionLog:
        return PartitionLog.open(
            path,
            config,
            disk=self._disk,
            clock_ms=self._clock_ms,
            randomness=self._randomness,
            was_clean=was_clean,
            log_start_offset=log_start_offset,
            recovery_point=recovery_point,
            producer_expiration_ms=self.config.producer_id_expiration_ms,
        )

    def _add(self, log: PartitionLog) -> None:
        other = self._logs.setdefault(log.topic_partition, log)
        if other is not log:
            raise LogDirectoryError(
                f"{log.topic_partition} has two logs: {other.directory} and {log.directory}; "
                "remove the one that is out of date"
            )

    # --- making and deleting

    async def get_or_create(
        self, topic_partition: TopicPartition, topic_id: uuid.UUID | None, config: LogConfig
    ) -> PartitionLog:
        """The partition's log, made in the directory with the fewest logs if there is none.

        INCONSISTENT_TOPIC_ID if the log there is that of an older topic of the name.
        """
        async with self._lock:
            log = self._logs.get(topic_partition)
            if log is None:
                path = self._least_filled() / str(topic_partition)
                log = await self._in_thread(self._create, path, topic_id, config)
                self._logs[topic_partition] = log
            elif topic_id is not None and topic_id != log.topic_id:
                await self._in_thread(log.assign_topic_id, topic_id)
            return log

    def _create(self, path: Path, topic_id: uuid.UUID | None, config: LogConfig) -> PartitionLog:
        log = self._open(path, config, was_clean=True)
        if topic_id is not None:
            log.assign_topic_id(topic_id)
        return log

    def _least_filled(self) -> Path:
        filled = [log.directory.parent for log in self._logs.values()]
        return min((directory.path for directory in self._directories), key=filled.count)

    async def delete(self, topic_partitions: Iterable[TopicPartition]) -> None:
        """Delete logs: out of sight at once, renamed to `-delete`, removed after the delay.

        The checkpoints are rewritten, too: a new topic of the name must not start from the old
        one's offsets. Partitions without a log are left out.
        """
        async with self._lock:
            logs = [log for tp in topic_partitions if (log := self._logs.pop(tp, None)) is not None]
            for log in logs:
                log.abandon()
                name = deleted_directory(
                    log.topic_partition, uuid.UUID(int=self._randomness.getrandbits(128))
                )
                path = log.directory.with_name(name)
                await self._in_thread(self._disk.rename, log.directory, path)
                self._upkeep.remove_later(path, log.config.file_delete_delay_ms)
            if logs:
                await self._upkeep.checkpoint_recovery_points()
                await self._upkeep.checkpoint_log_start_offsets()

    def update_config(self, topic: str, config: LogConfig) -> None:
        """A topic's configs have changed."""
        for log in self._logs.values():
            if log.topic_partition.topic == topic:
                log.update_config(config)

    def reconfigure(
        self, config_of: Callable[[Mapping[str, str]], LogConfig], producer_id_expiration_ms: int
    ) -> None:
        """The broker's defaults have changed; `config_of` takes the overrides of a topic."""
        self.config = attrs.evolve(
            self.config,
            defaults=config_of({}),
            producer_id_expiration_ms=producer_id_expiration_ms,
        )
        for log in self._logs.values():
            log.update_config(config_of(log.config.overrides))
            log.producers.expiration_ms = producer_id_expiration_ms

    # --- what happens by itself

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled: see `LogUpkeep`."""
        await self._upkeep.run(task_status=task_status)

    # --- ending

    async def aclose(self, broker_epoch: int) -> None:
        """End cleanly: no log may be used any more. The caller shields this, with a deadline.

        A directory gets its mark only if all its logs were loaded and could be closed.
        """
        for directory, logs in logs_by_directory(self._directories, self._logs):
            if self._is_loaded:
                await self._in_thread(_close_directory, directory, logs, broker_epoch)
            directory.unlock()

    async def _in_thread(self, function: Callable[..., T], *arguments: object) -> T:
        return await in_thread(self._threads, function, *arguments)


def _close_directory(directory: LogDirectory, logs: list[PartitionLog], broker_epoch: int) -> None:
    for log in logs:
        try:
            log.close()
        except KafkaError as error:
            _log.error("%s was not closed cleanly: %s", log.directory, error)
            return
    directory.recovery_points.write(recovery_points(logs))
    directory.log_start_offsets.write(log_start_offsets(logs))
    directory.write_clean_shutdown(broker_epoch)


def _read_or_nothing(checkpoint: OffsetCheckpoint) -> dict[TopicPartition, int]:
    """Without the checkpoint more must be recovered, and nothing is lost (as Kafka)."""
    try:
        return checkpoint.read()
    except MalformedCheckpoint as error:
        _log.warning("%s; starting without it", error)
        return {}
