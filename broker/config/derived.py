"""The fields of BrokerConfig that are worked out of several properties.

Kafka has three names for how long a topic keeps its records (`log.retention.ms`, `.minutes`,
`.hours`), and the finest one that is set counts; the same for rolling a segment. `DERIVED` maps
each such field to the function that reads it from all the parsed values.

Source: Kafka's `KafkaConfig` (logRetentionTimeMillis, logRollTimeMillis, logDirs, ...), KIP-937.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from broker.config.rules import Values
from broker.config.values import LONG_MAX, ConfigError, parse_list, to_text
from broker.config.zookeeper_connect import parse_zookeeper_connect

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 60 * MINUTE_MS


def _log_dirs(values: Values) -> tuple[Path, ...]:
    name = "log.dirs" if values["log.dirs"] is not None else "log.dir"
    directories = tuple(dict.fromkeys(Path(item) for item in parse_list(values[name]) if item))
    if not directories:
        raise ConfigError(
            name,
            values[name],
            "At least one log directory must be defined via log.dirs or log.dir.",
            "a list of directories",
        )
    return directories


def _retention_ms(values: Values) -> int:
    retention_ms = _first(
        values, ("log.retention.ms", 1), ("log.retention.minutes", MINUTE_MS),
        ("log.retention.hours", HOUR_MS),
    )  # fmt: skip
    if retention_ms == 0:
        problem = "log.retention.ms must be unlimited (-1) or, greater than or equal to 1"
        raise ConfigError("log.retention.ms", "0", problem, "-1 (no limit), or at least 1")
    return max(-1, retention_ms)


def _roll_ms(values: Values) -> int:
    roll_ms = _first(values, ("log.roll.ms", 1), ("log.roll.hours", HOUR_MS))
    if roll_ms < 1:
        problem = "log.roll.ms must be greater than or equal to 1"
        raise ConfigError("log.roll.ms", to_text(roll_ms), problem, "at least 1")
    return roll_ms


def _roll_jitter_ms(values: Values) -> int:
    jitter_ms = _first(values, ("log.roll.jitter.ms", 1), ("log.roll.jitter.hours", HOUR_MS))
    if jitter_ms < 0:
        problem = "log.roll.jitter.ms must be greater than or equal to 0"
        raise ConfigError("log.roll.jitter.ms", to_text(jitter_ms), problem, "at least 0")
    return jitter_ms


def _first(values: Values, *names: tuple[str, int]) -> int:
    """The first of these that is set, times its unit."""
    return next(int(values[name]) * unit for name, unit in names if values[name] is not None)


def _timestamp_max_ms(name: str) -> Callable[[Values], int]:
    """KIP-937: while before/after are not set, the older `difference` counts."""

    def derive(values: Values) -> int:
        own = int(values[name])
        return own if own != LONG_MAX else int(values["log.message.timestamp.difference.max.ms"])

    return derive


def _connections_per_ip(values: Values) -> dict[str, int]:
    name = "max.connections.per.ip.overrides"
    limits = {}
    for pair in filter(None, parse_list(values[name])):
        host, _, limit = (part.strip() for part in pair.rpartition(":"))
        if not re.fullmatch(r"[0-9a-zA-Z\-%._:]+", host) or not re.fullmatch(r"[0-9]+", limit):
            raise ConfigError(name, values[name], f"`{pair}` is not host:limit", "host:100,...")
        limits[host] = int(limit)
    return limits


DERIVED: Final[dict[str, Callable[[Values], Any]]] = {
    "zookeeper_connect": lambda values: parse_zookeeper_connect(values["zookeeper.connect"]),
    "zookeeper_connection_timeout_ms": lambda values: _first(
        values, ("zookeeper.connection.timeout.ms", 1), ("zookeeper.session.timeout.ms", 1)
    ),
    "max_connections_per_ip_overrides": _connections_per_ip,
    "log_dirs": _log_dirs,
    "log_retention_ms": _retention_ms,
    "log_roll_ms": _roll_ms,
    "log_roll_jitter_ms": _roll_jitter_ms,
    "log_flush_interval_ms": lambda values: _first(
        values, ("log.flush.interval.ms", 1), ("log.flush.scheduler.interval.ms", 1)
    ),
    "log_message_timestamp_before_max_ms": _timestamp_max_ms("log.message.timestamp.before.max.ms"),
    "log_message_timestamp_after_max_ms": _timestamp_max_ms("log.message.timestamp.after.max.ms"),
}
