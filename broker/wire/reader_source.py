"""Writes the Python that reads one version of one message.

The code for FooRequest version 3 looks like this, all structs in line:

    def read(view, at):
        try:
            size = len(view)
            timeout_ms_0, n, = unpack_iB(view, at)        # adjacent fixed-size values in one call,
            at += 5                                       # with the length that follows them
            if n > 127:
                n, at = long_varint(view, n, at)
            n -= 1                                        # from here on a length, or -1 for null
            if n > size - at:
                raise ValueError(...)                     # no count is believed beyond the bytes
            topics_0 = []
            for _ in range(n):
                ...
                topics_0.append(FooTopic(name_1, partitions_1))
            ...
            return FooRequest(timeout_ms_0, topics_0), at
        except READ_ERRORS as error:
            raise malformed(error) from error

A name's number is the depth of its struct.  `view` is a memoryview of unsigned bytes, so that
reading beyond the end raises by itself (`struct.error`, IndexError); slices do not, and have their
check.  Constructors are called by position, for speed.
"""

from collections.abc import Callable
from struct import calcsize, unpack_from
from typing import Any

import attrs

from broker.wire.primitives import PRIMITIVES
from broker.wire.schema import (
    NO_VERSIONS,
    UUID_,
    ZERO_UUID,
    Kind,
    WireField,
    WireType,
    fields_of,
    is_flexible,
)
from broker.wire.source import LENGTH_CODES, SHORT_ARRAY, Run, Source

# Of any string, as in Kafka's generated readers: what is longer could be read, but not written
# where its length has 16 bits, as in the records of groups and transactions.
LONGEST_STRING_BYTES = 0x7FFF


def reader_source(cls: type, version: int) -> Source:
    """The source of `read(view, at) -> (message, position behind it)`."""
    source = Source(f"reader of {cls.__name__} {version}", {**PRIMITIVES, "ZERO_UUID": ZERO_UUID})
    generator = _ReaderGenerator(source, version, is_flexible(cls, version))
    with (
        source.about(cls.__name__),
        source.block("def read(view, at):"),
    ):
        with source.block("try:"):
            source.emit("size = len(view)")
            made = generator.struct(cls, depth=0)
            source.emit(f"return {made}, at")
        with source.block("except READ_ERRORS as error:"):
            source.emit("raise malformed(error) from error")
    return source


def smallest_size(wire_type: WireType[Any], version: int, flexible: bool) -> int:
    """The least number of bytes that a value takes; a count is checked against it."""
    if wire_type.kind is Kind.FIXED:
        return calcsize(">" + wire_type.code)
    if wire_type.kind is not Kind.STRUCT:
        return calcsize(">" + LENGTH_CODES[wire_type.kind]) if not flexible else 1
    assert wire_type.struct is not None
    total = 1 if flexible else 0
    for field in fields_of(wire_type.struct):
        if version in field.versions and field.tag is None:
            nullable_struct = field.type.kind is Kind.STRUCT and version in field.nullable
            total += 1 if nullable_struct else smallest_size(field.type, version, flexible)
    return total


def _is_uuid(wire_type: WireType[Any]) -> bool:
    return wire_type.code == UUID_.code


class _ReaderGenerator:
    def __init__(self, source: Source, version: int, flexible: bool) -> None:
        self.source = source
        self.version = version
        self.flexible = flexible
        self.run = Run()
        self.after_run: list[str] = []
        self.readers: dict[Kind, Callable[[WireField, str, int], None]] = {
            Kind.TEXT: self.text,
            Kind.BYTES: self.bytes,
            Kind.RECORDS: self.records,
            Kind.ARRAY: self.array,
        }

    def struct(self, cls: type, depth: int) -> str:
        """Read the fields of a struct; returns the expression that makes it."""
        arguments = []
        tagged = []
        for field in fields_of(cls):
            name = f"{field.name}_{depth}"
            if self.version not in field.versions:
                arguments.append(self.default(field))
                continue
            arguments.append(name)
            if field.tag is None:
                with self.source.about(field.name):
                    self.field(field, name, depth)
            else:
                self.source.emit(f"{name} = {self.default(field)}")
                tagged.append(field)
        if self.flexible:
            self.tags(tagged, depth)
        self.flush()
        return f"{self.source.use(cls.__name__, cls)}({', '.join(arguments)})"

    def default(self, field: WireField) -> str:
        """The value of a field that is not there, as an expression."""
        if field.type.kind is Kind.STRUCT and field.default is None:
            if field.optional:
                return "None"
            assert field.type.struct is not None
            return f"{self.source.use(field.type.name, field.type.struct)}()"
        return "ZERO_UUID" if field.default == ZERO_UUID else repr(field.default)

    # -- runs of fixed-size values

    def fixed(self, code: str, name: str, after: str | None = None) -> None:
        self.run.add(code, name, self.source.field)
        if after is not None:
            self.after_run.append(after)

    def flush(self) -> None:
        """Read the values collected so far; from here on they can be used."""
        run, self.run = self.run, Run()
        after, self.after_run = self.after_run, []
        if run.names:
            unpack = self.source.use_struct("unpack", run)
            self.source.emit(f"{', '.join(run.names)}, = {unpack}(view, at)", run=run)
            self.source.emit(f"at += {run.size_bytes}", *after)

    # -- fields

    def field(self, field: WireField, name: str, depth: int) -> None:
        if field.type.kind is Kind.FIXED:
            self.fixed_field(field.type, name)
        elif field.type.kind is Kind.STRUCT:
            self.struct_field(field, name, depth)
        else:
            self.length(field.type.kind)
            self.null_or(field, name, depth)

    def fixed_field(self, wire_type: WireType[Any], name: str) -> None:
        self.fixed(
            wire_type.code, name, f"{name} = uuid_of({name})" if _is_uuid(wire_type) else None
        )

    def struct_field(self, field: WireField, name: str, depth: int) -> None:
        assert field.type.struct is not None
        if self.version not in field.nullable:
            self.flush()
            self.source.emit(f"{name} = {self.struct(field.type.struct, depth + 1)}")
            return
        self.fixed("b", "n")  # -1 null, 1 a struct follows
        self.flush()
        self.source.emit(f"{name} = None")
        with self.source.block("if n >= 0:"):
            self.source.emit(f"{name} = {self.struct(field.type.struct, depth + 1)}")

    def length(self, kind: Kind) -> None:
        """Read a length or count into `n`, -1 for null, together with the run before it."""
        self.fixed("B" if self.flexible else LENGTH_CODES[kind], "n")
        self.flush()
        if self.flexible:
            with self.source.block("if n > 127:"):
                self.source.emit("n, at = long_varint(view, n, at)")
            self.source.emit("n -= 1")

    def null_or(self, field: WireField, name: str, depth: int) -> None:
        """Read what `n` counts, unless that says null."""
        read = self.readers[field.type.kind]
        if self.version in field.nullable:
            with self.source.block("if n < 0:"):
                self.source.emit(f"{name} = None")
            with self.source.block("else:"):
                read(field, name, depth)
        else:
            with self.source.block("if n < 0:"):
                self.source.emit('raise ValueError("null is not allowed")')
            read(field, name, depth)

    def stop(self, element_bytes: int = 1) -> None:
        """Set `stop` behind `n` elements, if so much is there."""
        count = "n" if element_bytes == 1 else f"{element_bytes} * n"
        self.source.emit(f"stop = at + {count}")
        with self.source.block("if stop > size:"):
            self.source.emit(
                'raise ValueError(f"{stop - at} bytes are announced, {size - at} are left")'
            )

    def text(self, _field: WireField, name: str, _depth: int) -> None:
        # Java, too, turns bytes that are no UTF-8 into U+FFFD, which has three.
        self.stop()
        self.source.emit(f'{name} = str(view[at:stop], "utf-8", "replace")', "at = stop")
        with (
            self.source.block(f"if n > {LONGEST_STRING_BYTES // 3}:"),
            self.source.block(f"if max(n, len({name}.encode())) > {LONGEST_STRING_BYTES}:"),
        ):
            self.source.emit(
                f'raise ValueError("a string of more than {LONGEST_STRING_BYTES} bytes")'
            )

    def bytes(self, _field: WireField, name: str, _depth: int) -> None:
        self.stop()
        self.source.emit(f"{name} = bytes(view[at:stop])", "at = stop")

    def records(self, _field: WireField, name: str, _depth: int) -> None:
        self.stop()
        self.source.emit(f"{name} = view[at:stop]", "at = stop")

    def array(self, field: WireField, name: str, depth: int) -> None:
        element = field.type.element
        assert element is not None
        # An element without any bytes counts as one, or a few bytes could ask for a long list.
        least_bytes = max(1, smallest_size(element, self.version, self.flexible))
        self.stop(least_bytes)
        if element.kind is Kind.FIXED and not _is_uuid(element):
            some = self.source.use_structs("unpack", element.code)
            many = self.source.use("unpack_from", unpack_from)
            with self.source.block(f"if n < {SHORT_ARRAY}:"):
                self.source.emit(f"{name} = [*{some}[n](view, at)]")
            with self.source.block("else:"):
                self.source.emit(f'{name} = [*{many}(f">{{n}}{element.code}", view, at)]')
            self.source.emit("at = stop")
            return
        self.source.emit(f"{name} = []")
        with self.source.block("for _ in range(n):"):
            if element.kind is Kind.STRUCT:
                assert element.struct is not None
                made = self.struct(element.struct, depth + 1)
            else:
                made = f"element_{depth}"
                self.field(attrs.evolve(field, type=element, nullable=NO_VERSIONS), made, depth)
                self.flush()
            self.source.emit(f"{name}.append({made})")

    # -- the tagged section: | count varint | { tag varint | size varint | value } ... |

    def tags(self, fields: list[WireField], depth: int) -> None:
        with self.source.about("tagged fields"):
            self.fixed("B", "tags")
        self.flush()
        if not fields:
            with self.source.block("if tags:"):
                self.source.emit("at = skip_tags(view, tags, at)")
            return
        stop = f"tag_stop_{depth}"
        with self.source.block("if tags:"):
            with self.source.block("if tags > 127:"):
                self.source.emit("tags, at = long_varint(view, tags, at)")
            with self.source.block("for _ in range(tags):"):
                self.source.emit(
                    "tag, at = read_varint(view, at)",
                    "n, at = read_varint(view, at)",
                    f"{stop} = at + n",
                )
                with self.source.block(f"if {stop} > size:"):
                    self.source.emit('raise ValueError("a tagged field runs past the end")')
                for number, field in enumerate(fields):
                    word = "elif" if number else "if"
                    with (
                        self.source.block(f"{word} tag == {field.tag}:"),
                        self.source.about(field.name),
                    ):
                        self.field(field, f"{field.name}_{depth}", depth)
                        self.flush()
                with self.source.block("else:"):
                    self.source.emit(f"at = {stop}")
                with self.source.block(f"if at != {stop}:"):
                    self.source.emit('raise ValueError("a tagged field has another size")')
