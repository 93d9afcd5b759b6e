"""Compaction without a process: on any disk, and where it is called."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs

from broker.log.cleaner.choosing import look_at
from broker.log.cleaner.cleaning import Cleaning
from broker.log.cleaner.job import Cleaned, Failure, Job
from broker.log.cleaner.log_cleaner import job_for
from broker.log.cleaner.worker import StartWorker, Swap, Worker, error_of
from broker.log.disk import Data, Disk, StrPath
from broker.log.log_config import CleanerConfig
from broker.log.partition_log import PartitionLog
from broker.wire.errors import KafkaError
from broker.wire.regions import OpenFile
from tests.support.unsynced_disk import UnsyncedDisk


def clean(
    log: PartitionLog,
    now_ms: int,
    disk: Disk,
    config: CleanerConfig = CleanerConfig(),  # noqa: B008
) -> Cleaned:
    """One round over a log, whether or not it is due."""
    chosen = look_at(log, now_ms)
    if not chosen.cleanable_bytes:
        return Cleaned(chosen.first_dirty_offset, 0)
    cleaning = Cleaning(job_for(chosen, config, now_ms), disk, lambda _size_bytes: None).run()
    while True:
        try:
            replacement = next(cleaning)
        except StopIteration as done:
            cleaned: Cleaned = done.value
            log.local.cleaned_to = cleaned.end_offset
            return cleaned
        log.local.replace(replacement.base_offsets, replacement.size_bytes)


def in_this_process(disk: Disk) -> StartWorker:
    @asynccontextmanager
    async def start() -> AsyncIterator[Worker]:
        yield InThisProcess(disk)

    return start


@attrs.frozen
class InThisProcess:
    disk: Disk

    async def clean(self, job: Job, swap: Swap) -> Cleaned:
        cleaning = Cleaning(job, self.disk, lambda _size_bytes: None).run()
        while True:
            try:
                replacement = next(cleaning)
            except StopIteration as done:
                cleaned: Cleaned = done.value
                return cleaned
            except (OSError, KafkaError) as error:
                raise error_of(Failure.of(error)) from error
            await swap(replacement)


class Killed(BaseException):
    """The process is gone: nothing may catch it."""


class KillingDisk:
    """Ends the process before the change of a file that is `lives` changes away; a sync is one."""

    def __init__(self, disk: Disk | None = None) -> None:
        self.lives: int | None = None
        self._disk = disk or UnsyncedDisk()

    def _live(self) -> None:
        if self.lives is not None:
            if not self.lives:
                raise Killed
            self.lives -= 1

    def open(self, path: StrPath, *, create: bool = False) -> OpenFile:
        if create and not Path(path).exists():
            self._live()
        return self._disk.open(path, create=create)

    def write_at(self, file: OpenFile, data: Data, position: int) -> None:
        self._live()
        self._disk.write_at(file, data, position)

    def truncate(self, file: OpenFile, size_bytes: int) -> None:
        self._live()
        self._disk.truncate(file, size_bytes)

    def sync(self, file: OpenFile) -> None:
        self._live()
        self._disk.sync(file)

    def sync_directory(self, path: StrPath) -> None:
        self._live()
        self._disk.sync_directory(path)

    def rename(self, source: StrPath, target: StrPath) -> None:
        self._live()
        self._disk.rename(source, target)

    def unlink(self, path: StrPath) -> None:
        self._live()
        self._disk.unlink(path)
