"""Frames: what stands before a message on a connection.

Every request and every response is a frame, a size and so many bytes.  A request says which API and
version it is, and has a number; the response has nothing but that number, so its reader must know
what it asked.  Requests of one connection are answered in their order.

    request   +-----------+---------+-------------+----------------+-----------+------------+------+
              | size i32  | api key | api version | correlation id | client id | tagged     | body |
              |           | i16     | i16         | i32            | string    | fields     |      |
              +-----------+---------+-------------+----------------+-----------+------------+------+
    header 0  |           |<----------- x --------------- x ------>|           |            |
    header 1  |           |<----------- x --------------- x --------------- x >|            |
    header 2  |           |<----------- x --------------- x --------------- x ----------- x >|

    response  +-----------+----------------+------------+------+
              | size i32  | correlation id | tagged     | body |
              |           | i32            | fields     |      |
              +-----------+----------------+------------+------+
    header 0  |           |<------ x ----->|            |
    header 1  |           |<------ x ---------- x ----->|

The client id is a string with a 2-byte length in all headers, -1 for null.  Header 2 and response
header 1 belong to the flexible versions of an API (`apis` knows the two exceptions).

A version that we do not speak cannot be read beyond the header.  That raises `UnsupportedVersion`,
and the connection is closed, as Kafka does; except for ApiVersions, which says how it is answered.
"""

from functools import cache
from struct import Struct
from struct import error as StructError  # noqa: N812  # the standard library's own exception
from typing import Any, Final

import attrs

from broker.wire.apis import API_TABLE, Api, ApiKey
from broker.wire.codec import MalformedMessage, Reader, Writer, reader, writer
from broker.wire.primitives import read_varint, skip_tags
from broker.wire.regions import Chunk

_SIZE: Final = Struct(">i")
_REQUEST_HEADER: Final = Struct(">hhi")
_CLIENT_ID_LENGTH: Final = Struct(">h")
_CORRELATION_ID: Final = Struct(">i")
_NO_TAGS: Final = b"\0"


@attrs.frozen
class RequestHeader:
    """Who asks what; `client_id` is whatever the client calls itself."""

    api_key: ApiKey
    api_version: int
    correlation_id: int
    client_id: str | None


@attrs.frozen
class EncodedResponse:
    """A response's bytes in one version, for one that is given out again and again."""

    api_key: ApiKey
    api_version: int
    body: bytes

    @staticmethod
    def of(api_key: ApiKey, api_version: int, response: object) -> "EncodedResponse":
        chunks: list[Chunk] = []
        _response_writer(api_key, api_version)(response, chunks)
        [body] = chunks  # no records in it
        assert isinstance(body, bytes)
        return EncodedResponse(api_key, api_version, body)


class UnknownApi(Exception):
    """A request for an API that we do not have; Kafka closes the connection."""

    def __init__(self, api_key: int, api_version: int) -> None:
        super().__init__(f"no API has key {api_key} (version {api_version} was asked for)")
        self.api_key = api_key


class UnsupportedVersion(Exception):
    """A request in a version that we do not speak.

    `answer_to` is None, and then the connection is closed; only for ApiVersions it is the header to
    encode the answer for: its version 0, which everyone can read, with error UNSUPPORTED_VERSION.
    """

    def __init__(self, header: RequestHeader, api: Api) -> None:
        super().__init__(f"{api.name} has versions {api.versions}, not {header.api_version}")
        self.header = header
        self.answer_to = (
            attrs.evolve(header, api_version=0) if api.key is ApiKey.API_VERSIONS else None
        )


def decode_request(frame: memoryview) -> tuple[RequestHeader, Any]:
    """The header and the request of a frame, given without its size.

    Raises UnknownApi, UnsupportedVersion or MalformedMessage.
    """
    try:
        api_key, api_version, correlation_id = _REQUEST_HEADER.unpack_from(frame)
        api = API_TABLE.get(api_key)
        if api is None:
            raise UnknownApi(api_key, api_version)
        header_version = api.request_header_version(api_version)
        client_id, at = None, _REQUEST_HEADER.size
        if header_version >= 1:
            client_id, at = _read_client_id(frame, at)
        if header_version >= 2:
            at = _skip_tagged_section(frame, at)
    except (StructError, IndexError, ValueError) as error:
        why = error if isinstance(error, ValueError) else "the bytes end here"
        raise MalformedMessage(f"RequestHeader: {why}") from error
    header = RequestHeader(api.key, api_version, correlation_id, client_id)
    if api_version not in api.versions:
        raise UnsupportedVersion(header, api)
    return header, _request_reader(api.key, api_version)(frame, at)[0]


def encode_response(header: RequestHeader, response: object) -> list[Chunk]:
    """The frame, size included, that answers the request of this header."""
    api = API_TABLE[header.api_key]
    head = _CORRELATION_ID.pack(header.correlation_id)
    if api.response_header_version(header.api_version) >= 1:
        head += _NO_TAGS
    if isinstance(response, EncodedResponse):
        assert (response.api_key, response.api_version) == (header.api_key, header.api_version)
        return [_SIZE.pack(len(head) + len(response.body)) + head + response.body]
    return _frame(head, _response_writer(api.key, header.api_version), response)


def encode_request(
    api_key: ApiKey,
    api_version: int,
    correlation_id: int,
    client_id: str | None,
    request: object,
) -> list[Chunk]:
    """The frame, size included, of a request that we make of another broker."""
    header_version = API_TABLE[api_key].request_header_version(api_version)
    head = _REQUEST_HEADER.pack(api_key, api_version, correlation_id)
    if header_version >= 1:
        name = None if client_id is None else client_id.encode()
        head += _CLIENT_ID_LENGTH.pack(-1 if name is None else len(name)) + (name or b"")
    if header_version >= 2:
        head += _NO_TAGS
    return _frame(head, writer(type(request), api_version), request)


def decode_response(api_key: ApiKey, api_version: int, frame: memoryview) -> tuple[int, Any]:
    """The correlation id and the response of a frame, given without its size.

    Raises MalformedMessage.
    """
    try:
        (correlation_id,) = _CORRELATION_ID.unpack_from(frame)
        at = _CORRELATION_ID.size
        if API_TABLE[api_key].response_header_version(api_version) >= 1:
            at = _skip_tagged_section(frame, at)
    except (StructError, IndexError, ValueError) as error:
        raise MalformedMessage(f"ResponseHeader: {error}") from error
    return correlation_id, _response_reader(api_key, api_version)(frame, at)[0]


def _read_client_id(frame: memoryview, at: int) -> tuple[str | None, int]:
    (length,) = _CLIENT_ID_LENGTH.unpack_from(frame, at)
    at += _CLIENT_ID_LENGTH.size
    if length < 0:
        return None, at
    if length > len(frame) - at:
        raise ValueError(f"a client id of {length} bytes is announced, {len(frame) - at} are left")
    return str(frame[at : at + length], "utf-8", "replace"), at + length


def _skip_tagged_section(frame: memoryview, at: int) -> int:
    count, at = read_varint(frame, at)
    return skip_tags(frame, count, at)


def _frame(head: bytes, write: Writer[Any], message: object) -> list[Chunk]:
    chunks: list[Chunk] = []
    write(message, chunks)
    first, *rest = chunks
    assert isinstance(first, bytes)  # records never come first
    size_bytes = len(head) + sum(map(len, chunks))
    return [_SIZE.pack(size_bytes) + head + first, *(chunk for chunk in rest if len(chunk))]


@cache
def _request_reader(api_key: ApiKey, api_version: int) -> Reader[Any]:
    return reader(API_TABLE[api_key].request_class, api_version)


@cache
def _response_reader(api_key: ApiKey, api_version: int) -> Reader[Any]:
    return reader(API_TABLE[api_key].response_class, api_version)


@cache
def _response_writer(api_key: ApiKey, api_version: int) -> Writer[Any]:
    return writer(API_TABLE[api_key].response_class, api_version)
