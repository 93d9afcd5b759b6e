"""Topic configs: what is refused and how it is said, and what logs run with.

The messages are those of a real 3.9.1; test_against_kafka.py asks it again.
"""

import pytest

from broker.config import BrokerConfig
from broker.config.topic_configs import (
    InvalidTopicConfigError,
    log_config,
    validate_topic_configs,
)
from broker.log.log_config import LogConfig, TimestampType


def broker(**properties: str) -> BrokerConfig:
    return BrokerConfig.from_properties(
        {"zookeeper.connect": "zk:2181"}
        | {name.replace("_", "."): value for name, value in properties.items()}
    )


REFUSED = {
    "retention.ms=abc": "Invalid value abc for configuration retention.ms: "
    "Not a number of type LONG",
    "retention.ms=-5": "Invalid value -5 for configuration retention.ms: Value must be at least -1",
    "nosuch=1": "Unknown topic config name: nosuch",
    "cleanup.policy=foo": "Invalid value foo for configuration cleanup.policy: "
    "String must be one of: compact, delete",
    "min.insync.replicas=0": "Invalid value 0 for configuration min.insync.replicas: "
    "Value must be at least 1",
    "preallocate=maybe": "Invalid value maybe for configuration preallocate: "
    "Expected value to be either true or false",
    "min.cleanable.dirty.ratio=2": "Invalid value 2.0 for configuration min.cleanable.dirty.ratio: "
    "Value must be no more than 1",
    "compression.gzip.level=10": "Invalid value 10 for configuration compression.gzip.level: "
    "Value must be between 1 and 9 or equal to -1",
    "message.format.version=9": "Invalid value 9 for configuration message.format.version: "
    "Version 9 is not a valid version",
    "follower.replication.throttled.replicas=x": "Invalid value [x] for configuration "
    "follower.replication.throttled.replicas: follower.replication.throttled.replicas must be the "
    "literal '*' or a list of replicas in the following format: "
    "[partitionId]:[brokerId],[partitionId]:[brokerId],...",
    "cleanup.policy=compact,,delete": "Invalid value  for configuration cleanup.policy: "
    "String must be one of: compact, delete",
    "message.timestamp.type=now": "Invalid value now for configuration message.timestamp.type: "
    "String must be one of: CreateTime, LogAppendTime",
    "min.compaction.lag.ms=10;max.compaction.lag.ms=5": "conflict topic config setting "
    "min.compaction.lag.ms (10) > max.compaction.lag.ms (5)",
    "remote.storage.enable=true": "Tiered Storage functionality is disabled in the broker. "
    "Topic cannot be configured with remote log storage.",
    "remote.log.copy.disable=true": "It is invalid to set `remote.log.delete.on.disable` or "
    "`remote.log.copy.disable` under Zookeeper's mode.",
}

ACCEPTED = [
    "cleanup.policy=compact, delete",
    "cleanup.policy=",
    "compression.gzip.level=-1",
    "follower.replication.throttled.replicas=*",
    "follower.replication.throttled.replicas=",
    "leader.replication.throttled.replicas=1:2,3:4",
    "message.format.version=2.8",
    "min.cleanable.dirty.ratio=.5d",
    "preallocate=TRUE",
    "retention.ms= 5 ",
]


def configs(text: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in text.split(";"))  # type: ignore[misc]


@pytest.mark.parametrize("text", REFUSED)
def test_refused_in_kafkas_words(text: str) -> None:
    with pytest.raises(InvalidTopicConfigError) as refused:
        validate_topic_configs(broker(), configs(text))
    assert str(refused.value) == REFUSED[text]


@pytest.mark.parametrize("text", ACCEPTED)
def test_accepted(text: str) -> None:
    validate_topic_configs(broker(), configs(text))


def test_a_lag_is_compared_with_the_brokers_default_of_the_other() -> None:
    with pytest.raises(InvalidTopicConfigError, match=r"\(10\) > max.compaction.lag.ms \(5\)"):
        validate_topic_configs(
            broker(log_cleaner_max_compaction_lag_ms="5"), {"min.compaction.lag.ms": "10"}
        )


def test_kafkas_defaults_are_those_of_log_config() -> None:
    assert log_config(broker(), {}) == LogConfig()


def test_the_brokers_defaults_and_over_them_the_topics_own() -> None:
    defaults = broker(log_retention_minutes="1", log_cleanup_policy="compact")
    assert log_config(defaults, {}).retention_ms == 60_000
    assert log_config(defaults, {}).cleanup_policy == {"compact"}
    own = log_config(
        defaults,
        {
            "retention.ms": "-1",
            "cleanup.policy": "compact,delete",
            "message.timestamp.type": "LogAppendTime",
            "a.name.of.tomorrow": "x",
        },
    )
    assert own.retention_ms == -1
    assert own.cleanup_policy == {"compact", "delete"}
    assert own.message_timestamp_type is TimestampType.LOG_APPEND_TIME


def test_a_stored_value_that_is_wrong_is_an_error() -> None:
    with pytest.raises(InvalidTopicConfigError, match="Invalid value x for configuration"):
        log_config(broker(), {"segment.bytes": "x"})


def test_the_older_timestamp_limit_counts_until_the_newer_ones_are_set() -> None:
    limited = log_config(broker(), {"message.timestamp.difference.max.ms": "5"})
    assert limited.message_timestamp_before_max_ms == 5
    assert limited.message_timestamp_after_max_ms == 5
    both = log_config(
        broker(),
        {"message.timestamp.difference.max.ms": "5", "message.timestamp.after.max.ms": "7"},
    )
    assert both.message_timestamp_after_max_ms == 7
