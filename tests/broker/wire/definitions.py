"""Kafka's own message definitions, read from its jars: what our tables are compared with.

The files are JSON with `//` comments.  `Definition` is what is common to a message and a struct in
them; a field's struct is written either where the field is, or once under `commonStructs`.
"""

import functools
import json
import re
import zipfile
from typing import Any

import attrs

from tests.support.kafka_jars import kafka_jar

_COMMENT = re.compile(r"(^|\s)//[^\"\n]*$|^\s*//.*$", re.MULTILINE)


@attrs.frozen
class Definition:
    """A message or struct: its name and its fields as the JSON has them."""

    name: str
    fields: list[dict[str, Any]]
    message: dict[str, Any]

    def struct(self, field: dict[str, Any]) -> "Definition":
        """The struct that a field is, or is an array of."""
        name = field["type"].removeprefix("[]")
        if "fields" in field:
            return attrs.evolve(self, name=name, fields=field["fields"])
        for common in self.message["commonStructs"]:
            if common["name"] == name:
                return attrs.evolve(self, name=name, fields=common["fields"])
        raise LookupError(f"{self.message['name']} defines no {name}")


@functools.cache
def _definitions() -> dict[str, str]:
    texts = {}
    for artifact in ("kafka-clients", "kafka-group-coordinator", "kafka-transaction-coordinator"):
        with zipfile.ZipFile(kafka_jar(artifact)) as jar:
            for name in jar.namelist():
                if name.startswith("common/message/") and name.endswith(".json"):
                    texts[name.rpartition("/")[2].removesuffix(".json")] = jar.read(name).decode()
    return texts


def definition(message_name: str) -> Definition:
    """The definition of a message by its name, such as FetchRequest."""
    message = json.loads(_COMMENT.sub("", _definitions()[message_name]))
    return Definition(message["name"], message["fields"], message)


def snake_case(name: str) -> str:
    """Kafka's camel case as our field names: topicData, TopicData -> topic_data."""
    words = name.replace("KRaft", "Kraft")
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", words).lower()
