"""Where each value comes from: the configuration as `kafka-configs --describe` tells it.

For every name there is the value that counts and its *synonyms*: all the places that could have
said it, the strongest first.

    retention.ms of a topic:  topic config > server.properties > Kafka's default

The first synonym is the value's source. One oddity is Kafka's and kept: synonyms before the name
itself are dropped, so `log.retention.minutes=10` makes `retention.ms` 600000 and yet calls it a
default, since `log.retention.ms` is not set.

Source: Kafka's `ConfigHelper`, `DynamicBrokerConfig.brokerConfigSynonyms`; KIP-226, KIP-569.
"""

import enum
from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from broker.config.broker_config import BrokerConfig
from broker.config.table import BROKER_PROPERTIES
from broker.config.table.topic import SYNONYMS, TOPIC_PROPERTIES
from broker.config.values import Property, to_text
from broker.config.warnings import base_name


class Source(enum.IntEnum):
    """Who said it; the numbers are those of DescribeConfigs."""

    TOPIC = 1
    STATIC_BROKER = 4
    DEFAULT = 5


@attrs.frozen
class Synonym:
    name: str
    value: str | None  # None when it is secret
    source: Source


@attrs.frozen
class Described:
    """One name. value: None for null and for what is secret; type: 0 for a name Kafka has not."""

    name: str
    value: str | None
    read_only: bool
    is_sensitive: bool
    synonyms: tuple[Synonym, ...]
    type: int

    @property
    def source(self) -> Source:
        return self.synonyms[0].source if self.synonyms else Source.DEFAULT


# Names that stand in for each other, finest first.
_BROKER_SYNONYMS: Final = {
    name: names
    for names in SYNONYMS.values()
    if len(names) > 1
    for name in (names[:1] if names[0] == "log.flush.interval.ms" else names)
}


def describe_broker(broker: BrokerConfig) -> list[Described]:
    """Every documented name, and every other that the file sets."""
    names = [row.name for row in BROKER_PROPERTIES.values() if not row.internal]
    names += [name for name in broker.properties if name not in set(names)]
    return [_describe_broker_name(broker, name) for name in names]


def _describe_broker_name(broker: BrokerConfig, name: str) -> Described:
    base = base_name(name)
    row = BROKER_PROPERTIES.get(base)
    text = broker.properties.get(name, row.default if row is not None else None)
    synonyms = (name, base) if base != name else _BROKER_SYNONYMS.get(name, (name,))
    is_sensitive = row is None or row.is_sensitive
    return Described(
        name=name,
        value=None if is_sensitive else _normalized(row, text),
        read_only=row is None or base != name or not row.dynamic,
        is_sensitive=is_sensitive,
        synonyms=_from(name, _broker_synonyms(broker, synonyms, is_sensitive)),
        type=0 if row is None else row.type,
    )


def describe_topic(broker: BrokerConfig, overrides: Mapping[str, str]) -> list[Described]:
    """Every topic config, and every name set on the topic that is none."""
    names = [*TOPIC_PROPERTIES, *(name for name in overrides if name not in TOPIC_PROPERTIES)]
    return [_describe_topic_name(broker, overrides, name) for name in names]


def _describe_topic_name(
    broker: BrokerConfig, overrides: Mapping[str, str], name: str
) -> Described:
    row = TOPIC_PROPERTIES.get(name)
    value = (
        _normalized(row, overrides[name])
        if name in overrides
        else _normalized(row, _broker_default(broker, name))
    )
    is_sensitive = row is None
    shown = None if is_sensitive else value
    broker_names = SYNONYMS.get(name, ())
    synonyms = [Synonym(name, shown, Source.TOPIC)] if name in overrides else []
    if broker_names:
        synonyms += _from(broker_names[0], _broker_synonyms(broker, broker_names, is_sensitive))
    return Described(
        name=name,
        value=shown,
        read_only=False,
        is_sensitive=is_sensitive,
        synonyms=tuple(synonyms),
        type=0 if row is None else row.type,
    )


def _broker_default(broker: BrokerConfig, topic_config: str) -> str | None:
    """What a topic gets that does not set this config."""
    own_default = TOPIC_PROPERTIES[topic_config].default
    if topic_config not in SYNONYMS or topic_config == "message.format.version":
        return own_default  # the message format is fixed since 3.0, whatever the broker's file says
    name = SYNONYMS[topic_config][0]
    field = name.replace(".", "_")
    if hasattr(broker, field):
        return to_text(getattr(broker, field))
    return broker.properties.get(name, BROKER_PROPERTIES[name].default)


def _broker_synonyms(
    broker: BrokerConfig, names: tuple[str, ...], is_sensitive: bool
) -> Iterator[Synonym]:
    for name in names:
        if name in broker.properties:
            text = None if is_sensitive else broker.properties[name]
            yield Synonym(name, text, Source.STATIC_BROKER)
    for name in names:
        row = BROKER_PROPERTIES.get(name)
        if row is not None and row.default is not None:
            yield Synonym(name, None if is_sensitive else row.default, Source.DEFAULT)


def _from(name: str, synonyms: Iterator[Synonym]) -> tuple[Synonym, ...]:
    """Without what comes before the name itself."""
    kept = list(synonyms)
    while kept and kept[0].name != name:
        kept.pop(0)
    return tuple(kept)


def _normalized(row: Property | None, text: str | None) -> str | None:
    """`text` as its type prints it, such as `1` for `+1`."""
    if row is None or text is None:
        return text
    return to_text(row.parse(text))
