"""The start of a broker's logs: every directory of log.dirs at once, in each a few logs at a time.

    a directory   its clean mark is taken, its checkpoints read, what a deletion left is noted
        │
        └─► its logs, num.recovery.threads.per.data.dir at a time: opened, or recovered

A directory that can't be read is offline from then on, and none of its logs is used; the others are
loaded. But a partition with two logs ends the start: nobody but the user knows which is the good
one. (So can a directory look that failed, was replaced, and came back.) Unless one of them was just
replacing the other, and says so: `moved_from`.

Source: Kafka's `LogManager.loadLogs`.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import attrs
import trio

from broker.log.checkpoints import EmptyCheckpoint, MalformedCheckpoint, OffsetCheckpoint
from broker.log.disk import Disk
from broker.log.file_names import is_future, partition_of
from broker.log.future_logs import FutureLogs
from broker.log.log_config import LogConfig
from broker.log.log_directories import LogDirectories
from broker.log.log_directory import LogDirectory, LogDirectoryError
from broker.log.log_opener import LogOpener
from broker.log.moved_from import has_replaced, moved_from, unmark
from broker.log.partition_log import PartitionLog
from broker.log.partition_metadata import MalformedPartitionMetadata
from broker.log.upkeep import LogUpkeep, in_thread
from broker.wire.errors import KafkaError
from coordination.values import TopicPartition

_log = logging.getLogger(__name__)

# What says that a directory can't be used; anything else is a defect of ours.
_UNREADABLE = (OSError, MalformedCheckpoint, MalformedPartitionMetadata)


@attrs.define(eq=False)
class Loading:
    """One start. The logs go into `logs` and `futures`; `progress` hears (logs loaded, in all)."""

    directories: LogDirectories
    logs: dict[TopicPartition, PartitionLog]
    futures: FutureLogs
    opener: LogOpener
    upkeep: LogUpkeep
    threads: trio.CapacityLimiter
    topic_configs: Mapping[str, LogConfig]
    progress: Callable[[int, int], None]
    _total: int = attrs.field(default=0, init=False)
    # Logs that others were replacing when the broker was killed, and those others.
    _replaced: list[tuple[PartitionLog, PartitionLog]] = attrs.field(factory=list, init=False)

    async def run(self) -> None:
        """Raises LogDirectoryError for what the user must mend."""
        found: dict[LogDirectory, list[Path]] = {}
        for directory in self.directories.online:
            try:
                found[directory] = await in_thread(self.threads, directory.partitions)
            except OSError as error:
                directory.storage.fail(error)
        self._total = sum(len(paths) for paths in found.values())
        async with trio.open_nursery() as nursery:
            for directory, paths in found.items():
                nursery.start_soon(self._load_directory, directory, paths)
        for old, new in self._replaced:
            with suppress(KafkaError):  # its `storage` has taken note
                await self.futures.retire(old, new)
        await self._check_marks()

    async def _load_directory(self, directory: LogDirectory, paths: list[Path]) -> None:
        try:
            start = await in_thread(self.threads, _Start.of, directory)
        except OSError as error:
            directory.storage.fail(error)
            return
        for path in start.deleted:
            self.upkeep.remove_later(path)
        waiting = iter(paths)
        threads = self.opener.config.recovery_threads_per_directory
        limiter = trio.CapacityLimiter(threads)
        async with trio.open_nursery() as nursery:
            for _ in range(threads):
                nursery.start_soon(self._load_waiting, directory, start, waiting, limiter)

    async def _load_waiting(
        self,
        directory: LogDirectory,
        start: "_Start",
        waiting: Iterator[Path],
        limiter: trio.CapacityLimiter,
    ) -> None:
        for path in waiting:
            if not directory.is_online:
                return
            try:
                log = await in_thread(limiter, self._open, directory, start, path)
            except _UNREADABLE as error:
                directory.storage.fail(error)
                return
            except KafkaError as error:  # CORRUPT_MESSAGE, in what should not need recovering
                directory.storage.fail(LogDirectoryError(f"{path}: {error.message}"))
                return
            self._add(log)
            self.progress(len(self.logs) + len(self.futures.logs), self._total)

    async def _check_marks(self) -> None:
        """A copy that Kafka began to make has no mark; a log that's alone needs none any more."""
        online = [str(directory.path.absolute()) for directory in self.directories.online]
        for directory, logs in self.directories.online_with_logs(self.logs.values()):
            paths = [log.directory for log in logs]
            with suppress(KafkaError), directory.storage:  # which has taken note
                await in_thread(self.threads, _unmark, self.opener.disk, paths, online)
        for topic_partition, future in list(self.futures.logs.items()):
            log = self.logs.get(topic_partition)
            if log is not None:
                with suppress(KafkaError):
                    await self.futures.mark(future, log)

    def _open(self, directory: LogDirectory, start: "_Start", path: Path) -> PartitionLog:
        topic_partition = partition_of(path.name)
        return self.opener.open(
            directory,
            path,
            self.topic_configs.get(topic_partition.topic, self.opener.config.defaults),
            was_clean=start.was_clean,
            log_start_offset=start.log_start_offsets.get(topic_partition, 0),
            recovery_point=start.recovery_point_of(topic_partition),
            # What becomes a partition's log takes this over from the one that it replaces.
            cleaned_to=None if is_future(path.name) else start.cleaned_offsets.get(topic_partition),
        )

    def _add(self, log: PartitionLog) -> None:
        logs = self.futures.logs if is_future(log.directory.name) else self.logs
        other = logs.get(log.topic_partition)
        if other is not None:
            if has_replaced(other.directory, log.directory):
                self._replaced.append((log, other))
                return
            if not has_replaced(log.directory, other.directory):
                raise LogDirectoryError(
                    f"{log.topic_partition} has two logs: {other.directory} and {log.directory}; "
                    "remove the one that is out of date"
                )
            self._replaced.append((other, log))
        logs[log.topic_partition] = log
        self.upkeep.take_in(log)


def _unmark(disk: Disk, logs: list[Path], online: list[str]) -> None:
    """Those that say that another log lies where it would have been found."""
    for path in logs:
        if moved_from(path) in online:
            unmark(disk, path)


@attrs.frozen
class _Start:
    """What a directory says of its logs; taking it removes the mark of a clean end."""

    was_clean: bool
    recovery_points: Mapping[TopicPartition, int] | None
    log_start_offsets: Mapping[TopicPartition, int]
    cleaned_offsets: Mapping[TopicPartition, int]
    deleted: list[Path]

    @classmethod
    def of(cls, directory: LogDirectory) -> "_Start":
        return cls(
            directory.take_clean_shutdown(),
            _read_if_whole(directory.recovery_points),
            _read_if_whole(directory.log_start_offsets) or {},
            _read_if_whole(directory.cleaned_offsets) or {},
            directory.deleted_partitions(),
        )

    def recovery_point_of(self, topic_partition: TopicPartition) -> int | None:
        """None if nobody knows: the checkpoint can't be read. A log that isn't in it is new."""
        if self.recovery_points is None:
            return None
        return self.recovery_points.get(topic_partition, 0)


def _read_if_whole(checkpoint: OffsetCheckpoint) -> dict[TopicPartition, int] | None:
    """Without it more is recovered, or cleaned again, and nothing is lost (as Kafka)."""
    try:
        return checkpoint.read()
    except EmptyCheckpoint:
        return None
    except MalformedCheckpoint as error:
        _log.warning("%s; starting without it", error)
        return None
