"""Does a value fit a JSON Schema? The part of the standard that `cli/schemas` uses, and no more.

A keyword that is not known here is an error, so that no schema says more than is checked. Stricter
than the standard in one thing: a property that the schema does not name is a complaint, for what
stands in an answer must stand in its schema.
"""

from collections.abc import Iterator, Mapping
from typing import Any

_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}
_KNOWN = frozenset(
    {
        *("$schema", "title", "description", "type", "const", "enum"),
        *("required", "properties", "additionalProperties", "items"),
    }
)


def complaints(schema: Mapping[str, Any], value: Any, where: str = "$") -> Iterator[str]:
    """What does not fit, one line each with the path of it."""
    assert schema.keys() <= _KNOWN, f"{where}: keywords {schema.keys() - _KNOWN} are not checked"
    wanted = schema.get("type")
    if wanted is not None:
        names = wanted if isinstance(wanted, list) else [wanted]
        if not any(_is_a(value, name) for name in names):
            yield f"{where}: {value!r} is not of type {' or '.join(names)}"
            return
    if "const" in schema and value != schema["const"]:
        yield f"{where}: {value!r} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where}: {value!r} is none of {schema['enum']}"
    if isinstance(value, dict):
        yield from _in_object(schema, value, where)
    if isinstance(value, list) and "items" in schema:
        for number, each in enumerate(value):
            yield from complaints(schema["items"], each, f"{where}[{number}]")


def _in_object(schema: Mapping[str, Any], value: dict[str, Any], where: str) -> Iterator[str]:
    for name in schema.get("required", []):
        if name not in value:
            yield f"{where}: {name!r} is missing"
    named = schema.get("properties", {})
    for name, each in value.items():
        if name in named:
            yield from complaints(named[name], each, f"{where}.{name}")
        elif "additionalProperties" in schema:
            yield from complaints(schema["additionalProperties"], each, f"{where}.{name}")
        elif "properties" in schema:
            yield f"{where}: the schema does not name {name!r}"


def _is_a(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(value, _TYPES[name])
