"""The fields of BrokerConfig that are worked out of several properties.

Kafka has three names for how long a topic keeps its records (`log.retention.ms`, `.minutes`,
`.hours`), and the finest one that is set counts; the same for rolling a segment. `DERIVED` maps
each such field to the function that reads it from all the parsed values.

Source: Kafka's `KafkaConfig` (logRetentionTimeMillis, logRollTimeMillis, logDirs, ...), KIP-937.
"""

import re
from collections.abc import Callable, Iterable, Mapping
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


def _move_threads(values: Values) -> int:
    threads = values["num.replica.alter.log.dirs.threads"]
    return len(_log_dirs(values)) if threads is None else max(threads, 1)


# A duration's names with their units, finest first; the first that is set counts.
_RETENTION: Final = {
    "log.retention.ms": 1,
    "log.retention.minutes": MINUTE_MS,
    "log.retention.hours": HOUR_MS,
}
_ROLL: Final = {"log.roll.ms": 1, "log.roll.hours": HOUR_MS}
_ROLL_JITTER: Final = {"log.roll.jitter.ms": 1, "log.roll.jitter.hours": HOUR_MS}
_FLUSH: Final = {"log.flush.interval.ms": 1, "log.flush.scheduler.interval.ms": 1}
_CONNECTION_TIMEOUT: Final = {
    "zookeeper.connection.timeout.ms": 1,
    "zookeeper.session.timeout.ms": 1,
}


def _duration_ms(values: Values, units_ms: Mapping[str, int]) -> int:
    name = _first_set(values, units_ms)
    return int(values[name]) * units_ms[name]


def _first_set(values: Values, names: Iterable[str]) -> str:
    return next(name for name in names if values[name] is not None)


def _retention_ms(values: Values) -> int:
    retention_ms = _duration_ms(values, _RETENTION)
    if retention_ms == 0:
        problem = "log.retention.ms must be unlimited (-1) or, greater than or equal to 1"
        raise ConfigError(
            _first_set(values, _RETENTION), "0", problem, "-1 (no limit), or at least 1"
        )
    return max(-1, retention_ms)


def _duration_at_least(least_ms: int, units_ms: Mapping[str, int]) -> Callable[[Values], int]:
    def derive(values: Values) -> int:
        duration_ms = _duration_ms(values, units_ms)
        if duration_ms < least_ms:
            name = _first_set(values, units_ms)
            problem = f"{next(iter(units_ms))} must be greater than or equal to {least_ms}"
            raise ConfigError(name, to_text(values[name]), problem, f"at least {least_ms}")
        return duration_ms

    return derive


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
    "zookeeper_connection_timeout_ms": lambda values: _duration_ms(values, _CONNECTION_TIMEOUT),
    "max_connections_per_ip_overrides": _connections_per_ip,
    "log_dirs": _log_dirs,
    "num_replica_alter_log_dirs_threads": _move_threads,
    "log_retention_ms": _retention_ms,
    "log_roll_ms": _duration_at_least(1, _ROLL),
    "log_roll_jitter_ms": _duration_at_least(0, _ROLL_JITTER),
    "log_flush_interval_ms": lambda values: _duration_ms(values, _FLUSH),
    "log_message_timestamp_before_max_ms": _timestamp_max_ms("log.message.timestamp.before.max.ms"),
    "log_message_timestamp_after_max_ms": _timestamp_max_ms("log.message.timestamp.after.max.ms"),
}
