"""Messages to bytes and back: a reader and a writer for each version of each message.

Nobody writes them.  The first time that a version is needed, its Python is written from the table
(`reader_source`, `writer_source`), compiled, and kept: about a millisecond, once.  To see it:

    print(reader_source(FetchRequest, 12).text)

What comes in is not trusted: whatever the bytes, a reader gives a message or MalformedMessage, and
allocates no more than in proportion to the bytes that are there.  What goes out is ours: a value
that cannot be written, or that this version has no room for, is UnwritableMessage and a bug.
"""

from collections.abc import Callable
from functools import cache
from struct import error as StructError  # noqa: N812  # the standard library's own exception
from typing import Any, Final, TypeVar

from broker.wire.reader_source import reader_source
from broker.wire.regions import Chunk, FileRegion
from broker.wire.writer_source import writer_source

T = TypeVar("T")

Reader = Callable[[memoryview, int], tuple[T, int]]
"""From a view (of unsigned bytes) and a position: the message, and the position behind it."""

Writer = Callable[[T, list[Chunk]], None]
"""Appends the message's bytes to the list, as few pieces as possible."""


class MalformedMessage(Exception):
    """Bytes that are no such message; says which field, and why."""


class UnwritableMessage(Exception):
    """A message that this version cannot carry; says which field, and why.

    Kafka's UnsupportedVersionException, and what it would notice by a class cast.
    """


_READ_ERRORS: Final = (StructError, IndexError, ValueError)
_WRITE_ERRORS: Final = (StructError, TypeError, AttributeError, ValueError)


def reader(cls: type[T], version: int) -> Reader[T]:
    """The reader of one version of a message."""
    compiled: Reader[T] = _compiled_reader(cls, version)  # type: ignore[arg-type]  # classes hash
    return compiled


def writer(cls: type[T], version: int) -> Writer[T]:
    """The writer of one version of a message."""
    compiled: Writer[T] = _compiled_writer(cls, version)  # type: ignore[arg-type]
    return compiled


def decode(cls: type[T], version: int, data: bytes | memoryview) -> T:
    """The message that these bytes begin with.  Bytes behind it are ignored, as Kafka does."""
    return reader(cls, version)(memoryview(data), 0)[0]


def encode(message: object, version: int) -> bytes:
    """The bytes of a message; file regions are read in.  For what is stored, not sent."""
    chunks: list[Chunk] = []
    writer(type(message), version)(message, chunks)
    return b"".join(c.read() if isinstance(c, FileRegion) else c for c in chunks)


@cache
def _compiled_reader(cls: type, version: int) -> Any:
    source = reader_source(cls, version)

    def malformed(error: Exception) -> MalformedMessage:
        why = str(error) if isinstance(error, ValueError) else "the bytes end here"
        return MalformedMessage(f"{source.blame(error)}: {why}")

    source.names |= {"READ_ERRORS": _READ_ERRORS, "malformed": malformed}
    return source.compile("read")


@cache
def _compiled_writer(cls: type, version: int) -> Any:
    source = writer_source(cls, version)

    def unwritable(error: Exception) -> UnwritableMessage:
        return UnwritableMessage(f"{source.blame(error)}: {error}")

    source.names |= {"WRITE_ERRORS": _WRITE_ERRORS, "unwritable": unwritable}
    return source.compile("write")
