"""All logs of a broker: loaded at start, made and deleted on demand, kept up in the background.

A log is synchronous and belongs to the event loop. This is its edge: what blocks (recovery, sync,
unlink, checkpoints) is done in threads, of which there are few, and the logs' own values are only
touched in the loop, before and after.

    load     lock the directories, take the marks of a clean shutdown, open or recover every log
    run      until cancelled, all that happens by itself:
                 flush        each second: rolled segments, flush.ms, and the checkpoints if
                              a truncation made them wrong
                 checkpoints  recovery points and log start offsets, each minute
                 retention    delete_old_segments, every five minutes
                 removal      each second: files and directories whose delete delay is over
                 producers    forget the expired ones, every ten minutes
    aclose   flush and close every log, write the checkpoints, then the marks

Invariant: after `load`, a log that is in `logs` is in exactly one directory, and a directory named
`topic-partition` belongs to a log in `logs` or is being made or deleted under `_lock`.

Source: Kafka's `LogManager`.
"""

import logging
import random
import shutil
import uuid
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import attrs
import trio

from broker.log.checkpoints import MalformedCheckpoint, OffsetCheckpoint
from broker.log.disk import Disk
from broker.log.file_names import deleted_directory, partition_of
from broker.log.flushing import Flush
from broker.log.log_config import LogConfig
from broker.log.log_directory import LogDirectory, LogDirectoryError
from broker.log.partition_log import PartitionLog
from broker.wire.errors import KafkaError
from coordination.values import TopicPartition

_log = logging.getLogger(__name__)

T = TypeVar("T")

_TICK_MS = 1_000  # how late a sync or an unlink that is due may be


@attrs.frozen
class LogManagerConfig:
    """The broker's properties for all logs together; the defaults are Kafka's."""

    directories: tuple[Path, ...]  # log.dirs
    defaults: LogConfig
    offset_checkpoint_interval_ms: int = 60_000  # log.flush.offset.checkpoint.interval.ms
    start_offset_checkpoint_interval_ms: int = 60_000  # ...flush.start.offset.checkpoint...
    retention_check_interval_ms: int = 300_000  # log.retention.check.interval.ms
    recovery_threads_per_directory: int = 1  # num.recovery.threads.per.data.dir
    initial_task_delay_ms: int = 30_000  # log.initial.task.delay.ms
    producer_id_expiration_ms: int = 86_400_000  # producer.id.expiration.ms
    producer_id_expiration_check_interval_ms: int = 600_000


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
        self._checkpointing = trio.Lock()  # one writer a file, and the newest offsets last
        self._removable: list[tuple[int, Path]] = []  # (when, a -delete directory)
        self._threads = trio.CapacityLimiter(4)  # as many blocking calls as help one disk
        self._is_loaded = False
        self.previous_broker_epoch = -1

    @property
    def logs(self) -> Mapping[TopicPartition, PartitionLog]:
        """Every log of this broker."""
        return self._logs

    def get(self, topic_partition: TopicPartition) -> PartitionLog | None:
        return self._logs.get(topic_partition)

    @property
    def high_watermark_checkpoints(self) -> dict[Path, OffsetCheckpoint]:
        """Where the replica room keeps its high watermarks; a log's key is `directory.parent`."""
        return {directory.path: directory.high_watermarks for directory in self._directories}

    # --- starting

    async def load(
        self,
        topic_configs: Mapping[str, LogConfig],
        progress: Callable[[int, int], None],
    ) -> None:
        """Lock the directories and load every log, recovering where the last end was not clean.

        `progress` hears (logs loaded, logs in all). LogDirectoryError for what the user must mend.
        """
        self._check_directories()
        for directory in self._directories:
            await self._in_thread(directory.lock)
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
        broker_epoch = await self._in_thread(directory.take_clean_shutdown)
        if broker_epoch is not None:
            self.previous_broker_epoch = max(self.previous_broker_epoch, broker_epoch)
        recovery_points = await self._in_thread(_read_or_nothing, directory.recovery_points)
        start_offsets = await self._in_thread(_read_or_nothing, directory.log_start_offsets)
        now_ms = self._clock_ms()
        self._removable += [(now_ms, path) for path in directory.deleted_partitions()]
        waiting = iter(paths)

        def open_log(path: Path) -> PartitionLog:
            topic_partition = partition_of(path.name)
            return self._open(
                path,
                topic_configs.get(topic_partition.topic, self.config.defaults),
                was_clean=broker_epoch is not None,
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
                self._removable.append((self._clock_ms() + log.config.file_delete_delay_ms, path))
            if logs:
                await self.checkpoint_recovery_points()
                await self.checkpoint_log_start_offsets()

    def update_config(self, topic: str, config: LogConfig) -> None:
        """A topic's configs have changed."""
        for log in self._logs.values():
            if log.topic_partition.topic == topic:
                log.update_config(config)

    # --- what happens by itself

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled: see the module's table."""
        config = self.config
        async with trio.open_nursery() as nursery:
            for interval_ms, job in (
                (_TICK_MS, self._flush_due),
                (_TICK_MS, self._remove_due),
                (config.offset_checkpoint_interval_ms, self.checkpoint_recovery_points),
                (config.start_offset_checkpoint_interval_ms, self.checkpoint_log_start_offsets),
                (config.retention_check_interval_ms, self._delete_old_segments),
                (config.producer_id_expiration_check_interval_ms, self._expire_producers),
            ):
                nursery.start_soon(self._every, interval_ms, job)
            task_status.started()

    async def _every(self, interval_ms: int, job: Callable[[], Awaitable[None]]) -> None:
        await trio.sleep(min(self.config.initial_task_delay_ms, interval_ms) / 1000)
        while True:
            await job()
            await trio.sleep(interval_ms / 1000)

    async def _flush_due(self) -> None:
        for log in self._healthy_logs():
            flush = log.local.due_flush()
            if flush is not None:
                await self._flush(log, flush)
        if any(log.local.flushing.has_stale_checkpoint for log in self._healthy_logs()):
            await self.checkpoint_recovery_points()
            await self.checkpoint_log_start_offsets()

    async def _flush(self, log: PartitionLog, flush: Flush) -> None:
        try:
            await self._in_thread(flush.run)
        except OSError as error:
            log.fail(error)
            _log.error("%s: %s", log.directory, error)
        else:
            log.local.finish_flush(flush)

    async def checkpoint_recovery_points(self) -> None:
        async with self._checkpointing:
            for directory, logs in self._logs_by_directory():
                written = _recovery_points(logs)
                await self._in_thread(directory.recovery_points.write, written)
                for log in logs:
                    log.local.flushing.checkpointed(written[log.topic_partition])

    async def checkpoint_log_start_offsets(self) -> None:
        async with self._checkpointing:
            for directory, logs in self._logs_by_directory():
                await self._in_thread(directory.log_start_offsets.write, _log_start_offsets(logs))

    def _logs_by_directory(self) -> list[tuple[LogDirectory, list[PartitionLog]]]:
        return [
            (
                directory,
                [log for log in self._logs.values() if log.directory.parent == directory.path],
            )
            for directory in self._directories
        ]

    async def _delete_old_segments(self) -> None:
        for log in self._healthy_logs():
            try:
                log.delete_old_segments()
            except KafkaError as error:
                _log.error("%s: %s", log.directory, error)
            await trio.lowlevel.checkpoint()

    async def _remove_due(self) -> None:
        files = [path for log in self._healthy_logs() for path in log.local.take_deletable()]
        now_ms = self._clock_ms()
        directories = [path for due_ms, path in self._removable if due_ms <= now_ms]
        self._removable = [entry for entry in self._removable if entry[0] > now_ms]
        if files or directories:
            await self._in_thread(self._remove, files, directories)

    def _remove(self, files: list[Path], directories: list[Path]) -> None:
        for file in files:
            self._disk.unlink(file)
        for directory in directories:
            shutil.rmtree(directory)

    async def _expire_producers(self) -> None:
        for log in self._healthy_logs():
            log.remove_expired_producers()
            await trio.lowlevel.checkpoint()

    def _healthy_logs(self) -> Iterator[PartitionLog]:
        """A copy, as logs come and go between two awaits."""
        return iter([log for log in self._logs.values() if not log.is_failed])

    # --- ending

    async def aclose(self, broker_epoch: int) -> None:
        """End cleanly: no log may be used any more. The caller shields this, with a deadline.

        A directory gets its mark only if all its logs were loaded and could be closed.
        """
        for directory, logs in self._logs_by_directory():
            if self._is_loaded:
                await self._in_thread(_close_directory, directory, logs, broker_epoch)
            directory.unlock()

    async def _in_thread(self, function: Callable[..., T], *arguments: object) -> T:
        return await trio.to_thread.run_sync(function, *arguments, limiter=self._threads)


def _recovery_points(logs: list[PartitionLog]) -> dict[TopicPartition, int]:
    return {log.topic_partition: log.recovery_point for log in logs}


def _log_start_offsets(logs: list[PartitionLog]) -> dict[TopicPartition, int]:
    """Only of logs that do not simply start with their first segment, as Kafka does."""
    return {
        log.topic_partition: log.log_start_offset for log in logs if log.starts_within_a_segment
    }


def _close_directory(directory: LogDirectory, logs: list[PartitionLog], broker_epoch: int) -> None:
    for log in logs:
        try:
            log.close()
        except KafkaError as error:
            _log.error("%s was not closed cleanly: %s", log.directory, error)
            return
    directory.recovery_points.write(_recovery_points(logs))
    directory.log_start_offsets.write(_log_start_offsets(logs))
    directory.write_clean_shutdown(broker_epoch)


def _read_or_nothing(checkpoint: OffsetCheckpoint) -> dict[TopicPartition, int]:
    """Without the checkpoint more must be recovered, and nothing is lost (as Kafka)."""
    try:
        return checkpoint.read()
    except MalformedCheckpoint as error:
        _log.warning("%s; starting without it", error)
        return {}
