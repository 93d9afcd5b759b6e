"""Every topic config, and the broker properties behind each.

    retention.ms of a topic  >  log.retention.ms  >  log.retention.minutes  >  log.retention.hours

The first that is set counts. A few have no broker property and keep Kafka's own default.

Source: Kafka's `LogConfig`, `TopicConfig`, `ServerTopicConfigSynonyms`.
"""

from typing import Final

from broker.config.allowed import (
    GZIP_LEVEL,
    KAFKA_VERSION,
    at_least,
    between,
    one_of,
    throttled_replicas,
)
from broker.config.values import BOOLEAN, DOUBLE, INT, LIST, LONG, STRING, Property

TOPIC_PROPERTIES: Final[dict[str, Property]] = {
    row.name: row
    for row in (
        Property("cleanup.policy", LIST, "delete", one_of("compact", "delete")),
        Property("compression.gzip.level", INT, "-1", GZIP_LEVEL),
        Property("compression.lz4.level", INT, "9", between(1, 17)),
        Property(
            "compression.type",
            STRING,
            "producer",
            one_of("uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"),
        ),
        Property("compression.zstd.level", INT, "3", between(-131072, 22)),
        Property("delete.retention.ms", LONG, "86400000", at_least(0)),
        Property("file.delete.delay.ms", LONG, "60000", at_least(0)),
        Property("flush.messages", LONG, "9223372036854775807", at_least(1)),
        Property("flush.ms", LONG, "9223372036854775807", at_least(0)),
        Property(
            "follower.replication.throttled.replicas",
            LIST,
            "",
            throttled_replicas("follower.replication.throttled.replicas"),
        ),
        Property("index.interval.bytes", INT, "4096", at_least(0)),
        Property(
            "leader.replication.throttled.replicas",
            LIST,
            "",
            throttled_replicas("leader.replication.throttled.replicas"),
        ),
        Property("local.retention.bytes", LONG, "-2", at_least(-2)),
        Property("local.retention.ms", LONG, "-2", at_least(-2)),
        Property("max.compaction.lag.ms", LONG, "9223372036854775807", at_least(1)),
        Property("max.message.bytes", INT, "1048588", at_least(0)),
        Property("message.downconversion.enable", BOOLEAN, "true"),
        Property("message.format.version", STRING, "3.0-IV1", KAFKA_VERSION),
        Property("message.timestamp.after.max.ms", LONG, "9223372036854775807", at_least(0)),
        Property("message.timestamp.before.max.ms", LONG, "9223372036854775807", at_least(0)),
        Property("message.timestamp.difference.max.ms", LONG, "9223372036854775807", at_least(0)),
        Property(
            "message.timestamp.type", STRING, "CreateTime", one_of("CreateTime", "LogAppendTime")
        ),
        Property("min.cleanable.dirty.ratio", DOUBLE, "0.5", between(0, 1)),
        Property("min.compaction.lag.ms", LONG, "0", at_least(0)),
        Property("min.insync.replicas", INT, "1", at_least(1)),
        Property("preallocate", BOOLEAN, "false"),
        Property("remote.log.copy.disable", BOOLEAN, "false"),
        Property("remote.log.delete.on.disable", BOOLEAN, "false"),
        Property("remote.storage.enable", BOOLEAN, "false"),
        Property("retention.bytes", LONG, "-1"),
        Property("retention.ms", LONG, "604800000", at_least(-1)),
        Property("segment.bytes", INT, "1073741824", at_least(14)),
        Property("segment.index.bytes", INT, "10485760", at_least(4)),
        Property("segment.jitter.ms", LONG, "0", at_least(0)),
        Property("segment.ms", LONG, "604800000", at_least(1)),
        Property("unclean.leader.election.enable", BOOLEAN, "false"),
    )
}

# Topic config -> the broker property behind it; where a coarser unit may stand in, that follows.
SYNONYMS: Final[dict[str, tuple[str, ...]]] = {
    "cleanup.policy": ("log.cleanup.policy",),
    "compression.gzip.level": ("compression.gzip.level",),
    "compression.lz4.level": ("compression.lz4.level",),
    "compression.type": ("compression.type",),
    "compression.zstd.level": ("compression.zstd.level",),
    "delete.retention.ms": ("log.cleaner.delete.retention.ms",),
    "file.delete.delay.ms": ("log.segment.delete.delay.ms",),
    "flush.messages": ("log.flush.interval.messages",),
    "flush.ms": ("log.flush.interval.ms", "log.flush.scheduler.interval.ms"),
    "index.interval.bytes": ("log.index.interval.bytes",),
    "local.retention.bytes": ("log.local.retention.bytes",),
    "local.retention.ms": ("log.local.retention.ms",),
    "max.compaction.lag.ms": ("log.cleaner.max.compaction.lag.ms",),
    "max.message.bytes": ("message.max.bytes",),
    "message.downconversion.enable": ("log.message.downconversion.enable",),
    "message.format.version": ("log.message.format.version",),
    "message.timestamp.after.max.ms": ("log.message.timestamp.after.max.ms",),
    "message.timestamp.before.max.ms": ("log.message.timestamp.before.max.ms",),
    "message.timestamp.difference.max.ms": ("log.message.timestamp.difference.max.ms",),
    "message.timestamp.type": ("log.message.timestamp.type",),
    "min.cleanable.dirty.ratio": ("log.cleaner.min.cleanable.ratio",),
    "min.compaction.lag.ms": ("log.cleaner.min.compaction.lag.ms",),
    "min.insync.replicas": ("min.insync.replicas",),
    "preallocate": ("log.preallocate",),
    "retention.bytes": ("log.retention.bytes",),
    "retention.ms": ("log.retention.ms", "log.retention.minutes", "log.retention.hours"),
    "segment.bytes": ("log.segment.bytes",),
    "segment.index.bytes": ("log.index.size.max.bytes",),
    "segment.jitter.ms": ("log.roll.jitter.ms", "log.roll.jitter.hours"),
    "segment.ms": ("log.roll.ms", "log.roll.hours"),
    "unclean.leader.election.enable": ("unclean.leader.election.enable",),
}

# Broker properties that stand in for each other, finest first.
BROKER_STAND_INS: Final[dict[str, tuple[str, ...]]] = {
    name: names
    for names in SYNONYMS.values()
    if len(names) > 1
    # The scheduler's interval stands in for the flush interval, and not the other way round.
    for name in (names[:1] if names[0] == "log.flush.interval.ms" else names)
}
