"""What happens to a broker's logs by itself: syncs, checkpoints, retention, removal.

    each second            flush         rolled segments, and what flush.ms asks for; and the
                                         checkpoints, if a truncation made them wrong
                           removal       files and directories whose delete delay is over
    each minute            checkpoints   recovery points and log start offsets
    every five minutes     retention     delete_old_segments
    every ten minutes      producers     forget the expired ones; tell of transactions that hang

Of thousands of logs most are idle: the jobs of each second know which have been *stirred* since
there was last something due for them, and look at no other.

A job decides in the event loop, where the logs live; what blocks is done in a thread, and then the
log hears of it. Whatever fails takes its log directory offline (see `storage`), and the jobs go on
with the others.

Source: Kafka's `LogManager.startup`, which schedules the same jobs.
"""

import logging
import shutil
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import attrs
import trio

from broker.log.disk import Disk
from broker.log.log_config import LogManagerConfig
from broker.log.log_directories import LogDirectories
from broker.log.partition_log import PartitionLog
from broker.log.storage import Storage
from broker.waiting import Due
from broker.wire.errors import KafkaError
from coordination.values import TopicPartition

_log = logging.getLogger(__name__)

T = TypeVar("T")

_TICK_MS = 1_000  # how late a sync or an unlink that is due may be


@attrs.define(eq=False)
class LogUpkeep:
    """The jobs of one broker; `logs` are those of the manager, as they come and go, and `futures`
    those that will replace some of them."""

    config: LogManagerConfig
    directories: LogDirectories
    logs: Mapping[TopicPartition, PartitionLog]
    futures: Mapping[TopicPartition, PartitionLog]
    disk: Disk
    clock_ms: Callable[[], int]
    threads: trio.CapacityLimiter
    checkpoint_cleaned: Callable[[], Awaitable[None]]
    # One writer a file, and the newest offsets last.
    _checkpointing: trio.Lock = attrs.field(factory=trio.Lock, init=False)
    _stirred: Due[PartitionLog] = attrs.field(factory=Due, init=False)
    _removable: list[tuple[int, Path]] = attrs.field(factory=list, init=False)  # (when due, path)

    def take_in(self, log: PartitionLog) -> None:
        """Look after a log that has just come to `logs` or `futures`."""
        log.local.stirred.watch(self._stirred, log, rings=False)
        self._stirred.mark(log, rings=False)

    def remove_later(self, path: Path, delay_ms: int = 0) -> None:
        """Remove a `-delete` directory once the delay is over."""
        self._removable.append((self.clock_ms() + delay_ms, path))

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled: see the module's table. Started: at once."""
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
        for log in self._healthy(self._at_work()):
            with suppress(KafkaError):  # its `storage` has taken note
                flush = log.local.due_flush()
                if flush is not None and await self._done(log.local.storage, flush.run):
                    log.local.finish_flush(flush)
        if any(log.local.has_stale_checkpoint for log in self._at_work()):
            await self.checkpoint_offsets()

    async def checkpoint_offsets(self) -> None:
        """All that say something of logs, and of those that there are only."""
        await self.checkpoint_recovery_points()
        await self.checkpoint_log_start_offsets()
        await self.checkpoint_cleaned()

    async def checkpoint_recovery_points(self) -> None:
        async with self._checkpointing:
            for directory, logs in self.directories.online_with_logs(self._all):
                written = recovery_points(logs)
                if await self._done(directory.storage, directory.recovery_points.write, written):
                    for log in logs:
                        log.local.flushing.checkpointed(written[log.topic_partition])

    async def checkpoint_log_start_offsets(self) -> None:
        async with self._checkpointing:
            for directory, logs in self.directories.online_with_logs(self._all):
                offsets = log_start_offsets(logs)
                await self._done(directory.storage, directory.log_start_offsets.write, offsets)

    async def _delete_old_segments(self) -> None:
        for log in self._healthy(self._all):
            with suppress(KafkaError):  # its `storage` has taken note
                while log.delete_old_segments():
                    await trio.lowlevel.checkpoint()
            await trio.lowlevel.checkpoint()

    async def _remove_due(self) -> None:
        now_ms = self.clock_ms()
        due = [path for due_ms, path in self._removable if due_ms <= now_ms]
        self._removable = [entry for entry in self._removable if entry[0] > now_ms]
        at_work = self._at_work()
        for directory in self.directories.online:
            deleted = [path for path in due if path.parent == directory.path]
            files = [
                (log, path)
                for log in at_work
                if log.local.storage is directory.storage
                for path in log.local.take_deletable()
            ]
            if files or deleted:
                paths = [path for _, path in files]
                await self._done(directory.storage, self._remove, paths, deleted)
            for log, path in files:
                if path.parent != log.directory:  # it was renamed meanwhile, and it's still there
                    log.local.delete_later(log.directory / path.name)

    def _remove(self, files: list[Path], directories: list[Path]) -> None:
        for file in files:
            self.disk.unlink(file)
        for directory in directories:
            while directory.exists():
                with suppress(FileNotFoundError):  # somebody removes it by hand, at the same time
                    shutil.rmtree(directory)

    async def _expire_producers(self) -> None:
        for log in self._healthy(self._all):
            log.remove_expired_producers()
            late = log.late_transaction()
            if late is not None:
                _log.warning(
                    "%s: a transaction of producer %d hangs: it has been open since offset %s and "
                    "holds back consumers of committed records; see kafka-transactions",
                    log.topic_partition,
                    late.producer_id,
                    late.transaction_first_offset,
                )
            await trio.lowlevel.checkpoint()

    async def _done(
        self, storage: Storage, function: Callable[..., object], *arguments: object
    ) -> bool:
        """Do it in a thread; False if it failed, of which `storage` has taken note."""
        try:
            with storage:
                await in_thread(self.threads, function, *arguments)
        except KafkaError:
            return False
        return True

    def _at_work(self) -> list[PartitionLog]:
        """Those that a tick has to do with. The others are left out until they are stirred."""
        at_work = []
        for log in list(self._stirred.items):
            if self._is_kept(log) and log.local.awaits_upkeep:
                at_work.append(log)
            else:
                self._stirred.unmark(log)
        return at_work

    def _healthy(self, logs: Iterable[PartitionLog]) -> Iterator[PartitionLog]:
        """Logs come and go, and fail, while the caller awaits between two of them."""
        for log in list(logs):
            if self._is_kept(log) and not log.is_failed:
                yield log

    @property
    def _all(self) -> list[PartitionLog]:
        return [*self.logs.values(), *self.futures.values()]

    def _is_kept(self, log: PartitionLog) -> bool:
        return log in (self.logs.get(log.topic_partition), self.futures.get(log.topic_partition))


def recovery_points(logs: list[PartitionLog]) -> dict[TopicPartition, int]:
    return {log.topic_partition: log.recovery_point for log in logs}


def log_start_offsets(logs: list[PartitionLog]) -> dict[TopicPartition, int]:
    """Only of logs that do not simply start with their first segment, as Kafka does."""
    return {
        log.topic_partition: log.log_start_offset for log in logs if log.starts_within_a_segment
    }


def cleaned_offsets(logs: list[PartitionLog]) -> dict[TopicPartition, int]:
    """Only of logs that were compacted. Those that will replace others know it from them."""
    return {
        log.topic_partition: log.local.cleaned_to
        for log in logs
        if log.local.cleaned_to is not None and not log.is_future
    }


async def in_thread(
    threads: trio.CapacityLimiter, function: Callable[..., T], *arguments: object
) -> T:
    return await trio.to_thread.run_sync(function, *arguments, limiter=threads)
