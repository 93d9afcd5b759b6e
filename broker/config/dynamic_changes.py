"""What a request may do to stored configs: the four operations, and why a broker's are refused.

    set, delete          one name
    append, subtract     items of a list; one that is not set begins with its default

A broker's new configs are refused if a name cannot change while it runs, if a value is wrong, or
if together with all that is set elsewhere they make no configuration that could be taken over from
the current one: pools of threads may at most double, or shrink to a half, at once. The words are
Kafka's, clients see them.

Source: Kafka's `ConfigAdminManager.prepareIncrementalConfigs`, `DynamicBrokerConfig.validate`,
`DynamicThreadPool`, `DynamicLogConfig`, `LogCleaner.validateReconfiguration`,
`ListenerConnectionQuota.validateReconfiguration`; KIP-226, KIP-339.
"""

import enum
from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from broker.config.broker_config import CREATION_RATE, MAX_CONNECTIONS, BrokerConfig
from broker.config.dynamic import (
    check_type,
    not_dynamic,
    of_one_broker,
    overlay,
    without_listener_prefix,
)
from broker.config.table import BROKER_PROPERTIES
from broker.config.values import LIST, ConfigError, Property


class ConfigChangeRefused(Exception):
    """A change that cannot be made; the message is Kafka's."""


class Operation(enum.IntEnum):
    """The numbers are those of IncrementalAlterConfigs."""

    SET = 0
    DELETE = 1
    APPEND = 2
    SUBTRACT = 3


@attrs.frozen
class ConfigOperation:
    """`operation` is one of Operation, once that was checked; DELETE looks at no `value`."""

    name: str
    operation: int
    value: str | None = None


def apply_operations(
    configs: Mapping[str, str],
    operations: Iterable[ConfigOperation],
    table: Mapping[str, Property],
) -> dict[str, str]:
    """`configs` after the operations; raises ConfigChangeRefused for one that needs a list."""
    after = dict(configs)
    for each in operations:
        if each.operation == Operation.DELETE:
            after.pop(each.name, None)
        elif each.operation == Operation.SET:
            after[each.name] = each.value or ""
        else:
            after[each.name] = _changed_list(after, each, table)
    return after


def _changed_list(
    configs: Mapping[str, str], change: ConfigOperation, table: Mapping[str, Property]
) -> str:
    row = table.get(change.name)
    if row is None or row.type is not LIST:
        how = Operation(change.operation).name.lower()
        raise ConfigChangeRefused(
            f"Config value {how} is not allowed for config key: {change.name}"
        )
    text = configs.get(change.name, row.default or "")
    items = text.split(",") if text else []
    wanted = (change.value or "").split(",")
    if change.operation == Operation.APPEND:
        return ",".join(items + [item for item in wanted if item not in items])
    for item in wanted:
        if item in items:
            items.remove(item)
    return ",".join(items)


def check_broker_configs(
    current: BrokerConfig, configs: Mapping[str, str], *, per_broker: bool
) -> None:
    """Whether all brokers, or this one, may be given `configs`; raises ConfigChangeRefused."""
    _refuse(not_dynamic(configs), "Cannot update these configs dynamically")
    _refuse(
        without_listener_prefix(configs),
        "These security configs can be dynamically updated only per-listener using the listener "
        "prefix",
        "HashSet",
    )
    try:
        for name, text in configs.items():
            check_type(name, text)
        if not per_broker:
            _refuse(
                of_one_broker(configs),
                "Cannot update these configs at default cluster level, broker id must be specified",
            )
        dynamic = current.dynamic.replaced(configs, per_broker=per_broker)
        changed = current.with_dynamic(dynamic)
    except ConfigError as error:
        raise ConfigChangeRefused(str(error)) from None
    try:
        _check_pools(current, changed)
        _check_connections(current, changed)
        _check_local_retention(changed)
    except ConfigError as error:
        bare = error.name in (*_POOLS, *_OF_CONNECTIONS)
        problem = f"{_CONFIG_EXCEPTION}: {error.problem if bare else error}"
        raise ConfigChangeRefused(
            f"Invalid value {problem} for configuration Invalid dynamic configuration"
        ) from None


_CONFIG_EXCEPTION: Final = "org.apache.kafka.common.config.ConfigException"
_POOLS: Final = (
    "background.threads",
    "log.cleaner.threads",
    "num.io.threads",
    "num.network.threads",
    "num.recovery.threads.per.data.dir",
    "num.replica.fetchers",
)
_OF_CONNECTIONS: Final = (MAX_CONNECTIONS, CREATION_RATE)


def _refuse(names: list[str], why: str, collection: str = "Set") -> None:
    """Kafka names the Scala collection that it has the names in."""
    if names:
        raise ConfigChangeRefused(f"{why}: {collection}({', '.join(names)})")


def _check_pools(current: BrokerConfig, changed: BrokerConfig) -> None:
    for name in _POOLS:
        now, then = _number(current, name), _number(changed, name)
        if then == now:
            continue
        if name == "log.cleaner.threads":
            subject, least = "Log cleaner threads", "should be at least 1"
            half = f"cannot be reduced to less than half the current value {now}"
            double = f"cannot be increased to more than double the current value {now}"
        else:
            subject = f"Dynamic thread count update validation failed for {name}={then},"
            least = "value should be at least 1"
            half = f"value should be at least half the current value {now}"
            double = f"value should not be greater than double the current value {now}"
        for broken, problem in (
            (then < 1, least),
            (then < now // 2, half),
            (then > now * 2, double),
        ):
            if broken:
                raise ConfigError(name, str(then), f"{subject} {problem}", "")


def _check_connections(current: BrokerConfig, changed: BrokerConfig) -> None:
    """A file may say 0, and let nobody in; a change may not, for a listener that there is."""
    for listener in (endpoint.listener for endpoint in changed.listeners):
        now, then = _of_listener(current, listener), _of_listener(changed, listener)
        if then == now:
            continue
        for name, limit in zip(_OF_CONNECTIONS, then, strict=True):
            if limit <= 0:
                raise ConfigError(name, str(limit), f"Invalid {name} {limit}", "")


def _of_listener(config: BrokerConfig, listener: str) -> tuple[int, int]:
    name = listener.lower()
    return (
        config.max_connections_of_listener.get(name, config.max_connections),
        config.max_connection_creation_rate_of_listener.get(
            name, config.max_connection_creation_rate
        ),
    )


def _check_local_retention(changed: BrokerConfig) -> None:
    """Of tiered storage; it says nothing to us, but a Kafka beside us reads it, too."""
    for local, whole, whole_limit in (
        ("log.local.retention.ms", "log.retention.ms", changed.log_retention_ms),
        ("log.local.retention.bytes", "log.retention.bytes", changed.log_retention_bytes),
    ):
        limit = _number(changed, local)
        if whole_limit == -1 or limit == -2:
            continue
        if limit == -1:
            problem = f"Value must not be -1 as {whole} value is set as {whole_limit}."
            raise ConfigError(local, str(limit), problem, "")
        if limit > whole_limit:
            problem = f"Value must not be more than {whole} property value: {whole_limit}"
            raise ConfigError(local, str(limit), problem, "")


def _number(config: BrokerConfig, name: str) -> int:
    row = BROKER_PROPERTIES[name]
    value = row.parse(overlay(config.properties, config.dynamic).get(name, row.default))
    assert isinstance(value, int)
    return value
