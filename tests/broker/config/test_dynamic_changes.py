"""What a request may do to configs, in Kafka's words (tests/interop/test_configs.py asks Kafka)."""

import pytest

from broker.config import BrokerConfig
from broker.config.dynamic import DynamicConfigs
from broker.config.dynamic_changes import (
    ConfigChangeRefused,
    ConfigOperation,
    Operation,
    apply_operations,
    check_broker_configs,
)
from broker.config.table.topic import TOPIC_PROPERTIES

NAME = "cleanup.policy"

OPERATIONS = [
    # before, operation, value -> after
    ("", Operation.SET, "compact", "compact"),
    ("delete", Operation.SET, "compact", "compact"),
    ("delete", Operation.DELETE, None, None),
    (None, Operation.DELETE, None, None),
    ("compact", Operation.APPEND, "delete", "compact,delete"),
    ("compact", Operation.APPEND, "compact", "compact"),
    ("compact", Operation.APPEND, "delete,compact", "compact,delete"),
    (None, Operation.APPEND, "compact", "delete,compact"),
    ("", Operation.APPEND, "compact", "compact"),
    ("compact,delete", Operation.SUBTRACT, "delete", "compact"),
    ("compact", Operation.SUBTRACT, "delete", "compact"),
    ("compact,compact", Operation.SUBTRACT, "compact", "compact"),
    (None, Operation.SUBTRACT, "delete", ""),
]


@pytest.mark.parametrize(("before", "operation", "value", "after"), OPERATIONS)
def test_operations(
    before: str | None, operation: Operation, value: str | None, after: str | None
) -> None:
    configs = {"retention.ms": "5"} | ({} if before is None else {NAME: before})
    change = ConfigOperation(NAME, operation, value)
    changed = apply_operations(configs, [change], TOPIC_PROPERTIES)
    assert changed == {"retention.ms": "5"} | ({} if after is None else {NAME: after})
    assert configs == {"retention.ms": "5"} | ({} if before is None else {NAME: before})


@pytest.mark.parametrize("name", ["retention.ms", "nonsense"])
def test_only_lists_have_items(name: str) -> None:
    for operation, how in ((Operation.APPEND, "append"), (Operation.SUBTRACT, "subtract")):
        with pytest.raises(ConfigChangeRefused) as refused:
            apply_operations({}, [ConfigOperation(name, operation, "5")], TOPIC_PROPERTIES)
        assert str(refused.value) == f"Config value {how} is not allowed for config key: {name}"


def config() -> BrokerConfig:
    return BrokerConfig.from_properties(
        {"zookeeper.connect": "zk:2181", "listeners": "PLAINTEXT://here:9092"}
    )


def of_reconfiguring(problem: str) -> str:
    exception = "org.apache.kafka.common.config.ConfigException"
    return f"Invalid value {exception}: {problem} for configuration Invalid dynamic configuration"


def of_pool(change: str, problem: str) -> str:
    return of_reconfiguring(
        f"Dynamic thread count update validation failed for {change}, value should {problem}"
    )


REFUSED = {
    "log.dirs=/tmp": "Cannot update these configs dynamically: Set(log.dirs)",
    "ssl.keystore.type=PEM": "These security configs can be dynamically updated only per-listener "
    "using the listener prefix: HashSet(ssl.keystore.type)",
    "log.retention.ms=soon": "Invalid value soon for configuration log.retention.ms: "
    "Not a number of type LONG",
    "num.io.threads=17": of_pool(
        "num.io.threads=17", "not be greater than double the current value 8"
    ),
    "num.io.threads=3": of_pool("num.io.threads=3", "be at least half the current value 8"),
    "num.replica.fetchers=0": of_pool("num.replica.fetchers=0", "be at least 1"),
    "log.cleaner.threads=3": of_reconfiguring(
        "Log cleaner threads cannot be increased to more than double the current value 1"
    ),
    "max.connections=0": of_reconfiguring("Invalid max.connections 0"),
    "listener.name.plaintext.max.connections=0": of_reconfiguring("Invalid max.connections 0"),
    "listener.name.plaintext.max.connections=-1": "Invalid value -1 for configuration "
    "max.connections: Value must be at least 0",
    "max.connection.creation.rate=0": of_reconfiguring("Invalid max.connection.creation.rate 0"),
    "log.local.retention.ms=-1": of_reconfiguring(
        "Invalid value -1 for configuration log.local.retention.ms: Value must not be -1 as "
        "log.retention.ms value is set as 604800000."
    ),
}
REFUSED_FOR_ALL = {
    "listeners=PLAINTEXT://:9092": "Cannot update these configs at default cluster level, "
    "broker id must be specified: Set(listeners)",
}
ACCEPTED = ["log.retention.ms=5", "num.io.threads=16", "num.io.threads=4", "my.own=x"]
ACCEPTED += ["listener.name.other.max.connections=0", "max.connections=1"]


@pytest.mark.parametrize("per_broker", [True, False])
@pytest.mark.parametrize("text", REFUSED)
def test_refused_in_kafkas_words(text: str, per_broker: bool) -> None:
    name, _, value = text.partition("=")
    with pytest.raises(ConfigChangeRefused) as refused:
        check_broker_configs(config(), {name: value}, per_broker=per_broker)
    assert str(refused.value) == REFUSED[text]


@pytest.mark.parametrize("text", REFUSED_FOR_ALL)
def test_refused_for_all_brokers(text: str) -> None:
    name, _, value = text.partition("=")
    check_broker_configs(config(), {name: value}, per_broker=True)
    with pytest.raises(ConfigChangeRefused) as refused:
        check_broker_configs(config(), {name: value}, per_broker=False)
    assert str(refused.value) == REFUSED_FOR_ALL[text]


@pytest.mark.parametrize("text", ACCEPTED)
def test_accepted(text: str) -> None:
    name, _, value = text.partition("=")
    for per_broker in (True, False):
        check_broker_configs(config(), {name: value}, per_broker=per_broker)


def test_pools_grow_from_what_they_are_now() -> None:
    grown = config().with_dynamic(DynamicConfigs(broker={"num.io.threads": "16"}))
    check_broker_configs(grown, {"num.io.threads": "32"}, per_broker=True)
    # gone from the broker's own configs, the file's 8 count again: a half
    check_broker_configs(grown, {}, per_broker=True)
