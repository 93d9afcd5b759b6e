"""The words that the message tables are written in.

A message is an attrs class, and each of its fields says what it is in Python and what it is on the
wire, in which versions:

    @message(versions="0-3", flexible="2+")
    class FooRequest:
        timeout_ms: int = wire(INT32, "0+")
        group_id: str | None = wire(STRING, "1+", nullable="1+", default=None, ignorable=True)
        topics: list[FooTopic] = wire(array(FooTopic), "0+")
        cluster_id: str | None = wire(STRING, "2+", nullable="2+", tag=0, default=None)

`versions`   the versions that carry the field; in others a reader leaves the default
`nullable`   the versions in which null is allowed
`default`    what the field is when nobody says otherwise; by itself zero, "", b"", [], False
`ignorable`  a writer may drop the value where the version lacks the field; a field that is not
             ignorable is refused there unless it has its default
`tag`        the field is not in line but in the tagged section (KIP-482), left out when it has its
             default; a tagged *struct* that is left out is None here

Versions from `flexible` on use compact lengths and have a tagged section behind every struct.

Fields stand in the order of the wire.  They are Kafka's fields (`common/message/*.json` in the
kafka-clients jar; the tests compare each one), in snake case, and are given by keyword.
"""

from collections.abc import Callable
from enum import Enum
from functools import cache
from typing import Any, Final, Generic, TypeVar, dataclass_transform, overload
from uuid import UUID

import attrs

ZERO_UUID: Final = UUID(int=0)

T = TypeVar("T")
S = TypeVar("S")


@attrs.frozen
class Versions:
    """A range of versions, both ends included; `last` None means that no end is in sight."""

    first: int
    last: int | None

    @staticmethod
    @cache
    def parse(text: str) -> "Versions":
        """From Kafka's notation: "3", "3-5", "3+" or "none"."""
        if text == "none":
            return NO_VERSIONS
        if text.endswith("+"):
            return Versions(int(text[:-1]), None)
        first, _, last = text.partition("-")
        return Versions(int(first), int(last or first))

    def __contains__(self, version: int) -> bool:
        return self.first <= version and (self.last is None or version <= self.last)

    def __str__(self) -> str:
        if self.last is None:
            return f"{self.first}+"
        if self.last < self.first:
            return "none"
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


NO_VERSIONS: Final = Versions(0, -1)


class Kind(Enum):
    """How a type lies on the wire."""

    FIXED = "fixed"  # a fixed number of bytes
    TEXT = "text"  # a length and UTF-8
    BYTES = "bytes"  # a length and bytes, copied out of the frame
    RECORDS = "records"  # a length and bytes, left where they are
    ARRAY = "array"  # a count and the elements
    STRUCT = "struct"  # its fields


@attrs.frozen
class WireType(Generic[T]):
    """A type of the protocol and the Python type that stands for it."""

    name: str  # Kafka's name
    kind: Kind
    zero: T
    code: str = ""  # FIXED: the character of the struct module
    element: "WireType[Any] | None" = None  # ARRAY
    struct: type | None = None  # STRUCT: the class


INT8: Final = WireType[int]("int8", Kind.FIXED, 0, "b")
INT16: Final = WireType[int]("int16", Kind.FIXED, 0, "h")
UINT16: Final = WireType[int]("uint16", Kind.FIXED, 0, "H")
INT32: Final = WireType[int]("int32", Kind.FIXED, 0, "i")
INT64: Final = WireType[int]("int64", Kind.FIXED, 0, "q")
FLOAT64: Final = WireType[float]("float64", Kind.FIXED, 0.0, "d")
BOOL: Final = WireType[bool]("bool", Kind.FIXED, False, "?")
UUID_: Final = WireType[UUID]("uuid", Kind.FIXED, ZERO_UUID, "16s")
STRING: Final = WireType[str]("string", Kind.TEXT, "")
BYTES: Final = WireType[bytes]("bytes", Kind.BYTES, b"")
# Read as a memoryview, written from whatever `regions.Records` allows: each message says which.
RECORDS: Final = WireType[Any]("records", Kind.RECORDS, None)


@overload
def array(element: WireType[T]) -> WireType[list[T]]: ...
@overload
def array(element: type[S]) -> WireType[list[S]]: ...
def array(element: Any) -> WireType[Any]:
    """The type of a list of `element`, which is a wire type or a struct's class."""
    inner = _as_wire_type(element)
    return WireType(f"[]{inner.name}", Kind.ARRAY, [], element=inner)


def _as_wire_type(kind: Any) -> WireType[Any]:
    if isinstance(kind, WireType):
        return kind
    return WireType(kind.__name__, Kind.STRUCT, None, struct=kind)


@attrs.frozen
class WireField:
    """What `wire()` was told; `fields_of` gives a class's, in order."""

    type: WireType[Any]
    versions: Versions
    nullable: Versions
    default: Any
    ignorable: bool
    tag: int | None
    name: str = ""

    @property
    def optional(self) -> bool:
        """Whether None stands for a struct that is not there."""
        return self.tag is not None or self.nullable != NO_VERSIONS


class _Unset(Enum):
    UNSET = 0


_UNSET: Final = _Unset.UNSET


@overload
def wire(
    kind: WireType[T],
    versions: str,
    *,
    nullable: str,
    default: T | _Unset | None = ...,
    ignorable: bool = ...,
    tag: int | None = ...,
) -> T | None: ...
@overload
def wire(
    kind: WireType[T],
    versions: str,
    *,
    default: T | _Unset = ...,
    ignorable: bool = ...,
    tag: int | None = ...,
) -> T: ...
@overload
def wire(kind: type[S], versions: str, *, tag: int, ignorable: bool = ...) -> S | None: ...
@overload
def wire(
    kind: type[S], versions: str, *, nullable: str, default: None = ..., ignorable: bool = ...
) -> S | None: ...
@overload
def wire(kind: type[S], versions: str, *, ignorable: bool = ...) -> S: ...
def wire(
    kind: Any,
    versions: str,
    *,
    nullable: str = "none",
    default: Any = _UNSET,
    ignorable: bool = False,
    tag: int | None = None,
) -> Any:
    """Declare one field; see the module's docstring for the words."""
    wire_type = _as_wire_type(kind)
    optional_struct = wire_type.kind is Kind.STRUCT and (tag is not None or nullable != "none")
    if default is _UNSET:
        default = None if optional_struct else wire_type.zero
    declared = WireField(
        type=wire_type,
        versions=Versions.parse(versions),
        nullable=Versions.parse(nullable),
        default=default,
        ignorable=ignorable,
        tag=tag,
    )
    metadata = {WireField: declared}
    if wire_type.kind is Kind.STRUCT and not optional_struct:
        return attrs.field(factory=wire_type.struct, metadata=metadata)
    if isinstance(default, list):
        return attrs.field(factory=list, metadata=metadata)
    return attrs.field(default=default, metadata=metadata)


def fields_of(cls: type) -> tuple[WireField, ...]:
    """The declared fields of a message or struct, in the order of the wire."""
    return tuple(attrs.evolve(a.metadata[WireField], name=a.name) for a in attrs.fields(cls))


@attrs.frozen
class MessageVersions:
    """The versions that a message has, and those of them that are flexible."""

    valid: Versions
    flexible: Versions


_VERSIONS_ATTRIBUTE: Final = "__wire_versions__"


# At run time the fields may also be given by position, which the readers do because a call by
# keyword takes more than twice as long; people write keywords, and mypy holds them to it.
@dataclass_transform(kw_only_default=True)
def struct(cls: type[T]) -> type[T]:
    """Make a class of `wire` fields a part of a message."""
    return attrs.define(cls)


@dataclass_transform(kw_only_default=True)
def message(*, versions: str, flexible: str = "none") -> Callable[[type[T]], type[T]]:
    """Make a class of `wire` fields a message of these versions."""

    def decorate(cls: type[T]) -> type[T]:
        cls = attrs.define(cls)
        declared = MessageVersions(Versions.parse(versions), Versions.parse(flexible))
        setattr(cls, _VERSIONS_ATTRIBUTE, declared)
        return cls

    return decorate


def versions_of(cls: type) -> MessageVersions:
    """The versions of a message's class."""
    declared: MessageVersions = getattr(cls, _VERSIONS_ATTRIBUTE)
    return declared


def is_flexible(cls: type, version: int) -> bool:
    """Whether a version of a message is flexible; ValueError if the message has no such version."""
    versions = versions_of(cls)
    if version not in versions.valid:
        raise ValueError(f"{cls.__name__} has versions {versions.valid}, not {version}")
    return version in versions.flexible
