"""Generated Python under construction: its lines, the names in it, the field each line is about.

The field beside each line is how an error finds its name without any bookkeeping on the way: the
traceback has the line number, and the line has the field (`blame`).
"""

import linecache
from collections.abc import Iterator
from contextlib import contextmanager
from struct import Struct, calcsize
from typing import Any, Final

import attrs

from broker.wire.schema import Kind

LENGTH_CODES: Final = {Kind.TEXT: "h", Kind.BYTES: "i", Kind.RECORDS: "i", Kind.ARRAY: "i"}
"""What a length or count is before flexible versions; in those it is a varint."""

SHORT_ARRAY: Final = 16
"""Arrays of numbers below this length (replicas, mostly) have their Structs made in advance."""


@attrs.define
class Run:
    """Adjacent fixed-size values, which one call of a `struct.Struct` reads or writes."""

    codes: list[str] = attrs.field(factory=list)
    names: list[str] = attrs.field(factory=list)
    fields: list[str] = attrs.field(factory=list)

    @property
    def code(self) -> str:
        return "".join(self.codes)

    @property
    def size_bytes(self) -> int:
        return calcsize(">" + self.code)

    def add(self, code: str, name: str, field: str) -> None:
        """Add a value: its `struct` code, its name in the source ("" for padding), its field."""
        self.codes.append(code)
        self.names.append(name)
        self.fields.append(field)

    def field_at(self, offset: int) -> str:
        """The first field that reaches beyond this many bytes."""
        for count, field in enumerate(self.fields, start=1):
            if calcsize(">" + "".join(self.codes[:count])) > offset:
                return field
        return self.fields[-1]


@attrs.define
class Source:
    """The text of one function, growing; `names` are the globals it will run with."""

    title: str
    names: dict[str, Any]
    lines: list[str] = attrs.field(factory=list)
    _fields: list[str | Run] = attrs.field(factory=list)
    _depth: int = 0
    _path: list[str] = attrs.field(factory=list)

    def emit(self, *lines: str, run: Run | None = None) -> None:
        """Add lines to the open block, about the open field, or about a run's fields."""
        for line in lines:
            self.lines.append("    " * self._depth + line)
            self._fields.append(run or self.field)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """`head` and, indented, what is emitted meanwhile."""
        self.emit(head)
        self._depth += 1
        yield
        self._depth -= 1

    @contextmanager
    def about(self, field: str) -> Iterator[None]:
        """What is emitted meanwhile is about this message, or this field of what is open."""
        self._path.append(field)
        yield
        self._path.pop()

    @property
    def field(self) -> str:
        return ".".join(self._path)

    def use(self, name: str, value: Any) -> str:
        """Let the code refer to `value` by `name`."""
        if self.names.setdefault(name, value) is not value:
            raise ValueError(f"{self.title}: two things are called {name}")
        return name

    def use_struct(self, verb: str, run: Run) -> str:
        """The name of the `pack` or `unpack_from` for the values of a run."""
        name = f"{verb}_{run.code}".replace("?", "t")  # t for truth: no ? in a Python name
        if name not in self.names:
            layout = Struct(">" + run.code)
            self.names[name] = layout.pack if verb == "pack" else layout.unpack_from
        return name

    def use_structs(self, verb: str, code: str) -> str:
        """The name of a tuple of `pack` or `unpack_from`: at index n the one for n such values."""
        name = f"{verb}_some_{code}"
        if name not in self.names:
            layouts = [Struct(f">{count}{code}") for count in range(SHORT_ARRAY)]
            self.names[name] = tuple(
                layout.pack if verb == "pack" else layout.unpack_from for layout in layouts
            )
        return name

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"

    def compile(self, function: str) -> Any:
        """Run the text and take the function of this name out of it."""
        file = f"<{self.title}>"
        exec(compile(self.text, file, "exec"), self.names)
        # Tracebacks and debuggers look lines up here; attrs does the same for its own code.
        linecache.cache[file] = (len(self.text), None, self.text.splitlines(keepends=True), file)
        return self.names[function]

    def blame(self, error: BaseException) -> str:
        """The message.field that the code was at when it raised `error`."""
        traceback = error.__traceback__
        assert traceback is not None
        field = self._fields[traceback.tb_lineno - 1]
        if isinstance(field, str):
            return field
        found = traceback.tb_frame.f_locals
        if "view" in found:  # a reader: the field that the bytes did not suffice for
            return field.field_at(len(found["view"]) - found["at"])
        return " or ".join(field.fields)
