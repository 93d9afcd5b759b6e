"""Where each value comes from: the configuration as `kafka-configs --describe` tells it.

For every name there is the value that counts and its *synonyms*: all the places that could have
said it, the strongest first.

    retention.ms of a topic:  topic config > this broker's dynamic configs > all brokers' >
                              server.properties > Kafka's default

The first synonym is the value's source. One oddity is Kafka's and kept: synonyms before the name
itself are dropped, so `log.retention.minutes=10` makes `retention.ms` 600000 and yet calls it a
default, since `log.retention.ms` is not set.

Source: Kafka's `ConfigHelper`, `DynamicBrokerConfig.brokerConfigSynonyms`; KIP-226, KIP-569.
"""

import enum
from collections.abc import Iterator, Mapping
from itertools import dropwhile
from typing import Final

import attrs

from broker.config.broker_config import BrokerConfig
from broker.config.dynamic import THROTTLES, overlay
from broker.config.table import BROKER_PROPERTIES
from broker.config.table.topic import BROKER_STAND_INS, SYNONYMS, TOPIC_PROPERTIES
from broker.config.values import Property, to_text
from broker.config.warnings import base_name


class Source(enum.IntEnum):
    """Who said it; the numbers are those of DescribeConfigs."""

    TOPIC = 1
    DYNAMIC_BROKER = 2
    DYNAMIC_DEFAULT_BROKER = 3
    STATIC_BROKER = 4
    DEFAULT = 5
    BROKER_LOGGER = 6


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


_DEFAULTS: Final = {name: row.default for name, row in BROKER_PROPERTIES.items()}


def describe_broker(broker: BrokerConfig) -> list[Described]:
    """Every documented name, and every other that is set."""
    names = [row.name for row in BROKER_PROPERTIES.values() if not row.internal]
    texts = overlay(broker.properties, broker.dynamic)
    names += [name for name in texts if name not in set(names)]
    return [_describe_broker_name(broker, name, texts.get(name)) for name in names]


def _describe_broker_name(broker: BrokerConfig, name: str, text: str | None) -> Described:
    row = _row(name)
    base = base_name(name)
    if text is None and row is not None:
        text = row.default
    is_sensitive = row is None or row.is_sensitive
    return Described(
        name=name,
        value=None if is_sensitive else _normalized(row, text),
        read_only=base != name
        or base not in BROKER_PROPERTIES
        or not BROKER_PROPERTIES[base].dynamic,
        is_sensitive=is_sensitive,
        synonyms=_from(name, _broker_synonyms(broker, _names_of(name), is_sensitive)),
        type=0 if row is None else row.type,
    )


def describe_broker_default(broker: BrokerConfig) -> list[Described]:
    """What ZooKeeper holds for all brokers, as it is written there."""
    described = []
    for name, text in broker.dynamic.default.items():
        whole = _describe_broker_name(broker, name, text)
        synonyms = (each for each in whole.synonyms if each.source is Source.DYNAMIC_DEFAULT_BROKER)
        value = None if whole.is_sensitive else text
        described.append(attrs.evolve(whole, value=value, synonyms=tuple(synonyms)))
    return described


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
    synonyms = [Synonym(name, shown, Source.TOPIC)] if name in overrides else []
    if name in SYNONYMS:
        behind = SYNONYMS[name][0]
        synonyms += _from(behind, _broker_synonyms(broker, SYNONYMS[name], is_sensitive))
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
    texts = overlay(broker.properties, broker.dynamic)
    return texts.get(name, BROKER_PROPERTIES[name].default)


def _row(name: str) -> Property | None:
    """The table's row of a name, or of the name behind a listener's prefix."""
    return THROTTLES.get(name) or BROKER_PROPERTIES.get(base_name(name))


def _names_of(name: str) -> tuple[str, ...]:
    base = base_name(name)
    return (name, base) if base != name else BROKER_STAND_INS.get(name, (name,))


def _broker_synonyms(
    broker: BrokerConfig, names: tuple[str, ...], is_sensitive: bool
) -> Iterator[Synonym]:
    for texts, source in (
        (broker.dynamic.broker, Source.DYNAMIC_BROKER),
        (broker.dynamic.default, Source.DYNAMIC_DEFAULT_BROKER),
        (broker.properties, Source.STATIC_BROKER),
        (_DEFAULTS, Source.DEFAULT),
    ):
        for name in names:
            text = texts.get(name)
            if text is not None:
                yield Synonym(name, None if is_sensitive else text, source)


def _from(name: str, synonyms: Iterator[Synonym]) -> tuple[Synonym, ...]:
    """Without what comes before the name itself."""
    return tuple(dropwhile(lambda synonym: synonym.name != name, synonyms))


def _normalized(row: Property | None, text: str | None) -> str | None:
    """`text` as its type prints it, such as `1` for `+1`."""
    if row is None or text is None:
        return text
    return to_text(row.parse(text))
