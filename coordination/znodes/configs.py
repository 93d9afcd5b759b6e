"""/config: what differs from the defaults, per topic, broker, user, client and address.

    /config/topics/orders                       {"version":1, "config":{"retention.ms":"1000"}}
    /config/changes/config_change_0000000000    {"version":2, "entity_path":"topics/orders"}

A writer first sets the entity's config, then makes a sequential notification naming the entity;
every broker watches the notifications' parent. The notification carries no values: a reader takes
the config as it is now. Version 1 of a notification had entity_type and entity_name instead.
Source: kafka.zk.{ConfigEntityZNode,ConfigEntityChangeNotificationZNode},
kafka.server.DynamicConfigManager.
"""

from collections.abc import Mapping

from coordination.store import Node
from coordination.znodes import paths
from coordination.znodes.documents import BadZnode, Document, encode_json


def encode_config(config: Mapping[str, str]) -> bytes:
    return encode_json({"version": 1, "config": config})


def decode_config(entity_path: str, node: Node) -> dict[str, str]:
    """{} for an empty znode, as Kafka reads it."""
    if not node.data:
        return {}
    document = Document.parse(paths.config(entity_path), node.data)
    return document.string_map("config")


def encode_config_change(entity_path: str) -> bytes:
    return encode_json({"version": 2, "entity_path": entity_path})


def decode_config_change(path: str, node: Node) -> str:
    """The entity path, such as `topics/orders` or `users/alice/clients/app`."""
    document = Document.parse(path, node.data)
    match document.integer("version"):
        case 1:
            entity_path = f"{document.string('entity_type')}/{document.string('entity_name')}"
        case 2:
            entity_path = document.string("entity_path")
        case _:
            raise document.bad("version", "1 or 2")
    if {"", ".", ".."}.intersection(entity_path.split("/")):
        raise BadZnode(path, f"no znode beneath /config has the path {entity_path!r:.80}")
    return entity_path
