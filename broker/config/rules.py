"""What several properties must say together, beyond what each may be alone.

A table of rules: when the condition holds for the parsed values, the named property is wrong, with
Kafka's reason and what would be right. What belongs to listeners is in listeners.py.

Source: Kafka's `KafkaConfig.validateValues`, `GroupCoordinatorConfig`.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from broker.config.allowed import release_of
from broker.config.values import ConfigError, to_text

# Typed values by property name; Any, since each rule knows the types of the names that it reads.
Values = Mapping[str, Any]

HIGHEST_COMPRESSION_CODEC: Final = 4  # none, gzip, snappy, lz4, zstd
RACK_AWARE: Final = "org.apache.kafka.common.replica.RackAwareReplicaSelector"
MIN_DEDUPE_BUFFER_BYTES: Final = 1024 * 1024


@attrs.frozen
class Rule:
    name: str  # of the property to blame
    broken: Callable[[Values], bool]
    problem: str
    allowed: str


RULES: Final = (
    Rule(
        "process.roles",
        lambda v: bool(v["process.roles"]),
        "zbroker runs in ZooKeeper mode, not in KRaft mode",
        "a file without process.roles",
    ),
    Rule(
        "inter.broker.protocol.version",
        lambda v: release_of(v["inter.broker.protocol.version"]) != "3.9",
        "zbroker speaks only version 3.9 with the other brokers",
        "3.9: raise it on all members before zbroker joins",
    ),
    Rule(
        "node.id",
        lambda v: v["node.id"] not in (-1, v["broker.id"]),
        "You must set `node.id` to the same value as `broker.id`.",
        "the value of broker.id, or neither",
    ),
    Rule(
        "broker.id",
        lambda v: (
            v["broker.id.generation.enable"]
            and not -1 <= v["broker.id"] <= v["reserved.broker.max.id"]
        ),
        "broker.id must be greater than or equal to -1 and not greater than reserved.broker.max.id",
        "-1 (generated) up to reserved.broker.max.id",
    ),
    Rule(
        "broker.id",
        lambda v: not v["broker.id.generation.enable"] and v["broker.id"] < 0,
        "broker.id must be greater than or equal to 0",
        "at least 0 while broker.id.generation.enable is false",
    ),
    Rule(
        "controller.listener.names",
        lambda v: bool(v["controller.listener.names"]),
        "controller.listener.names must be empty when not running in KRaft mode",
        "a file without it",
    ),
    Rule(
        "log.cleaner.dedupe.buffer.size",
        lambda v: (
            v["log.cleaner.dedupe.buffer.size"]
            <= MIN_DEDUPE_BUFFER_BYTES * max(1, v["log.cleaner.threads"])
        ),
        "log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.",
        "more than 1048576 times log.cleaner.threads",
    ),
    Rule(
        "replica.socket.timeout.ms",
        lambda v: v["replica.fetch.wait.max.ms"] > v["replica.socket.timeout.ms"],
        "replica.socket.timeout.ms should always be at least replica.fetch.wait.max.ms to prevent "
        "unnecessary socket timeouts",
        "at least replica.fetch.wait.max.ms",
    ),
    Rule(
        "replica.fetch.wait.max.ms",
        lambda v: v["replica.fetch.wait.max.ms"] > v["replica.lag.time.max.ms"],
        "replica.fetch.wait.max.ms should always be less than or equal to replica.lag.time.max.ms "
        "to prevent frequent changes in ISR",
        "at most replica.lag.time.max.ms",
    ),
    Rule(
        "replica.selector.class",
        lambda v: v["replica.selector.class"] not in (None, RACK_AWARE),
        "zbroker has only Kafka's own selector, no classes of others",
        f"{RACK_AWARE}, or a file without it",
    ),
    Rule(
        "offsets.commit.required.acks",
        lambda v: (
            not -1 <= v["offsets.commit.required.acks"] <= v["offsets.topic.replication.factor"]
        ),
        "offsets.commit.required.acks must be greater or equal to -1 and less or equal to "
        "offsets.topic.replication.factor",
        "-1 up to offsets.topic.replication.factor",
    ),
    Rule(
        "offsets.topic.compression.codec",
        lambda v: not 0 <= v["offsets.topic.compression.codec"] <= HIGHEST_COMPRESSION_CODEC,
        "Unknown compression type id",
        "0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd",
    ),
    Rule(
        "queued.max.request.bytes",
        lambda v: 0 < v["queued.max.request.bytes"] < v["socket.request.max.bytes"],
        "queued.max.request.bytes must be larger or equal to socket.request.max.bytes",
        "-1 (no limit), or at least socket.request.max.bytes",
    ),
    Rule(
        "max.connections.per.ip",
        lambda v: (
            v["max.connections.per.ip"] == 0 and not v["max.connections.per.ip.overrides"].strip()
        ),
        "max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides "
        "property is set.",
        "at least 1",
    ),
    Rule(
        "connections.max.idle.ms",
        lambda v: (
            0 <= v["connections.max.idle.ms"] <= v["connection.failed.authentication.delay.ms"]
        ),
        "connection.failed.authentication.delay.ms should always be less than "
        "connections.max.idle.ms to prevent failed authentication responses from timing out",
        "-1 (never), or more than connection.failed.authentication.delay.ms",
    ),
)


def check_rules(values: Values) -> None:
    """Raises ConfigError for the first rule that is broken."""
    for rule in RULES:
        if rule.broken(values):
            raise ConfigError(rule.name, to_text(values[rule.name]), rule.problem, rule.allowed)
