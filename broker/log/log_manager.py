"""All logs of a broker: loaded at start, made and deleted on demand, kept up in the background.

A log is synchronous and belongs to the event loop. This is its edge: what blocks (recovery, sync,
unlink, checkpoints) is done in threads, of which there are few, and the logs' own values are only
touched in the loop, before and after.

    lock     make the directories, and keep other brokers out of them
    load     take the marks of a clean shutdown, open or recover every log
    logs     made (`making`), deleted and set aside (`removing`), replaced (`future_logs`)
    run      until cancelled, all that happens by itself: see `upkeep` and `cleaner`
    aclose   flush and close every log, write the checkpoints, then the marks; unlock

One of several directories may fail, at the start or later. Then it is offline with all its logs,
and the broker goes on with the others: `directories` knows which, `directory_failed` forgets the
logs.

Invariant: after `load`, a log that is in `logs` is in exactly one directory, and a directory named
`topic-partition` belongs to a log in `logs` or is being made or deleted; unless it is in a
directory that is offline.

Source: Kafka's `LogManager`.
"""

import random
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

import attrs
import trio

from broker.log.cleaner.log_cleaner import LogCleaner
from broker.log.cleaner.worker import StartWorker, child_process
from broker.log.disk import Disk
from broker.log.future_logs import FutureLogs
from broker.log.loading import Loading
from broker.log.log_config import CleanerConfig, LogConfig, LogManagerConfig, ProducerConfig
from broker.log.log_directories import ALL_FAILED, NONE_USABLE, LogDirectories
from broker.log.log_directory import LogDirectory
from broker.log.log_opener import LogOpener
from broker.log.making import LogMaker
from broker.log.partition_log import PartitionLog
from broker.log.removing import LogRemover
from broker.log.upkeep import (
    LogUpkeep,
    cleaned_offsets,
    in_thread,
    log_start_offsets,
    recovery_points,
)
from broker.wire.errors import KafkaError
from coordination.values import Recorder, TopicPartition

__all__ = ["LogManager", "LogManagerConfig"]

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
        recorder: Recorder,
        start_cleaner: StartWorker = child_process,
    ) -> None:
        self.config = config
        self._randomness = randomness
        self._threads = trio.CapacityLimiter(4)  # as many blocking calls as help one disk
        self._is_loaded = False
        self.directories = LogDirectories(
            tuple(LogDirectory(disk, path) for path in config.directories)
        )
        self._logs: dict[TopicPartition, PartitionLog] = {}
        futures: dict[TopicPartition, PartitionLog] = {}
        self.cleaner = LogCleaner(
            config.cleaner,
            self.directories,
            self._logs,
            futures,
            disk,
            clock_ms,
            self._threads,
            recorder,
            start_cleaner,
        )
        self._upkeep = LogUpkeep(
            config,
            self.directories,
            self._logs,
            futures,
            disk,
            clock_ms,
            self._threads,
            self.cleaner.checkpoint,
        )
        opener = LogOpener(config, disk, clock_ms, randomness)
        self._maker = LogMaker(self.directories, opener, self._threads)
        self._remover = LogRemover(self._logs, futures, self._upkeep, self._unique)
        self.futures = FutureLogs(
            self._logs,
            self._upkeep,
            disk,
            self._threads,
            self._unique,
            self._maker.make_in,
            self._remover.discard,
            futures,
        )

    @property
    def logs(self) -> Mapping[TopicPartition, PartitionLog]:
        """Every log of this broker, but for those that are to replace another one: `futures`."""
        return self._logs

    @property
    def _all_logs(self) -> list[PartitionLog]:
        return [*self._logs.values(), *self.futures.logs.values()]

    def get(self, topic_partition: TopicPartition) -> PartitionLog | None:
        return self._logs.get(topic_partition)

    # --- starting

    async def lock(self) -> None:
        """Make the directories that are missing, and keep every other broker out of all of them.

        Nothing may be written into one before. One that can't be made or locked is offline from
        now on. LogDirectoryError if another broker has one, BrokerFailure if none can be used.
        """
        self.directories.check_distinct()
        for directory in self.directories.online:
            try:
                await self._in_thread(directory.lock)
            except OSError as error:
                directory.storage.fail(error)
        self.directories.check_any_online(NONE_USABLE)

    async def load(
        self,
        topic_configs: Mapping[str, LogConfig],
        progress: Callable[[int, int], None],
    ) -> None:
        """Load every log, recovering where the last end was not clean. `lock` comes first.

        `progress` hears (logs loaded, logs in all). A directory that can't be read is offline from
        now on; BrokerFailure if it was the last one, LogDirectoryError for what the user must mend.
        """
        loading = Loading(
            self.directories,
            self._logs,
            self.futures,
            self._maker.opener,
            self._upkeep,
            self._threads,
            topic_configs,
            progress,
        )
        await loading.run()
        for directory in self.directories.offline:
            self.directory_failed(directory)
        self.directories.check_any_online(ALL_FAILED)
        self._is_loaded = True

    # --- a directory that fails

    def directory_failed(self, directory: LogDirectory) -> None:
        """Forget the logs of a directory that is offline, and let another broker have it."""
        for log in list(self._logs.values()):
            if log.directory.parent == directory.path:
                del self._logs[log.topic_partition]
                log.abandon()
        self.futures.directory_failed(directory.path)
        directory.unlock()

    # --- making and deleting

    async def get_or_create(
        self,
        topic_partition: TopicPartition,
        topic_id: uuid.UUID | None,
        config: LogConfig,
        *,
        is_new: bool = False,
    ) -> PartitionLog:
        """The partition's log, made if there is none: where it's preferred (AlterReplicaLogDirs may
        come first), or else in the directory with the fewest logs.

        Several may be made at once; the caller sees to it that one partition's log is made or
        deleted once at a time (`ReplicaManager.control_order`).
        is_new: the partition has just been made, so it can't be in a directory that is offline; any
        other is not made anew while one is. INCONSISTENT_TOPIC_ID if the log there is that of an
        older topic of the name; KAFKA_STORAGE_ERROR.
        """
        log = self._logs.get(topic_partition)
        if log is None:
            if not is_new:
                self.directories.check_all_online(topic_partition)
            preferred = self.futures.preferred(topic_partition)
            log = await self._maker.make(
                topic_partition, topic_id, config, preferred, self._logs.values()
            )
            self._logs[topic_partition] = log
            self.futures.satisfied(topic_partition)
            self._upkeep.take_in(log)
        elif topic_id is not None and topic_id != log.topic_id:
            with log.local.storage:
                await self._in_thread(log.assign_topic_id, topic_id)
        return log

    async def delete(
        self, topic_partitions: Iterable[TopicPartition]
    ) -> dict[TopicPartition, KafkaError]:
        """As `LogRemover.delete`. A move of such a partition ends with it."""
        return await self._remover.delete(topic_partitions)

    async def set_aside(self, topic_partition: TopicPartition) -> Path:
        """As `LogRemover.set_aside`."""
        return await self._remover.set_aside(topic_partition)

    def _unique(self) -> uuid.UUID:
        return uuid.UUID(int=self._randomness.getrandbits(128))

    # --- configs

    def update_config(self, topic: str, config: LogConfig) -> None:
        """A topic's configs have changed."""
        for log in self._all_logs:
            if log.topic_partition.topic == topic:
                log.update_config(config)

    def reconfigure(
        self,
        config_of: Callable[[Mapping[str, str]], LogConfig],
        producers: ProducerConfig,
        cleaner: CleanerConfig,
    ) -> None:
        """The broker's defaults have changed; `config_of` takes the overrides of a topic."""
        self.config = attrs.evolve(
            self.config,
            defaults=config_of({}),
            producers=producers,
            cleaner=cleaner,
        )
        self.cleaner.reconfigure(cleaner)
        self._maker.opener = attrs.evolve(self._maker.opener, config=self.config)
        for log in self._all_logs:
            log.update_config(config_of(log.config.overrides))
            log.producers.config = producers

    # --- what happens by itself

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled: see `LogUpkeep` and `LogCleaner`."""
        async with trio.open_nursery() as nursery:
            await nursery.start(self._upkeep.run)
            if self.config.cleaner.is_enabled:
                await nursery.start(self.cleaner.run)
            task_status.started()

    # --- ending

    async def aclose(self, broker_epoch: int) -> None:
        """End cleanly: no log may be used any more. The caller shields this, with a deadline.

        A directory gets its mark only if all its logs were loaded and could be closed.
        """
        for directory, logs in self.directories.online_with_logs(self._all_logs):
            if self._is_loaded:
                try:
                    await self._in_thread(_close_directory, directory, logs, broker_epoch)
                except OSError as error:
                    directory.storage.fail(error)
                except KafkaError:
                    pass  # its `storage` has said why
        for directory in self.directories.all:
            directory.unlock()

    async def _in_thread(self, function: Callable[..., T], *arguments: object) -> T:
        return await in_thread(self._threads, function, *arguments)


def _close_directory(directory: LogDirectory, logs: list[PartitionLog], broker_epoch: int) -> None:
    for log in logs:
        log.close()
    directory.recovery_points.write(recovery_points(logs))
    directory.log_start_offsets.write(log_start_offsets(logs))
    directory.cleaned_offsets.write(cleaned_offsets(logs))
    directory.write_clean_shutdown(broker_epoch)
