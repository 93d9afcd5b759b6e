"""Arbitrary messages, made from the tables themselves, for hypothesis."""

from typing import Any

from hypothesis import strategies as st

from broker.wire.schema import Kind, WireField, WireType, fields_of

_BITS = {"int8": 8, "int16": 16, "int32": 32, "int64": 64}


def messages(cls: type, version: int) -> st.SearchStrategy[Any]:
    """Messages or structs in which every field of the version is anything it may be."""
    present = {f.name: _field(f, version) for f in fields_of(cls) if version in f.versions}
    return st.builds(cls, **present)


def _field(field: WireField, version: int) -> st.SearchStrategy[Any]:
    values = _value(field.type, version)
    absent = field.type.kind is Kind.STRUCT and field.tag is not None
    return st.none() | values if version in field.nullable or absent else values


def _value(wire_type: WireType[Any], version: int) -> st.SearchStrategy[Any]:
    match wire_type.kind:
        case Kind.FIXED:
            return _fixed(wire_type.name)
        case Kind.TEXT:
            return st.text(st.characters(codec="utf-8"), max_size=20) | st.just("x" * 300)
        case Kind.BYTES | Kind.RECORDS:
            return st.binary(max_size=20) | st.just(bytes(300))
        case Kind.ARRAY:
            assert wire_type.element is not None
            return st.lists(_value(wire_type.element, version), max_size=3)
        case Kind.STRUCT:
            assert wire_type.struct is not None
            return messages(wire_type.struct, version)


def _fixed(name: str) -> st.SearchStrategy[Any]:
    if name in _BITS:
        limit = 1 << (_BITS[name] - 1)
        return st.integers(-limit, limit - 1)
    return {
        "uint16": st.integers(0, 0xFFFF),
        "float64": st.floats(allow_nan=False),
        "bool": st.booleans(),
        "uuid": st.uuids(),
    }[name]
