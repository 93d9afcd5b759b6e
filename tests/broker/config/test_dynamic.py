"""Dynamic configs: which one counts, and which of those that are stored are used."""

import pytest

from broker.config import BrokerConfig, ConfigError
from broker.config.dynamic import DynamicConfigs, overlay, sieve

PRECEDENCE = [
    # static, default of all brokers, this broker's own -> what counts
    ({}, {}, {}, {}),
    ({"a": "1"}, {}, {}, {"a": "1"}),
    ({"a": "1"}, {"a": "2"}, {}, {"a": "2"}),
    ({"a": "1"}, {"a": "2"}, {"a": "3"}, {"a": "3"}),
    ({"a": "1"}, {}, {"a": "3"}, {"a": "3"}),
    ({"a": "1"}, {"b": "2"}, {"c": "3"}, {"a": "1", "b": "2", "c": "3"}),
    # a dynamic name hides what stands in for it, finer or coarser
    (
        {"log.retention.ms": "1", "log.retention.minutes": "2", "log.retention.hours": "3"},
        {"log.retention.ms": "4"},
        {},
        {"log.retention.ms": "4"},
    ),
    ({"log.roll.hours": "1"}, {}, {"log.roll.ms": "5"}, {"log.roll.ms": "5"}),
    (
        {"log.flush.scheduler.interval.ms": "1"},
        {"log.flush.interval.ms": "2"},
        {},
        {"log.flush.interval.ms": "2"},
    ),
    # ... but a listener's setting does not hide that of all listeners
    (
        {"ssl.keystore.type": "JKS"},
        {},
        {"listener.name.inside.ssl.keystore.type": "PEM"},
        {"ssl.keystore.type": "JKS", "listener.name.inside.ssl.keystore.type": "PEM"},
    ),
]


@pytest.mark.parametrize(("static", "default", "own", "counts"), PRECEDENCE)
def test_precedence(
    static: dict[str, str], default: dict[str, str], own: dict[str, str], counts: dict[str, str]
) -> None:
    assert overlay(static, DynamicConfigs(default, own)) == counts


SIEVED = [
    # stored, for one broker, what is wrong with it
    ("log.retention.ms=5", True, None),
    ("plugin.of.mine=x", False, None),
    ("leader.replication.throttled.rate=5", True, None),
    ("leader.replication.throttled.rate=5", False, None),
    ("leader.replication.throttled.rate=-1", True, "Value must be at least 0"),
    ("log.retention.ms=soon", True, "Not a number of type LONG"),
    ("listener.name.inside.num.network.threads=x", True, "Not a number of type INT"),
    ("log.dirs=/tmp", True, "log.dirs: cannot change while a broker runs"),
    ("ssl.keystore.location=/a", True, "can change for a listener only, with its prefix"),
    ("listener.name.inside.ssl.keystore.location=/a", True, None),
    ("listener.name.inside.ssl.keystore.location=/a", False, "for each broker by itself"),
    ("listener.name.inside.max.connections=5", False, None),
    ("listeners=PLAINTEXT://:9092", True, None),
    ("listeners=PLAINTEXT://:9092", False, "for each broker by itself"),
    ("max.connections=5", False, None),
    ("listener.name.inside.ssl.key.password=secret", True, "password.encoder.secret"),
    ("sasl.jaas.config=secret", True, "password.encoder.secret"),
]


@pytest.mark.parametrize(("stored", "per_broker", "complaint"), SIEVED)
def test_what_of_a_stored_config_is_used(
    stored: str, per_broker: bool, complaint: str | None
) -> None:
    name, _, value = stored.partition("=")
    usable, complaints = sieve({"retention.of.mine": "x", name: value}, per_broker=per_broker)
    expected = {"retention.of.mine": "x"} | ({name: value} if complaint is None else {})
    assert usable == expected
    assert len(complaints) == (complaint is not None)
    assert complaint is None or complaint in complaints[0]
    assert "secret" not in "".join(complaints).replace("password.encoder.secret", "")


def config(**properties: str) -> BrokerConfig:
    return BrokerConfig.from_properties(
        {"zookeeper.connect": "zk:2181", "listeners": "PLAINTEXT://here:9092"}
        | {name.replace("_", "."): value for name, value in properties.items()}
    )


def test_another_config_of_the_same_broker() -> None:
    static = config(log_retention_hours="1", broker_id="3")
    dynamic = static.with_dynamic(
        DynamicConfigs({"log.retention.ms": "5", "min.insync.replicas": "2"})
    )
    assert (dynamic.log_retention_ms, dynamic.min_insync_replicas) == (5, 2)
    assert (dynamic.broker_id, dynamic.listeners) == (3, static.listeners)
    back = dynamic.with_dynamic(DynamicConfigs())
    assert back == static


def test_the_limits_of_replication_traffic_are_set_in_zookeeper_only() -> None:
    name = "follower.replication.throttled.rate"
    static = config(follower_replication_throttled_rate="1000")
    assert static.follower_replication_throttled_rate == 2**63 - 1
    of_all = static.with_dynamic(DynamicConfigs({name: "2000"}))
    assert of_all.follower_replication_throttled_rate == 2000
    own = static.with_dynamic(DynamicConfigs({name: "2000"}, {name: "3000"}))
    assert own.follower_replication_throttled_rate == 3000
    assert own.leader_replication_throttled_rate == 2**63 - 1


def test_what_contradicts_the_rest_is_an_error() -> None:
    with pytest.raises(ConfigError, match="at least 1MB per cleaner thread"):
        config().with_dynamic(DynamicConfigs({"log.cleaner.dedupe.buffer.size": "5"}))


def test_a_new_listener_is_looked_at_and_not_opened() -> None:
    static = config()
    same = static.with_dynamic(DynamicConfigs(broker={"listeners": "PLAINTEXT://there:9093"}))
    assert same.listeners == static.listeners
    with pytest.raises(ConfigError, match="Unable to parse"):
        static.with_dynamic(DynamicConfigs(broker={"listeners": "nonsense"}))
