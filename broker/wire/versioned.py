"""Messages that do not travel in frames but lie somewhere: in records, or in a group's bytes.

They carry their version themselves:

    +-------------+---------+
    | version i16 | message |
    +-------------+---------+

The records of `__consumer_offsets` and `__transaction_state` are such, and so are subscription and
assignment of the consumer protocol.
"""

from struct import Struct
from typing import Final, TypeVar

from broker.wire.codec import MalformedMessage, encode, reader
from broker.wire.schema import versions_of

T = TypeVar("T")

_VERSION: Final = Struct(">h")


def encode_versioned(message: object, version: int) -> bytes:
    """The version and the message in it."""
    return _VERSION.pack(version) + encode(message, version)


def peek_version(data: bytes | memoryview) -> int:
    """The version at the head; for a key it tells what kind of record this is."""
    if len(data) < _VERSION.size:
        raise MalformedMessage(f"a version is expected, {len(data)} bytes are there")
    version: int = _VERSION.unpack_from(data)[0]
    return version


def decode_versioned(
    cls: type[T], data: bytes | memoryview, *, newer_as_newest: bool = False
) -> tuple[T, int]:
    """The message and its version.  MalformedMessage if we do not know the version.

    `newer_as_newest` reads an unknown newer version as the newest known one: the rule of the
    consumer protocol, whose versions only append fields.
    """
    version = peek_version(data)
    valid = versions_of(cls).valid
    known = version
    if newer_as_newest and valid.last is not None:
        known = min(version, valid.last)
    if known not in valid:
        raise MalformedMessage(f"{cls.__name__} has versions {valid}, not {version}")
    return reader(cls, known)(memoryview(data), _VERSION.size)[0], version
