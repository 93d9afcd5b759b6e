"""A topic's configuration: Kafka's topic configs, over the broker's defaults.

A topic config counts if it is set in /config/topics/T, else the broker's property behind it, its
*synonym*, does (table/topic.py lists them). `log_config` merges the two into what the topic's logs
run with; `validate_topic_configs` says, in Kafka's words, why the configs of a request are refused.

Source: Kafka's `LogConfig` (validate, fromProps).
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

from broker.config.allowed import Value
from broker.config.broker_config import BrokerConfig
from broker.config.table.topic import SYNONYMS, TOPIC_PROPERTIES
from broker.config.values import LONG_MAX, ConfigError, Property
from broker.log.log_config import (
    CleanerConfig,
    LogConfig,
    ProducerConfig,
    ThrottledReplicas,
    TimestampType,
)
from broker.wire.compression import Compression


class InvalidTopicConfigError(Exception):
    """A topic's configs that no topic may have (error INVALID_CONFIG); the message is Kafka's."""


class InvalidTopicConfigValueError(InvalidTopicConfigError):
    """A single value that its name does not allow (Kafka's ConfigException)."""


def validate_topic_configs(broker: BrokerConfig, configs: Mapping[str, str]) -> None:
    """Checks the names, then each value, then what they say together; raises as above.

    The broker's defaults count where two configs limit each other and only one is set.
    """
    for name in configs:
        if name not in TOPIC_PROPERTIES:
            raise InvalidTopicConfigError(f"Unknown topic config name: {name}")
    values: dict[str, Any] = {
        "min.compaction.lag.ms": broker.log_cleaner_min_compaction_lag_ms,
        "max.compaction.lag.ms": broker.log_cleaner_max_compaction_lag_ms,
    }
    for name, row in TOPIC_PROPERTIES.items():
        if name in configs:
            values[name] = _parse(row, configs[name])
    least, most = values["min.compaction.lag.ms"], values["max.compaction.lag.ms"]
    if least > most:
        raise InvalidTopicConfigError(
            f"conflict topic config setting min.compaction.lag.ms ({least}) > "
            f"max.compaction.lag.ms ({most})"
        )
    if values.get("remote.log.delete.on.disable") or values.get("remote.log.copy.disable"):
        raise InvalidTopicConfigError(
            "It is invalid to set `remote.log.delete.on.disable` or `remote.log.copy.disable` "
            "under Zookeeper's mode."
        )
    if values.get("remote.storage.enable"):
        raise InvalidTopicConfigValueError(
            "Tiered Storage functionality is disabled in the broker. "
            "Topic cannot be configured with remote log storage."
        )


def log_config(broker: BrokerConfig, overrides: Mapping[str, str]) -> LogConfig:
    """What the logs of a topic with these overrides run with.

    Raises InvalidTopicConfigError if an override is wrong; names that Kafka does not know are left
    alone, as Kafka leaves them.
    """
    values: dict[str, Any] = {"overrides": overrides}
    for field in attrs.fields(LogConfig):
        name = field.name.replace("_", ".")
        if name in overrides or name in _WITHOUT_DEFAULT_OF_BROKER:
            row = TOPIC_PROPERTIES[name]
            values[field.name] = _parse(row, overrides.get(name, row.default))
        elif name in SYNONYMS:
            values[field.name] = getattr(broker, SYNONYMS[name][0].replace(".", "_"))
    values["cleanup_policy"] = frozenset(policy.lower() for policy in values["cleanup_policy"])
    values["compression_type"] = _codec(values["compression_type"])
    values["message_timestamp_type"] = TimestampType(values["message_timestamp_type"])
    for name in _WITHOUT_DEFAULT_OF_BROKER:
        field_name = name.replace(".", "_")
        values[field_name] = ThrottledReplicas.parse(values[field_name])
    _apply_older_timestamp_limit(values, overrides)
    return LogConfig(**values)


def cleaner_config(broker: BrokerConfig) -> CleanerConfig:
    """What all compaction of this broker runs with."""
    return CleanerConfig(
        is_enabled=broker.log_cleaner_enable,
        threads=broker.log_cleaner_threads,
        backoff_ms=broker.log_cleaner_backoff_ms,
        map_bytes=broker.log_cleaner_dedupe_buffer_size,
        load_factor=broker.log_cleaner_io_buffer_load_factor,
        buffer_bytes=broker.log_cleaner_io_buffer_size,
        bytes_per_second=broker.log_cleaner_io_max_bytes_per_second,
    )


def topic_configs_without_effect(names: Iterable[str]) -> list[str]:
    """Those that are accepted and stored, and change nothing here."""
    used = {field.name.replace("_", ".") for field in attrs.fields(LogConfig)}
    used.add("message.timestamp.difference.max.ms")
    return [name for name in names if name not in used]


_WITHOUT_DEFAULT_OF_BROKER: Final = (
    "follower.replication.throttled.replicas",
    "leader.replication.throttled.replicas",
)


def _parse(row: Property, text: str | None) -> Value:
    try:
        return row.parse(text)
    except ConfigError as error:
        raise InvalidTopicConfigValueError(str(error)) from None


def _codec(name: str) -> Compression | None:
    """compression.type; None for `producer`."""
    if name == "producer":
        return None
    return Compression.NONE if name == "uncompressed" else Compression[name.upper()]


def _apply_older_timestamp_limit(values: dict[str, Any], overrides: Mapping[str, str]) -> None:
    """KIP-937: a topic's `difference` limit counts while `before` and `after` are not set."""
    name = "message.timestamp.difference.max.ms"
    if name not in overrides:
        return
    limit_ms = _parse(TOPIC_PROPERTIES[name], overrides[name])
    for field in ("message_timestamp_before_max_ms", "message_timestamp_after_max_ms"):
        if values[field] == LONG_MAX:
            values[field] = limit_ms


def producer_config(config: BrokerConfig) -> ProducerConfig:
    """What all logs do with their producers; no topic has a say in it."""
    return ProducerConfig(
        expiration_ms=config.producer_id_expiration_ms,
        verifies_transactions=config.transaction_partition_verification_enable,
        max_transaction_timeout_ms=config.transaction_max_timeout_ms,
    )
