"""What the logs are told by configuration: each by its topic, and all together by the broker.

`LogConfig` has Kafka's topic configs, typed, with their defaults; `LogManagerConfig` the properties
of the broker that concern all its logs.

Each field of `LogConfig` but the last is a topic config with dots as underscores (`retention.ms` is
`retention_ms`), its broker default under the name in the comment where that differs by more than a
`log.` in front. -1 is "no limit" where Kafka says so.

Source: Kafka's `LogConfig`, `TopicConfig`, `ServerTopicConfigSynonyms`.
"""

import enum
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import attrs

from broker.wire.compression import Compression

LONG_MAX: Final = 2**63 - 1


class TimestampType(enum.Enum):
    CREATE_TIME = "CreateTime"
    LOG_APPEND_TIME = "LogAppendTime"


@attrs.frozen
class ThrottledReplicas:
    """Whose replication traffic is limited: all replicas of the topic, or some (KIP-73)."""

    replicas: frozenset[tuple[int, int]] = frozenset()  # (partition, broker)
    all: bool = False

    @classmethod
    def parse(cls, items: tuple[str, ...]) -> "ThrottledReplicas":
        """`*`, or `partition:broker` items."""
        if items == ("*",):
            return cls(all=True)
        pairs = (item.split(":") for item in items)
        return cls(frozenset((int(partition), int(broker)) for partition, broker in pairs))

    def includes(self, partition: int, broker_id: int) -> bool:
        return self.all or (partition, broker_id) in self.replicas


@attrs.frozen
class LogConfig:
    cleanup_policy: frozenset[str] = frozenset({"delete"})  # of "delete", "compact"
    compression_gzip_level: int = -1  # compression.gzip.level
    compression_lz4_level: int = 9  # compression.lz4.level
    compression_type: Compression | None = None  # compression.type; None: whatever producers chose
    compression_zstd_level: int = 3  # compression.zstd.level
    delete_retention_ms: int = 86_400_000  # log.cleaner.delete.retention.ms
    file_delete_delay_ms: int = 60_000  # log.segment.delete.delay.ms
    flush_messages: int = LONG_MAX  # log.flush.interval.messages
    flush_ms: int = LONG_MAX  # log.flush.interval.ms
    follower_replication_throttled_replicas: ThrottledReplicas = ThrottledReplicas()
    index_interval_bytes: int = 4096
    leader_replication_throttled_replicas: ThrottledReplicas = ThrottledReplicas()
    max_compaction_lag_ms: int = LONG_MAX  # log.cleaner.max.compaction.lag.ms
    max_message_bytes: int = 1_048_588  # message.max.bytes: 1 MiB and the log overhead of 12
    message_downconversion_enable: bool = True  # log.message.downconversion.enable
    message_timestamp_after_max_ms: int = LONG_MAX
    message_timestamp_before_max_ms: int = LONG_MAX
    message_timestamp_type: TimestampType = TimestampType.CREATE_TIME
    min_cleanable_dirty_ratio: float = 0.5  # log.cleaner.min.cleanable.ratio
    min_compaction_lag_ms: int = 0  # log.cleaner.min.compaction.lag.ms
    min_insync_replicas: int = 1  # min.insync.replicas
    retention_bytes: int = -1
    retention_ms: int = 604_800_000  # log.retention.{hours,minutes,ms}
    segment_bytes: int = 1_073_741_824
    segment_index_bytes: int = 10_485_760  # log.index.size.max.bytes
    segment_jitter_ms: int = 0  # log.roll.jitter.{hours,ms}
    segment_ms: int = 604_800_000  # log.roll.{hours,ms}
    unclean_leader_election_enable: bool = False  # unclean.leader.election.enable
    # What the topic says itself, as text: the rest follows the broker's defaults when they change.
    overrides: Mapping[str, str] = attrs.field(factory=dict)

    def compression_level(self, codec: Compression) -> int | None:
        """None for a codec that has none."""
        match codec:
            case Compression.GZIP:
                return self.compression_gzip_level
            case Compression.LZ4:
                return self.compression_lz4_level
            case Compression.ZSTD:
                return self.compression_zstd_level
            case _:
                return None

    @property
    def is_compacted(self) -> bool:
        return "compact" in self.cleanup_policy

    @property
    def max_segment_ms(self) -> int:
        """How old a segment may grow: what must be compacted in time must first be closed."""
        if self.is_compacted and self.max_compaction_lag_ms > 0:
            return min(self.segment_ms, self.max_compaction_lag_ms)
        return self.segment_ms

    @property
    def deletes_by_retention(self) -> bool:
        return "delete" in self.cleanup_policy


@attrs.frozen
class CleanerConfig:
    """The broker's properties for compaction; the defaults are Kafka's."""

    is_enabled: bool = True  # log.cleaner.enable
    threads: int = 1  # log.cleaner.threads: how many logs at a time
    backoff_ms: int = 15_000  # log.cleaner.backoff.ms
    # Of all threads together
    map_bytes: int = 134_217_728  # log.cleaner.dedupe.buffer.size
    load_factor: float = 0.9  # log.cleaner.io.buffer.load.factor
    buffer_bytes: int = 524_288  # log.cleaner.io.buffer.size
    bytes_per_second: float = sys.float_info.max  # log.cleaner.io.max.bytes.per.second


@attrs.frozen
class ProducerConfig:
    """What holds for the producers of all logs; the defaults are Kafka's."""

    expiration_ms: int = 86_400_000  # producer.id.expiration.ms
    verifies_transactions: bool = True  # transaction.partition.verification.enable
    max_transaction_timeout_ms: int = 900_000  # transaction.max.timeout.ms


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
    producers: ProducerConfig = ProducerConfig()
    producer_id_expiration_check_interval_ms: int = 600_000
    cleaner: CleanerConfig = CleanerConfig()
