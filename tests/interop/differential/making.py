"""Requests for hypothesis: of any API and version, out of the message tables and `pools`."""

from typing import Any

from hypothesis import strategies as st

from broker.wire.apis import API_TABLE, ApiKey
from broker.wire.schema import Kind, WireField, WireType, fields_of
from tests.interop.differential.pools import pool_of
from tests.interop.differential.unanswered import is_answered

MOST_ELEMENTS = 3

# Which may be null by their definition, but see `unanswered`.
NEVER_NULL = {"records"}

_SIZES = st.sampled_from([0, 1, 1, 1, 1, 2, 2, MOST_ELEMENTS])


def requests(key: ApiKey, version: int) -> st.SearchStrategy[Any]:
    """Requests with symbols in them: see `symbols`."""
    made = structs(API_TABLE[key].request_class, version)
    return made.filter(lambda request: is_answered(key, version, request))


def structs(cls: type, version: int) -> st.SearchStrategy[Any]:
    present = {f.name: field(cls, f, version) for f in fields_of(cls) if version in f.versions}
    return st.builds(cls, **present)


def field(cls: type, declared: WireField, version: int) -> st.SearchStrategy[Any]:
    """What the pool of the field has, or its elements'; sometimes null, where it may be."""
    pool = pool_of(cls.__name__, declared.name)
    kind = declared.type.kind
    if kind is Kind.ARRAY:
        assert declared.type.element is not None
        if declared.type.element.kind is Kind.STRUCT:
            pool = None  # of numbers, for fields that have the same name
        values = lists(element(declared.type.element, version) if pool is None else pool)
    else:
        values = element(declared.type, version) if pool is None else pool
    absent = kind is Kind.STRUCT and declared.tag is not None
    if (version not in declared.nullable and not absent) or declared.name in NEVER_NULL:
        return values
    return st.one_of(values, values, values, values, st.none())


def element(wire_type: WireType[Any], version: int) -> st.SearchStrategy[Any]:
    if wire_type.kind is Kind.STRUCT:
        assert wire_type.struct is not None
        return structs(wire_type.struct, version)
    if wire_type.name == "bool":
        return st.booleans()
    raise LookupError(f"no pool for a field of type {wire_type.name}")


def lists(elements: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """Mostly one, sometimes none or several, and then perhaps the same one twice."""
    return _SIZES.flatmap(lambda size: st.lists(elements, min_size=size, max_size=size))
