"""The entries of `log.dirs`: which of them can be used, and where a new log goes.

    log.dirs=/a,/b,/c        a partition lies wholly in one of them
        │
        ├── online           locked, loaded, written to; new logs go where the fewest are
        └── offline          could not be made, read or written at the start, or failed since:
                             its partitions are not served, and none of them is made anew elsewhere
                             (its data may come back with the next start)

When none is online any more the broker ends: it has nothing to serve.

Source: Kafka's `LogManager.createAndValidateLogDirs`, `handleLogDirFailure`, `nextLogDirs`,
KIP-112.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

import attrs

from broker.failure import BrokerFailure
from broker.log.log_directory import LogDirectory, LogDirectoryError
from broker.log.partition_log import PartitionLog
from broker.wire.errors import ErrorCode, KafkaError
from coordination.values import TopicPartition

# Kafka halts with these words.
NONE_USABLE: Final = "none of the specified log dirs from {} can be created or validated"
ALL_FAILED: Final = "all log dirs in {} have failed"


@attrs.frozen
class LogDirectories:
    """All of them, in the order of log.dirs; `storage` of each says whether it is online."""

    all: tuple[LogDirectory, ...]

    @property
    def online(self) -> list[LogDirectory]:
        return [directory for directory in self.all if directory.is_online]

    @property
    def offline(self) -> list[LogDirectory]:
        return [directory for directory in self.all if not directory.is_online]

    def at(self, path: Path) -> LogDirectory:
        return next(directory for directory in self.all if directory.path == path)

    def named(self, absolute_path: str) -> LogDirectory:
        """The one that a client names; LOG_DIR_NOT_FOUND."""
        for directory in self.all:
            if str(directory.path.absolute()) == absolute_path:
                return directory
        raise KafkaError(
            ErrorCode.LOG_DIR_NOT_FOUND, f"Log dir {absolute_path} is not found in the config."
        )

    def check_distinct(self) -> None:
        """LogDirectoryError if two entries are the same directory."""
        resolved = [directory.path.resolve() for directory in self.all]
        for path in resolved:
            if resolved.count(path) > 1:
                raise LogDirectoryError(f"log directory {path} is listed twice in log.dirs")

    def check_any_online(self, what_happened: str) -> None:
        """BrokerFailure if there is none left; `what_happened` is one of the two above."""
        if not self.online:
            listed = ", ".join(str(directory.path) for directory in self.all)
            why = "; ".join(
                f"{directory.path}: {directory.storage.failure}" for directory in self.all
            )
            raise BrokerFailure(f"Shutdown broker because {what_happened.format(listed)} ({why})")

    def check_all_online(self, topic_partition: TopicPartition) -> None:
        """KAFKA_STORAGE_ERROR if there may be a log of the partition that we can't see."""
        offline = self.offline
        if offline:
            listed = ",".join(str(directory.path) for directory in offline)
            raise KafkaError(
                ErrorCode.KAFKA_STORAGE_ERROR,
                f"Can not create log for {topic_partition} because log directories "
                f"{listed} are offline",
            )

    def least_filled(
        self, logs: Iterable[PartitionLog], being_made: Iterable[LogDirectory]
    ) -> list[LogDirectory]:
        """The online ones, the one with the fewest logs first."""
        online = self.online
        if len(online) <= 1:
            return online
        filled = Counter(id(log.local.storage) for log in logs)
        filled.update(id(directory.storage) for directory in being_made)
        return sorted(online, key=lambda directory: filled[id(directory.storage)])

    def online_with_logs(
        self, logs: Collection[PartitionLog]
    ) -> list[tuple[LogDirectory, list[PartitionLog]]]:
        return [
            (directory, [log for log in logs if log.local.storage is directory.storage])
            for directory in self.online
        ]
