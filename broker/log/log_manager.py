"""All logs of a broker (signatures; the bodies follow)."""

import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import attrs
import trio

from broker.log.log_config import LogConfig
from broker.log.partition_log import PartitionLog
from coordination.values import TopicPartition


@attrs.frozen
class LogManagerConfig:
    directories: tuple[Path, ...]  # log.dirs
    defaults: LogConfig
    flush_check_interval_ms: int = 2**63 - 1  # log.flush.scheduler.interval.ms
    offset_checkpoint_interval_ms: int = 60_000  # log.flush.offset.checkpoint.interval.ms
    start_offset_checkpoint_interval_ms: int = 60_000
    retention_check_interval_ms: int = 300_000  # log.retention.check.interval.ms
    recovery_threads_per_directory: int = 1  # num.recovery.threads.per.data.dir
    initial_task_delay_ms: int = 30_000  # log.initial.task.delay.ms
    producer_id_expiration_ms: int = 86_400_000  # producer.id.expiration.ms
    producer_id_expiration_check_interval_ms: int = 600_000


class LogManager:
    logs: Mapping[TopicPartition, PartitionLog]

    def __init__(self, config: LogManagerConfig, clock_ms: Callable[[], int]) -> None:
        raise NotImplementedError

    async def load(
        self,
        topic_configs: Mapping[str, LogConfig],
        progress: Callable[[int, int], None],
    ) -> None:
        """Lock the directories, load every log (recovering if unclean), in threads."""
        raise NotImplementedError

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Flush, checkpoint, retention, producer expiry, removal of deleted logs."""
        raise NotImplementedError

    def get(self, topic_partition: TopicPartition) -> PartitionLog | None:
        raise NotImplementedError

    async def get_or_create(
        self, topic_partition: TopicPartition, topic_id: uuid.UUID | None, config: LogConfig
    ) -> PartitionLog:
        """INCONSISTENT_TOPIC_ID if the log there is another topic's of that name."""
        raise NotImplementedError

    async def delete(self, topic_partitions: Iterable[TopicPartition]) -> None:
        """Out of sight at once (renamed to -delete); the files go after file.delete.delay.ms."""
        raise NotImplementedError

    def update_config(self, topic: str, config: LogConfig) -> None:
        raise NotImplementedError

    async def aclose(self, broker_epoch: int) -> None:
        """Flush and close every log, write the checkpoints and .kafka_cleanshutdown, unlock."""
        raise NotImplementedError
