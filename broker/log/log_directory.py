"""One entry of `log.dirs`: its lock, its checkpoints, its mark of a clean shutdown, its health.

The mark is written last at a clean shutdown and removed first at the next start, before any log is
loaded: a crash at any moment in between, recovery included, means that the next start recovers
(KAFKA-10471). It carries the broker epoch of the life that ended, which only KRaft's brokers read
(an older Kafka's is empty):

    {"version":0,"brokerEpoch":25}

A directory that can't be used, at the start or later, is offline: `storage` says why. The broker
goes on with the others (`log_directories`).

Source: Kafka's `LogManager.lockLogDirs`, `CleanShutdownFileHandler` (KIP-966), KIP-112.
"""

import fcntl
import json
import os
from pathlib import Path

from broker.failure import BrokerFailure
from broker.log.checkpoints import OffsetCheckpoint
from broker.log.disk import Disk, replace_file
from broker.log.file_names import (
    CLEAN_SHUTDOWN,
    CLEANER_CHECKPOINT,
    HIGH_WATERMARK_CHECKPOINT,
    LOCK,
    LOG_START_OFFSET_CHECKPOINT,
    RECOVERY_POINT_CHECKPOINT,
    NotAPartitionDirectory,
    is_deleted_partition,
    is_ignored,
    partition_of,
)
from broker.log.storage import Storage


class LogDirectoryError(BrokerFailure):
    """A directory that cannot be used, in one line for whoever configured it."""


class LogDirectory:
    """All calls block; none is for the event loop. What they raise is for whoever waits for them:
    the OSErrors go into `storage`."""

    def __init__(self, disk: Disk, path: Path) -> None:
        self.path = path
        self.storage = Storage(path)
        self.recovery_points = OffsetCheckpoint(disk, path / RECOVERY_POINT_CHECKPOINT)
        self.log_start_offsets = OffsetCheckpoint(disk, path / LOG_START_OFFSET_CHECKPOINT)
        self.cleaned_offsets = OffsetCheckpoint(disk, path / CLEANER_CHECKPOINT)
        self.high_watermarks = OffsetCheckpoint(disk, path / HIGH_WATERMARK_CHECKPOINT)
        self._disk = disk
        self._lock_fd: int | None = None

    def lock(self) -> None:
        """Make the directory if it is missing, and keep every other broker out of it.

        A POSIX lock, which Kafka takes, too. It belongs to the process and goes with it; nothing
        else may open the lock file, for closing any descriptor of it would release the lock.
        LogDirectoryError if another broker has it; OSError if it can't be used.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        fd = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(fd)
            raise LogDirectoryError(
                f"log directory {self.path} is in use by another broker ({LOCK} is locked)"
            ) from error
        except OSError:
            os.close(fd)
            raise
        self._lock_fd = fd

    @property
    def is_online(self) -> bool:
        return self.storage.failure is None

    def unlock(self) -> None:
        if self._lock_fd is not None:
            os.close(self._lock_fd)
            self._lock_fd = None

    def take_clean_shutdown(self) -> bool:
        """Remove the mark; whether there was one."""
        path = self.path / CLEAN_SHUTDOWN
        if not path.exists():
            return False
        self._disk.unlink(path)
        self._disk.sync_directory(self.path)
        return True

    def write_clean_shutdown(self, broker_epoch: int) -> None:
        content = json.dumps({"version": 0, "brokerEpoch": broker_epoch}, separators=(",", ":"))
        replace_file(self._disk, self.path / CLEAN_SHUTDOWN, content.encode(), sync=True)

    def partitions(self) -> list[Path]:
        """The directories of logs. LogDirectoryError if there is one that is something else."""
        found = [
            entry for entry in self._directories()
            if not is_deleted_partition(entry.name) and not is_ignored(entry.name)
        ]  # fmt: skip
        for path in found:
            try:
                partition_of(path.name)
            except NotAPartitionDirectory as error:
                raise LogDirectoryError(f"log directory {self.path}: {error}") from error
        return found

    def deleted_partitions(self) -> list[Path]:
        """The directories that a deletion had renamed and not yet removed."""
        return [entry for entry in self._directories() if is_deleted_partition(entry.name)]

    def _directories(self) -> list[Path]:
        return sorted(Path(entry.path) for entry in os.scandir(self.path) if entry.is_dir())
