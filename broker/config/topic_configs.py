"""A topic's configuration: Kafka's topic configs, over the broker's defaults.

Each topic config takes its default from a broker property, its *synonym*, often of another name:

    /config/topics/T {"retention.ms": "1000"}  >  log.retention.ms  >  .minutes  >  .hours  >  7 days

A few have no synonym and keep Kafka's own default. `log_config` merges the three into what the
topic's logs run with; `validate_topic_configs` says, in Kafka's words, why a request's configs are
refused. What is stored in ZooKeeper may be wrong all the same (someone edits it by hand): then the
broker's default stands in, see `log_config`.

Source: Kafka's `LogConfig`, `ServerTopicConfigSynonyms`, `TopicConfig`.
"""

from collections.abc import Mapping
from typing import Any, Final

import attrs

from broker.config.allowed import (
    GZIP_LEVEL,
    KAFKA_VERSION,
    THROTTLED_REPLICAS,
    at_least,
    between,
    one_of,
)
from broker.config.broker_config import BrokerConfig
from broker.config.values import (
    BOOLEAN,
    DOUBLE,
    INT,
    LIST,
    LONG,
    LONG_MAX,
    STRING,
    ConfigError,
    Property,
)
from broker.log.log_config import LogConfig, TimestampType

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
        Property("follower.replication.throttled.replicas", LIST, "", THROTTLED_REPLICAS),
        Property("index.interval.bytes", INT, "4096", at_least(0)),
        Property("leader.replication.throttled.replicas", LIST, "", THROTTLED_REPLICAS),
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
    "flush.ms": (
        "log.flush.interval.ms",
        "log.flush.scheduler.interval.ms",
    ),
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
    "retention.ms": (
        "log.retention.ms",
        "log.retention.minutes",
        "log.retention.hours",
    ),
    "segment.bytes": ("log.segment.bytes",),
    "segment.index.bytes": ("log.index.size.max.bytes",),
    "segment.jitter.ms": (
        "log.roll.jitter.ms",
        "log.roll.jitter.hours",
    ),
    "segment.ms": (
        "log.roll.ms",
        "log.roll.hours",
    ),
    "unclean.leader.election.enable": ("unclean.leader.election.enable",),
}


class InvalidTopicConfigError(Exception):
    """A topic's configs that no topic may have (error INVALID_CONFIG); the message is Kafka's."""


def validate_topic_config(name: str, value: str) -> None:
    """Raises InvalidTopicConfigError for a name or value that Kafka refuses."""
    validate_topic_configs({name: value})


def validate_topic_configs(configs: Mapping[str, str]) -> None:
    """Checks the names, then each value, then what they say together; raises as above."""
    for name in configs:
        if name not in TOPIC_PROPERTIES:
            raise InvalidTopicConfigError(f"Unknown topic config name: {name}")
    values: dict[str, Any] = {}
    for name, row in TOPIC_PROPERTIES.items():
        try:
            values[name] = row.parse(configs.get(name, row.default))
        except ConfigError as error:
            raise InvalidTopicConfigError(str(error)) from None
    least, most = values["min.compaction.lag.ms"], values["max.compaction.lag.ms"]
    if least > most:
        raise InvalidTopicConfigError(
            f"conflict topic config setting min.compaction.lag.ms ({least}) > "
            f"max.compaction.lag.ms ({most})"
        )


def log_config(broker: BrokerConfig, overrides: Mapping[str, str]) -> LogConfig:
    """What the logs of a topic with these overrides run with.

    Raises InvalidTopicConfigError if an override is wrong; names that Kafka does not know are left
    alone, as Kafka leaves them.
    """
    values: dict[str, Any] = {}
    for field in attrs.fields(LogConfig):
        name = field.name.replace("_", ".")
        try:
            values[field.name] = (
                TOPIC_PROPERTIES[name].parse(overrides[name])
                if name in overrides
                else getattr(broker, SYNONYMS[name][0].replace(".", "_"))
            )
        except ConfigError as error:
            raise InvalidTopicConfigError(str(error)) from None
    values["cleanup_policy"] = frozenset(policy.lower() for policy in values["cleanup_policy"])
    values["message_timestamp_type"] = TimestampType(values["message_timestamp_type"])
    _apply_older_timestamp_limit(values, overrides)
    return LogConfig(**values)


def _apply_older_timestamp_limit(values: dict[str, Any], overrides: Mapping[str, str]) -> None:
    """KIP-937: a topic's `difference` limit counts while `before` and `after` are not set."""
    name = "message.timestamp.difference.max.ms"
    if name not in overrides:
        return
    limit_ms = TOPIC_PROPERTIES[name].parse(overrides[name])
    for field in ("message_timestamp_before_max_ms", "message_timestamp_after_max_ms"):
        if values[field] == LONG_MAX:
            values[field] = limit_ms
