"""What every log of a broker is opened with, so that opening one takes a directory and offsets."""

import random
from collections.abc import Callable
from pathlib import Path

import attrs

from broker.log.disk import Disk
from broker.log.log_config import LogConfig, LogManagerConfig
from broker.log.log_directory import LogDirectory
from broker.log.partition_log import PartitionLog


@attrs.frozen
class LogOpener:
    config: LogManagerConfig
    disk: Disk
    clock_ms: Callable[[], int]
    randomness: random.Random

    def open(
        self,
        directory: LogDirectory,
        path: Path,
        config: LogConfig,
        *,
        was_clean: bool,
        log_start_offset: int = 0,
        recovery_point: int | None = 0,
        cleaned_to: int | None = None,
    ) -> PartitionLog:
        """The log at `path`, in `directory`; blocks, and raises what `PartitionLog.open` does."""
        return PartitionLog.open(
            path,
            config,
            disk=self.disk,
            clock_ms=self.clock_ms,
            randomness=self.randomness,
            was_clean=was_clean,
            log_start_offset=log_start_offset,
            recovery_point=recovery_point,
            cleaned_to=cleaned_to,
            producer_config=self.config.producers,
            storage=directory.storage,
        )
