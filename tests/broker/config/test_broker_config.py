"""BrokerConfig: defaults, the fields worked out of several properties, rules, and honesty.

The refusals were put to a real 3.9.1, which refused them too, but for those that are ours to
refuse: KRaft, and other protocol versions.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from broker.config import BrokerConfig, ConfigError
from broker.config.broker_config import USED_PROPERTIES
from broker.config.dynamic import THROTTLES
from broker.config.table import BROKER_PROPERTIES
from broker.config.table.topic import SYNONYMS

ROOT = Path(__file__).parents[3]


def config(properties: dict[str, str] | None = None) -> BrokerConfig:
    return BrokerConfig.from_properties({"zookeeper.connect": "zk:2181"} | (properties or {}))


def test_every_default_is_a_value_that_is_allowed() -> None:
    for row in BROKER_PROPERTIES.values():
        row.parse(row.default)


def test_defaults() -> None:
    default = config()
    assert default.broker_id == -1
    assert default.num_partitions == 1
    assert default.log_dirs == (Path("/tmp/kafka-logs"),)
    assert default.message_max_bytes == 1048588
    assert default.log_retention_ms == 7 * 24 * 3_600_000
    assert default.zookeeper_connection_timeout_ms == default.zookeeper_session_timeout_ms == 18000
    assert default.broker_rack is None


def test_each_field_has_the_type_that_it_declares() -> None:
    plain = {"int": int, "bool": bool, "float": float, "str": str}
    default = config()
    for field in attrs.fields(BrokerConfig):
        declared = (
            field.type if isinstance(field.type, str) else getattr(field.type, "__name__", "")
        )
        if declared in plain:
            assert type(getattr(default, field.name)) is plain[declared], field.name


@pytest.mark.parametrize(
    ("properties", "field", "value"),
    [
        ({"log.retention.hours": "1"}, "log_retention_ms", 3_600_000),
        ({"log.retention.hours": "1", "log.retention.minutes": "2"}, "log_retention_ms", 120_000),
        ({"log.retention.minutes": "2", "log.retention.ms": "3"}, "log_retention_ms", 3),
        ({"log.retention.hours": "-2"}, "log_retention_ms", -1),
        ({"log.roll.hours": "2"}, "log_roll_ms", 7_200_000),
        ({"log.roll.hours": "2", "log.roll.ms": "5"}, "log_roll_ms", 5),
        ({"log.roll.jitter.hours": "1"}, "log_roll_jitter_ms", 3_600_000),
        ({"log.flush.scheduler.interval.ms": "7"}, "log_flush_interval_ms", 7),
        ({"log.flush.interval.ms": "9"}, "log_flush_interval_ms", 9),
        (
            {"log.message.timestamp.difference.max.ms": "9"},
            "log_message_timestamp_before_max_ms",
            9,
        ),
        ({"log.dir": "/a"}, "log_dirs", (Path("/a"),)),
        ({"log.dir": "/a", "log.dirs": " /b, /c ,"}, "log_dirs", (Path("/b"), Path("/c"))),
        ({"log.dirs": "/a,/a"}, "log_dirs", (Path("/a"),)),
        ({"log.dirs": "/a,/b,/c"}, "num_replica_alter_log_dirs_threads", 3),
        ({"num.replica.alter.log.dirs.threads": "2"}, "num_replica_alter_log_dirs_threads", 2),
        ({"num.replica.alter.log.dirs.threads": "0"}, "num_replica_alter_log_dirs_threads", 1),
        ({"node.id": "4"}, "broker_id", 4),
        (
            {"max.connections.per.ip.overrides": " a : 1 , 10.0.0.1:5"},
            "max_connections_per_ip_overrides",
            {"a": 1, "10.0.0.1": 5},
        ),
        (
            {
                "listener.name.inside.max.connection.creation.rate": "7",
                "max.connection.creation.rate": "9",
            },
            "max_connection_creation_rate_of_listener",
            {"inside": 7},
        ),
        (
            {"listener.name.inside.max.connections": "7", "max.connections": "9"},
            "max_connections_of_listener",
            {"inside": 7},
        ),
        ({"inter.broker.protocol.version": "3.9.1"}, "broker_id", -1),
    ],
)
def test_worked_out_of_several(properties: dict[str, str], field: str, value: object) -> None:
    assert getattr(config(properties), field) == value


@pytest.mark.parametrize(
    ("properties", "key", "problem"),
    [
        ({"zookeeper.connect": ""}, "zookeeper.connect", "Missing required configuration"),
        ({"num.partitions": "abc"}, "num.partitions", "Not a number of type INT"),
        ({"unclean.leader.election.enable": "yes"}, "unclean.leader.election.enable", "true or f"),
        ({"num.io.threads": "0"}, "num.io.threads", "Value must be at least 1"),
        ({"broker.id": "-2"}, "broker.id", "greater than or equal to -1"),
        ({"broker.id": "1001"}, "broker.id", "not greater than reserved.broker.max.id"),
        ({"broker.id.generation.enable": "false"}, "broker.id", "greater than or equal to 0"),
        ({"broker.id": "1", "node.id": "2"}, "node.id", "the same value as `broker.id`"),
        ({"process.roles": "broker"}, "process.roles", "ZooKeeper mode"),
        ({"process.roles": "foo"}, "process.roles", "String must be one of: broker, controller"),
        ({"controller.listener.names": "C"}, "controller.listener.names", "must be empty"),
        ({"inter.broker.protocol.version": "3.8"}, "inter.broker.protocol.version", "3.9"),
        ({"inter.broker.protocol.version": "z"}, "inter.broker.protocol.version", "not a valid"),
        ({"log.dirs": ","}, "log.dirs", "At least one log directory"),
        ({"log.retention.hours": "0"}, "log.retention.hours", "unlimited"),
        ({"log.roll.ms": "0"}, "log.roll.ms", "greater than or equal to 1"),
        ({"log.roll.jitter.ms": "-1"}, "log.roll.jitter.ms", "greater than or equal to 0"),
        ({"log.cleaner.dedupe.buffer.size": "1000"}, "log.cleaner.dedupe.buffer.size", "1MB"),
        ({"max.connections.per.ip.overrides": "a:1,b"}, "max.connections.per.ip.overrides", "`b`"),
        (
            {"listener.name.inside.max.connection.creation.rate": "-1"},
            "listener.name.inside.max.connection.creation.rate",
            "at least 0",
        ),
        ({"max.connections.per.ip": "0"}, "max.connections.per.ip", "can be set to zero only if"),
        ({"queued.max.request.bytes": "5"}, "queued.max.request.bytes", "larger or equal"),
        ({"offsets.topic.compression.codec": "9"}, "offsets.topic.compression.codec", "Unknown"),
        ({"offsets.commit.required.acks": "9"}, "offsets.commit.required.acks", "less or equal"),
        ({"replica.fetch.wait.max.ms": "30001"}, "replica.socket.timeout.ms", "at least"),
        (
            {"replica.fetch.wait.max.ms": "600", "replica.lag.time.max.ms": "500"},
            "replica.fetch.wait.max.ms",
            "frequent changes in ISR",
        ),
        ({"connections.max.idle.ms": "5"}, "connections.max.idle.ms", "less than"),
    ],
)
def test_refused(properties: dict[str, str], key: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem) as refused:
        config(properties)
    assert refused.value.name == key


def test_every_used_property_is_one_of_kafkas() -> None:
    assert set(BROKER_PROPERTIES) >= USED_PROPERTIES


@pytest.mark.long
def test_every_field_is_used_outside_the_configuration() -> None:
    """A property counts as used in the warnings, so it must be."""
    used = set(_attributes_read())
    # Some fields reach the logs under their topic's name.
    topic_fields = {
        names[0].replace(".", "_"): topic_config.replace(".", "_")
        for topic_config, names in SYNONYMS.items()
    }
    unused = {
        field.name
        for field in attrs.fields(BrokerConfig)
        if field.name not in used
        and topic_fields.get(field.name) not in used
        # No warning speaks of what only ZooKeeper may hold.
        and field.name.replace("_", ".") not in THROTTLES
    }
    assert unused == set()


def _attributes_read() -> Iterator[str]:
    """Every name read as an attribute in the packages, but for the configuration itself."""
    for package in ("broker", "coordination", "cli"):
        for path in (ROOT / package).rglob("*.py"):
            if "config" in path.relative_to(ROOT).parts and path.name != "topic_configs.py":
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                    yield node.attr
