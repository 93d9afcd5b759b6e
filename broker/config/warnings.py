"""Which names of a file will have no effect: known to Kafka but not in use here, or unknown.

A listener's own settings (`listener.name.inside.ssl.keystore.location`) count as the name behind
the prefix; the settings of a plug-in (`config.providers.*`, `rsm.config.*`) are the plug-in's.

Source: Kafka's `AbstractConfig.logUnused`, `DynamicBrokerConfig` (the listener prefix).
"""

import re
from collections.abc import Iterable
from typing import Final

from broker.config.broker_config import is_used
from broker.config.http_listener import KEY as HTTP_LISTENER
from broker.config.table import BROKER_PROPERTIES

_LISTENER_PREFIX: Final = re.compile(r"listener\.name\.[^.]*\.(.*)")
# After the prefix may come a SASL mechanism: listener.name.inside.scram-sha-256.sasl.jaas.config
_MECHANISM_SETTINGS: Final = (
    "sasl.jaas.config",
    "sasl.login.callback.handler.class",
    "sasl.login.class",
    "sasl.server.callback.handler.class",
    "connections.max.reauth.ms",
)
# What plug-ins read, and the quotas that ZooKeeper holds but a file may name.
_PLUGIN_PREFIXES: Final = ("config.providers", "rsm.config.", "rlmm.config.")


def names_without_effect(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """(known to Kafka but not in use, unknown), each sorted."""
    known, unknown = [], []
    for name in sorted(names):
        base = base_name(name)
        if name == HTTP_LISTENER:
            continue
        if base not in BROKER_PROPERTIES and not name.startswith(_PLUGIN_PREFIXES):
            unknown.append(name)
        elif not is_used(name):
            known.append(name)
    return known, unknown


def warning_lines(names: Iterable[str]) -> list[str]:
    """At most one line for each of the two kinds."""
    known, unknown = names_without_effect(names)
    lines = []
    if known:
        lines.append(f"recognised, but not in use by zbroker: {', '.join(known)}")
    if unknown:
        lines.append(f"unknown to Kafka 3.9 and to zbroker, ignored: {', '.join(unknown)}")
    return lines


def base_name(name: str) -> str:
    """The name behind a listener's prefix; a name without one as it is."""
    match = _LISTENER_PREFIX.fullmatch(name)
    if match is None:
        return name
    return next((base for base in _MECHANISM_SETTINGS if match[1].endswith(base)), match[1])
