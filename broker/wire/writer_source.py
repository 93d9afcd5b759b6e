"""Writes the Python that writes one version of one message.

The code for FooRequest version 3 looks like this:

    def write(message, chunks):
        try:
            parts = []
            put = parts.append
            items_0 = message.topics
            n = len(items_0)
            put(pack_i(message.timeout_ms))               # adjacent fixed-size values in one call
            put(varint(n + 1))
            for item_0 in items_0:
                text = item_0.name.encode()
                put(varint(len(text) + 1))
                put(text)
                put(pack_qx(item_0.offset))               # x: a zero, for "no tagged fields"
            ...
            if message.reason != "":                      # not in this version, not ignorable
                raise ValueError("version 3 cannot say this")
            chunks.append(b"".join(parts))
        except WRITE_ERRORS as error:
            raise unwritable(error) from error

`parts` are joined into one piece; only records come in between, as pieces of their own, so that a
FileRegion stays what it is.  A number at the end of a name is the depth of the struct.
"""

from collections.abc import Callable
from struct import pack

import attrs

from broker.wire.primitives import PRIMITIVES
from broker.wire.schema import (
    NO_VERSIONS,
    UUID_,
    ZERO_UUID,
    Kind,
    WireField,
    fields_of,
    is_flexible,
)
from broker.wire.source import LENGTH_CODES, SHORT_ARRAY, Run, Source


def writer_source(cls: type, version: int) -> Source:
    """The source of `write(message, chunks)`, which appends to `chunks`."""
    names = {**PRIMITIVES, "ZERO_UUID": ZERO_UUID, "pack": pack}
    source = Source(f"writer of {cls.__name__} {version}", names)
    generator = _WriterGenerator(source, version, is_flexible(cls, version))
    with (
        source.about(cls.__name__),
        source.block("def write(message, chunks):"),
    ):
        with source.block("try:"):
            source.emit("parts = []", "put = parts.append")
            generator.struct(cls, "message", depth=0)
            generator.flush()
            source.emit('chunks.append(b"".join(parts))')
        with source.block("except WRITE_ERRORS as error:"):
            source.emit("raise unwritable(error) from error")
    return source


class _WriterGenerator:
    def __init__(self, source: Source, version: int, flexible: bool) -> None:
        self.source = source
        self.version = version
        self.flexible = flexible
        self.run = Run()
        self.writers: dict[Kind, Callable[[WireField, str, int], None]] = {
            Kind.FIXED: self.fixed,
            Kind.TEXT: self.text,
            Kind.BYTES: self.bytes,
            Kind.RECORDS: self.records,
            Kind.ARRAY: self.array,
            Kind.STRUCT: self.struct_field,
        }

    def struct(self, cls: type, owner: str, depth: int) -> None:
        """Write the fields of the struct that the expression `owner` gives."""
        tagged = []
        for field in fields_of(cls):
            value = f"{owner}.{field.name}"
            with self.source.about(field.name):
                if self.version not in field.versions:
                    self.absent(field, value)
                elif field.tag is None:
                    self.field(field, value, depth)
                else:
                    tagged.append((field, value))
        if self.flexible:
            self.tags(tagged, depth)

    def absent(self, field: WireField, value: str) -> None:
        if not field.ignorable:
            with self.source.block(f"if {self.is_set(field, value)}:"):
                self.source.emit(f'raise ValueError("version {self.version} cannot say this")')

    def is_set(self, field: WireField, value: str) -> str:
        """The condition that a field has another value than its default."""
        if field.default is None:
            if field.type.kind is Kind.STRUCT and not field.optional:
                return f"{value} != {self.source.use(field.type.name, field.type.struct)}()"
            return f"{value} is not None"
        default = "ZERO_UUID" if field.default == ZERO_UUID else repr(field.default)
        return f"{value} != {default}"

    # -- runs of fixed-size values

    def flush(self) -> None:
        """Write the values collected so far."""
        run, self.run = self.run, Run()
        if run.code.strip("x") == "" and run.codes:
            self.source.emit(f"put({bytes(run.size_bytes)!r})")
        elif run.codes:
            arguments = ", ".join(name for name in run.names if name)
            self.source.emit(f"put({self.source.use_struct('pack', run)}({arguments}))", run=run)

    def zero_byte(self) -> None:
        self.run.add("x", "", self.source.field)

    # -- fields

    def field(self, field: WireField, value: str, depth: int) -> None:
        write = self.writers[field.type.kind]
        if self.version not in field.nullable:
            write(field, value, depth)
            return
        self.flush()
        with self.source.block(f"if {value} is None:"):
            self.null(field.type.kind)
        with self.source.block("else:"):
            if field.type.kind is Kind.STRUCT:
                self.run.add("b", "1", self.source.field)
            write(field, value, depth)
            self.flush()

    def null(self, kind: Kind) -> None:
        if kind is Kind.STRUCT:
            null = b"\xff"
        elif self.flexible:
            null = b"\0"
        else:
            null = pack(">" + LENGTH_CODES[kind], -1)
        self.source.emit(f"put({null!r})")

    def length(self, kind: Kind, size: str) -> None:
        if self.flexible:
            self.flush()
            self.source.emit(f"put(varint({size} + 1))")
        else:
            self.run.add(LENGTH_CODES[kind], size, self.source.field)
            self.flush()

    def fixed(self, field: WireField, value: str, _depth: int) -> None:
        name = f"{value}.bytes" if field.type.code == UUID_.code else value
        self.run.add(field.type.code, name, self.source.field)

    def text(self, field: WireField, value: str, _depth: int) -> None:
        self.source.emit(f"text = {value}.encode()")
        self.length(field.type.kind, "len(text)")
        self.source.emit("put(text)")

    def bytes(self, field: WireField, value: str, _depth: int) -> None:
        self.length(field.type.kind, f"len({value})")
        self.source.emit(f"put({value})")

    def records(self, field: WireField, value: str, _depth: int) -> None:
        self.length(field.type.kind, f"size_of({value})")
        self.source.emit(f"put_records(chunks, parts, {value})")

    def struct_field(self, field: WireField, value: str, depth: int) -> None:
        assert field.type.struct is not None
        self.source.emit(f"struct_{depth} = {value}")
        self.struct(field.type.struct, f"struct_{depth}", depth + 1)

    def array(self, field: WireField, value: str, depth: int) -> None:
        element = field.type.element
        assert element is not None
        items, item = f"items_{depth}", f"item_{depth}"
        self.source.emit(f"{items} = {value}", f"n = len({items})")
        self.length(field.type.kind, "n")
        if element.kind is Kind.FIXED and element.code != UUID_.code:
            some = self.source.use_structs("pack", element.code)
            with self.source.block(f"if n < {SHORT_ARRAY}:"):
                self.source.emit(f"put({some}[n](*{items}))")
            with self.source.block("else:"):
                self.source.emit(f'put(pack(f">{{n}}{element.code}", *{items}))')
            return
        with self.source.block(f"for {item} in {items}:"):
            if element.kind is Kind.STRUCT:
                assert element.struct is not None
                self.struct(element.struct, item, depth + 1)
            else:
                self.field(attrs.evolve(field, type=element, nullable=NO_VERSIONS), item, depth)
            self.flush()

    # -- the tagged section: | count varint | { tag varint | size varint | value } ... |

    def tags(self, fields: list[tuple[WireField, str]], depth: int) -> None:
        if not fields:
            with self.source.about("tagged fields"):
                self.zero_byte()
            return
        self.flush()
        present = " + ".join(f"({self.is_set(field, value)})" for field, value in fields)
        self.source.emit(f"tags = {present}", "put(varint(tags))")
        with self.source.block("if tags:"):
            for field, value in sorted(fields, key=lambda tagged: tagged[0].tag or 0):
                with (
                    self.source.about(field.name),
                    self.source.block(f"if {self.is_set(field, value)}:"),
                ):
                    self.tag(field, value, depth)

    def tag(self, field: WireField, value: str, depth: int) -> None:
        """One tagged field, written aside first because its size goes in front."""
        outer = f"outer_{depth}"
        self.source.emit(f"{outer} = parts", "parts = []", "put = parts.append")
        self.field(field, value, depth)
        self.flush()
        self.source.emit(
            'tagged = b"".join(parts)',
            f"parts = {outer}",
            "put = parts.append",
            f"put(varint({field.tag}) + varint(len(tagged)) + tagged)",
        )
