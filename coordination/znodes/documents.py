"""Reads a znode's JSON with types checked, and says what is wrong with it.

Anybody can write to ZooKeeper, so a document is input, not state: `Document` hands out a field
only as the type asked for, and every complaint is a BadZnode naming path and field. A number is
never accepted for a string or the other way round; true and false are no numbers, and a number is
one of 32 bits: whatever is read here may be sent on to brokers.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import TypeGuard

import attrs

LAST_EPOCH = (1 << 31) - 1
"""Of a leader or a controller. None can follow it, so nobody can have got that far."""


class BadZnode(Exception):
    """A znode whose content cannot be meant: `path` and, in one line, `why`."""

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"bad znode {path}: {why}")
        self.path = path
        self.why = why


def encode_json(document: Mapping[str, object]) -> bytes:
    """Compact UTF-8 JSON, as Kafka writes it (its key order is Scala's and means nothing)."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def whole_number(text: str, bits: int = 32) -> int | None:
    """As Java reads an int: int() would also take blanks, underscores and other scripts' digits."""
    if re.fullmatch(r"-?[0-9]{1,19}", text) is None:
        return None
    number = int(text)
    return number if fits(number, bits) else None


def fits(number: int, bits: int) -> bool:
    return -(1 << bits - 1) <= number < 1 << bits - 1


@attrs.frozen
class Document:
    """A JSON object at `path`; `where` names the place inside it for complaints."""

    path: str
    fields: Mapping[str, object]
    where: str = ""

    @classmethod
    def parse(cls, path: str, data: bytes) -> "Document":
        try:
            document = json.loads(data.decode())
            if b"\\u" in data:  # the only way to write half a surrogate pair, which is no character
                encode_json({"": document})
        except (ValueError, RecursionError) as error:
            raise BadZnode(path, f"not JSON: {error}") from error
        if not isinstance(document, dict):
            raise BadZnode(path, f"expected a JSON object, found {document!r:.80}")
        return cls(path, document)

    def bad(self, key: str, expected: str) -> BadZnode:
        found = f"found {self.fields[key]!r:.80}" if key in self.fields else "it is missing"
        return BadZnode(self.path, f"{self.where}{key}: expected {expected}, {found}")

    def has(self, key: str) -> bool:
        """True if the field is there and not null."""
        return self.fields.get(key) is not None

    def integer(self, key: str) -> int:
        value = self.fields.get(key)
        if not _is_integer(value):
            raise self.bad(key, "a whole number of 32 bits")
        return value

    def string(self, key: str) -> str:
        value = self.fields.get(key)
        if not isinstance(value, str):
            raise self.bad(key, "a string")
        return value

    def digits(self, key: str) -> int:
        """A number inside a string, as Kafka writes 64-bit numbers."""
        number = whole_number(self.string(key), bits=64)
        if number is None:
            raise self.bad(key, "digits in a string")
        return number

    def integers(self, key: str) -> tuple[int, ...]:
        value = self.fields.get(key)
        if not isinstance(value, list) or not all(map(_is_integer, value)):
            raise self.bad(key, "a list of whole numbers of 32 bits")
        return tuple(value)

    def strings(self, key: str) -> tuple[str, ...]:
        value = self.fields.get(key)
        if not isinstance(value, list) or any(not isinstance(each, str) for each in value):
            raise self.bad(key, "a list of strings")
        return tuple(value)

    def document(self, key: str) -> "Document":
        value = self.fields.get(key)
        if not isinstance(value, dict):
            raise self.bad(key, "an object")
        return Document(self.path, value, f"{self.where}{key}.")

    def documents(self, key: str) -> Sequence["Document"]:
        value = self.fields.get(key)
        if not isinstance(value, list) or any(not isinstance(each, dict) for each in value):
            raise self.bad(key, "a list of objects")
        return [
            Document(self.path, each, f"{self.where}{key}[{index}].")
            for index, each in enumerate(value)
        ]

    def string_map(self, key: str) -> dict[str, str]:
        inner = self.document(key)
        return {name: inner.string(name) for name in inner.fields}

    def partition_map(self, key: str) -> dict[int, tuple[int, ...]]:
        """{"0": [1, 2]}: JSON has only strings for keys, here partition numbers."""
        inner = self.document(key)
        replicas = {}
        for name in inner.fields:
            partition = whole_number(name)
            if partition is None or partition < 0:
                raise BadZnode(self.path, f"{inner.where}{name!r:.80}: expected a partition number")
            replicas[partition] = inner.integers(name)
        return replicas


def _is_integer(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and fits(value, 32)
