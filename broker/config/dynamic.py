"""Properties that change while the broker runs: what ZooKeeper holds, over what the file says.

    /config/brokers/3            this broker's own           the first that sets a name counts,
    /config/brokers/<default>    those of all brokers        and it hides the name's stand-ins:
    server.properties                                        a dynamic log.retention.ms beats a
    Kafka's default                                          static log.retention.minutes
                                                             (`overlay`)

Not every name may change (`DYNAMIC_PROPERTIES`), and some only for one broker: what belongs to a
listener, and TLS only with the listener's prefix. Anybody can write into ZooKeeper, so what is
stored is sieved before it is used (`sieve`); a request for a change is refused instead, see
dynamic_changes.py. A name that Kafka does not know passes: it may be a plug-in's.

Three names exist in ZooKeeper only: the limits of replication traffic (KIP-73, KIP-113).

Passwords are stored encrypted, by a secret that zbroker does not use yet; like a Kafka without
password.encoder.secret it ignores them.

Source: Kafka's `DynamicBrokerConfig`, `DynamicConfig.Broker`; KIP-226.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import attrs

from broker.config.allowed import at_least
from broker.config.table import BROKER_PROPERTIES
from broker.config.table.topic import BROKER_STAND_INS
from broker.config.values import LONG, LONG_MAX, ConfigError, Property

THROTTLES: Final = {
    name: Property(name, LONG, str(LONG_MAX), at_least(0), dynamic=True)
    for name in (
        "leader.replication.throttled.rate",
        "follower.replication.throttled.rate",
        "replica.alter.log.dirs.io.max.bytes.per.second",
    )
}

DYNAMIC_PROPERTIES: Final[Mapping[str, Property]] = THROTTLES | {
    name: row for name, row in BROKER_PROPERTIES.items() if row.dynamic
}

# TLS stores, which are a listener's own: listener.name.inside.ssl.keystore.location
_ONLY_WITH_PREFIX: Final = frozenset(
    {
        "ssl.key.password",
        "ssl.keystore.certificate.chain",
        "ssl.keystore.key",
        "ssl.keystore.location",
        "ssl.keystore.password",
        "ssl.keystore.type",
        "ssl.truststore.certificates",
        "ssl.truststore.location",
        "ssl.truststore.password",
        "ssl.truststore.type",
    }
)
_OF_LISTENERS: Final = frozenset(
    {
        "advertised.listeners",
        "listener.security.protocol.map",
        "listeners",
        "principal.builder.class",
        *(name for name in DYNAMIC_PROPERTIES if name.startswith(("ssl.", "sasl."))),
    }
)
# Of a listener's settings, those that may be the same for all brokers.
_CLUSTER_WIDE: Final = frozenset(
    {"max.connections", "max.connection.creation.rate", "num.network.threads"}
)
_PASSWORDS: Final = tuple(name for name, row in DYNAMIC_PROPERTIES.items() if row.is_sensitive)
LISTENER_SETTING: Final = re.compile(r"listener\.name\.([^.]*)\.(.*)")


@attrs.frozen
class DynamicConfigs:
    """What ZooKeeper holds for one broker, sieved; text, as it is stored."""

    default: Mapping[str, str] = attrs.field(factory=dict)  # /config/brokers/<default>
    broker: Mapping[str, str] = attrs.field(factory=dict)  # /config/brokers/N

    def replaced(self, configs: Mapping[str, str], *, per_broker: bool) -> "DynamicConfigs":
        """With `configs` in place of one of the two."""
        if per_broker:
            return attrs.evolve(self, broker=configs)
        return attrs.evolve(self, default=configs)


def overlay(static: Mapping[str, str], dynamic: DynamicConfigs) -> dict[str, str]:
    """The text that counts for each name that is set anywhere."""
    texts = dict(static)
    for layer in (dynamic.default, dynamic.broker):
        for name, text in layer.items():
            for stand_in in BROKER_STAND_INS.get(name, ()):
                texts.pop(stand_in, None)
            texts[name] = text
    return texts


def of_listeners(property_name: str, texts: Mapping[str, str]) -> dict[str, int]:
    """What listeners have of their own for that INT, by their names; raises ConfigError."""
    row = DYNAMIC_PROPERTIES[property_name]
    found = {}
    for name, text in texts.items():
        setting = LISTENER_SETTING.fullmatch(name)
        if setting is not None and setting[2] == property_name:
            value = attrs.evolve(row, name=name).parse(text)
            assert isinstance(value, int)
            found[setting[1]] = value
    return found


def sieve(stored: Mapping[str, str], *, per_broker: bool) -> tuple[dict[str, str], list[str]]:
    """What of a stored config is used, and a line for each reason why something is not."""
    usable = dict(stored)
    complaints = []
    for name, text in stored.items():
        try:
            check_type(name, text)
        except ConfigError as error:
            complaints.append(str(error))
            del usable[name]
    reasons: list[tuple[Callable[[Iterable[str]], list[str]], str]] = [
        (not_dynamic, "cannot change while a broker runs"),
        (without_listener_prefix, "can change for a listener only, with its prefix"),
        (passwords, "the password cannot be decoded without password.encoder.secret"),
    ]
    if not per_broker:
        reasons.append((of_one_broker, "must be set for each broker by itself"))
    for select, why in reasons:
        for name in select(usable):
            complaints.append(f"{name}: {why}")
            del usable[name]
    return usable, complaints


def check_type(name: str, text: str) -> None:
    """Raises ConfigError for a value that its name, behind a listener's prefix, does not allow."""
    row = DYNAMIC_PROPERTIES.get(_base(name))
    if row is not None:
        row.parse(text)


def not_dynamic(names: Iterable[str]) -> list[str]:
    return [name for name in names if name in BROKER_PROPERTIES and name not in DYNAMIC_PROPERTIES]


def without_listener_prefix(names: Iterable[str]) -> list[str]:
    return [name for name in names if name in _ONLY_WITH_PREFIX]


def of_one_broker(names: Iterable[str]) -> list[str]:
    """Those that have no place among the configs of all brokers."""
    return [
        name
        for name in names
        if name in _OF_LISTENERS
        or (LISTENER_SETTING.fullmatch(name) is not None and _base(name) not in _CLUSTER_WIDE)
    ]


def passwords(names: Iterable[str]) -> list[str]:
    return [name for name in names if name.endswith(_PASSWORDS)]


def _base(name: str) -> str:
    match = LISTENER_SETTING.fullmatch(name)
    return match[2] if match else name
