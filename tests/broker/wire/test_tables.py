"""Our tables against the message definitions in the real jars, field by field."""

from typing import Any
from uuid import UUID

import pytest

from broker.wire.schema import NO_VERSIONS, Kind, WireField, fields_of, versions_of
from tests.broker.wire.definitions import Definition, definition, snake_case
from tests.broker.wire.every_message import EVERY_MESSAGE

# Where two messages of a file have a struct of one name, ours have a word in front.
PREFIXES = ("Request", "Response", "Subscription", "Assignment")
PREFIXED = ("alter_client_quotas", "alter_partition", "consumer_protocol")


@pytest.mark.server  # the jars are downloaded once
@pytest.mark.parametrize("message", EVERY_MESSAGE, ids=lambda message: message.__name__)
def test_a_table_is_kafkas(message: type) -> None:
    theirs = definition(message.__name__)
    assert str(versions_of(message).valid) == theirs.message["validVersions"]
    assert str(versions_of(message).flexible) == theirs.message["flexibleVersions"]
    compare(message, theirs)


def compare(ours: type, theirs: Definition) -> None:
    """All fields, and what is in them."""
    assert [field.name for field in fields_of(ours)] == [
        snake_case(field["name"]) for field in theirs.fields
    ], ours.__name__
    for mine, field in zip(fields_of(ours), theirs.fields, strict=True):
        assert description(mine) == expected(field), f"{ours.__name__}.{mine.name}"
        struct = (mine.type.element or mine.type).struct
        if struct is not None:
            compare(struct, theirs.struct(field))


def description(field: WireField) -> dict[str, Any]:
    return {
        "type": kafka_type(field),
        "versions": str(field.versions),
        "nullable": str(field.nullable),
        "tag": field.tag,
        "ignorable": field.ignorable,
        "default": field.default,
    }


def kafka_type(field: WireField) -> str:
    """The type in Kafka's words, without the prefix that tells our structs apart."""
    array = "[]" if field.type.kind is Kind.ARRAY else ""
    inner = field.type.element or field.type
    if inner.struct is None:
        return array + inner.name
    name = inner.struct.__name__
    for prefix in PREFIXES:
        if inner.struct.__module__.rpartition(".")[2] in PREFIXED and name.startswith(prefix):
            name = name.removeprefix(prefix)
    return array + name


def expected(field: dict[str, Any]) -> dict[str, Any]:
    if "tag" in field:
        assert field["taggedVersions"] == field["versions"]  # else our table could not say it
    return {
        "type": field["type"],
        "versions": field["versions"],
        "nullable": field.get("nullableVersions", str(NO_VERSIONS)),
        "tag": field.get("tag"),
        "ignorable": str(field.get("ignorable", False)).lower() == "true",
        "default": expected_default(field),
    }


def expected_default(field: dict[str, Any]) -> Any:
    """The default as a Python value.

    The one deviation: a tagged struct that is not there is None for us, for Kafka a struct of
    defaults.
    """
    kind, text = field["type"], str(field.get("default", ""))
    if kind.startswith("[]") and text != "null":
        assert text == ""
        return []
    if text == "null" or kind == "records" or kind[0].isupper():
        return None
    zeros: dict[str, Any] = {
        "string": text,
        "bytes": b"",
        "bool": text == "true",
        "uuid": UUID(int=0),
    }
    return zeros[kind] if kind in zeros else int(text or "0", 0)
