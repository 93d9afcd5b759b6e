"""An ensemble's whole znode tree, as far as a story determines it.

Left out of the values: times, random ids, ports, and who of several won an election. An ISR is a
set. Everything else must be equal, in type too: 1 is not "1".
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import attrs
from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError

ZOOKEEPERS_OWN: Final = "/zookeeper"

# Fields whose values no story determines; that they are there, and their type, is compared.
VARYING: Final = {
    "/brokers/ids/": {"timestamp", "port", "endpoints"},
    "/brokers/topics/": {"topic_id"},
    "/cluster/id": {"id"},
    "/controller": {"brokerid", "timestamp"},
    "/latest_producer_id_block": {"broker"},
}


@attrs.frozen
class Znode:
    """`value` is the JSON document, or else the text."""

    is_ephemeral: bool
    value: object


def read_tree(client: KazooClient) -> dict[str, Znode]:
    """All nodes by path; one that vanishes meanwhile is left out, so nothing should be going on."""
    found: dict[str, Znode] = {}
    waiting = ["/"]
    while waiting:
        path = waiting.pop()
        try:
            data, stat = client.get(path)
            children = client.get_children(path)
        except NoNodeError:
            continue
        found[path] = Znode(stat.ephemeralOwner != 0, _value(path, data))
        prefix = "" if path == "/" else path
        waiting += [f"{prefix}/{child}" for child in children if f"/{child}" != ZOOKEEPERS_OWN]
    return found


def _value(path: str, data: bytes | None) -> object:
    text = (data or b"").decode()
    try:
        document = json.loads(text)
    except ValueError:
        return text
    if not isinstance(document, dict):
        return text
    varying: set[str] = set()
    for prefix, fields in VARYING.items():
        if path.startswith(prefix):
            varying |= fields
    return {
        name: _shape(value) if name in varying else _determined(name, value)
        for name, value in document.items()
    }


def _shape(value: Any) -> object:
    """What is left of a value that varies: its type, and a text's form."""
    if isinstance(value, list):
        return [_shape(each) for each in value]
    if isinstance(value, str):
        return re.sub(r"[0-9]+", "0", value) if "://" in value else f"text of {len(value)}"
    return type(value).__name__


def _determined(name: str, value: Any) -> object:
    return sorted(value) if name == "isr" else value


def differences(theirs: Mapping[str, Znode], ours: Mapping[str, Znode]) -> list[str]:
    """One line for each path that is not the same."""
    return [
        f"{path}: Kafka has {theirs.get(path)}, zbroker {ours.get(path)}"
        for path in sorted(theirs.keys() | ours.keys())
        if theirs.get(path) != ours.get(path)
    ]
