"""One connection to one broker: agree on versions, send a request, read its answer.

    connect ──> ApiVersions ──> request ──> answer ──> request ──> answer ──> close

ApiVersions is the one API whose answer a client must be able to read before
anything is agreed. It is asked at the newest version we know; a broker that is
older answers with error UNSUPPORTED_VERSION *in the shape of version 0*, whose
first two bytes are the error code like in every version, and is asked again at
version 0 (KIP-511). Every other request then goes at the newest version that
both sides speak.

One request is in flight at a time, so an answer belongs to the request before
it. A correlation id that differs means that whoever answers doesn't speak Kafka.
"""

import contextlib
import logging
import os
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self, TypeVar

import attrs
import trio

from broker.network.frames import BadFrame, FrameReader
from broker.network.transport import ConnectionClosed, StreamTransport
from broker.wire.apis import API_TABLE, Api, ApiKey
from broker.wire.codec import MalformedMessage, UnwritableMessage
from broker.wire.errors import ErrorCode
from broker.wire.framing import decode_response, encode_request
from broker.wire.messages.api_versions import ApiVersionsRequest, ApiVersionsResponse
from broker.wire.regions import Chunk
from cli.client.addresses import Address
from cli.client.changes import Changes
from cli.client.errors import BrokerUnreachable, ClientError, ConnectionLost, VersionNotSupported

_log = logging.getLogger(__name__)

Response = TypeVar("Response")

# A dead bootstrap address must not eat the whole deadline: a loopback or LAN
# connection that takes longer than this is not coming.
CONNECT_TIMEOUT_SECONDS = 5.0

# Far above any admin answer (Metadata of 100,000 partitions is about 10 MB); a
# size beyond it is a server that doesn't speak Kafka.
MAX_ANSWER_BYTES = 100 * 1024 * 1024

CLIENT_ID = "zbroker-admin"

# `FooRequest` is the request of the API named Foo.
_API_OF_REQUEST = {f"{api.name}Request": api for api in API_TABLE.values()}


@attrs.frozen
class VersionRange:
    """The versions of one API that a broker speaks, both ends included."""

    lowest: int
    highest: int

    def __str__(self) -> str:
        return f"{self.lowest} to {self.highest}"


@attrs.frozen
class Features:
    """What a broker says of features beside its versions; the epoch is None if none is final."""

    supported: Mapping[str, VersionRange] = attrs.field(factory=dict)
    finalized: Mapping[str, int] = attrs.field(factory=dict)
    epoch: int | None = None


class Connection:
    """A connection whose versions are agreed on. Made by `connect`."""

    def __init__(
        self, address: Address, stream: trio.abc.Stream, changes: Changes | None = None
    ) -> None:
        self.address = address
        self.changes = changes or Changes()
        self.versions: Mapping[int, VersionRange] = {}
        self.features = Features()
        self._stream = stream
        self._transport = StreamTransport(stream)
        self._frames = FrameReader(self._transport, MAX_ANSWER_BYTES)
        self._correlation_id = 0

    async def call(
        self, request: object, response_class: type[Response], *, needs: int = 0
    ) -> Response:
        """Send `request` and return the answer to it, at the newest version that both speak.

        `needs` is the lowest version whose fields the caller relies on. Raises
        `VersionNotSupported` before anything is sent, and `ConnectionLost` when the
        connection ends before the answer.
        """
        api = _API_OF_REQUEST[type(request).__name__]
        version = self._agreed_version(api, needs)
        chunks = self._encode(api, version, request)
        with self.changes.asking(api, request, self.address):
            frame = await self._exchange(api, version, chunks)
        return self._decode(api, version, frame, response_class)

    def _agreed_version(self, api: Api, needs: int) -> int:
        offered = self.versions.get(api.key)
        if offered is None:
            raise VersionNotSupported(self.address, api.name, f"version {needs}", "not at all")
        version = min(offered.highest, api.max_version)
        if version < max(needs, offered.lowest, api.min_version):
            raise VersionNotSupported(
                self.address,
                api.name,
                f"one of {max(needs, api.min_version)} to {api.max_version}",
                f"versions {offered}",
            )
        return version

    def _encode(self, api: Api, version: int, request: object) -> list[Chunk]:
        """The request's frame, with a number of its own."""
        self._correlation_id += 1
        try:
            return encode_request(api.key, version, self._correlation_id, CLIENT_ID, request)
        except UnwritableMessage as error:  # a number that was typed, most often
            raise ClientError(f"a {api.name} request has no room for this: {error}") from error

    async def _exchange(self, api: Api, version: int, chunks: list[Chunk]) -> memoryview:
        """Send one frame and read the next one; the answer's bytes without their size."""
        since_s = time.monotonic()
        try:
            await self._transport.send(chunks)
            frame = await self._frames.next_frame()
        except (ConnectionClosed, BadFrame) as error:
            raise ConnectionLost(self.address, api.name) from error
        if frame is None:
            raise ConnectionLost(self.address, api.name)
        took_ms = 1000 * (time.monotonic() - since_s)
        _log.info(
            "%s: %s %d: %d bytes in %.1f ms", self.address, api.name, version, len(frame), took_ms
        )
        return frame

    def _decode(
        self, api: Api, version: int, frame: memoryview, response_class: type[Response]
    ) -> Response:
        try:
            correlation_id, response = decode_response(api.key, version, frame)
        except MalformedMessage as error:
            raise ClientError(
                f"{self.address} sent an unreadable {api.name} answer: {error}"
            ) from error
        if correlation_id != self._correlation_id:
            raise ClientError(
                f"{self.address} answered request {correlation_id}, "
                f"not {self._correlation_id}: is it a Kafka broker?"
            )
        if not isinstance(response, response_class):
            raise TypeError(f"{api.name} answers with {type(response).__name__}")
        return response

    async def agree_on_versions(self) -> None:
        """Ask the broker what it speaks; see the module's text for the fallback."""
        api = API_TABLE[ApiKey.API_VERSIONS]
        request = ApiVersionsRequest(client_software_name=CLIENT_ID, client_software_version="0.1")
        version = api.max_version
        frame = await self._exchange(api, version, self._encode(api, version, request))
        if int.from_bytes(frame[4:6], "big", signed=True) == ErrorCode.UNSUPPORTED_VERSION:
            version = 0
            frame = await self._exchange(api, version, self._encode(api, version, request))
        response = self._decode(api, version, frame, ApiVersionsResponse)
        self.versions = {
            key.api_key: VersionRange(key.min_version, key.max_version) for key in response.api_keys
        }
        epoch = response.finalized_features_epoch
        self.features = Features(
            {
                each.name: VersionRange(each.min_version, each.max_version)
                for each in response.supported_features
            },
            {each.name: each.max_version_level for each in response.finalized_features},
            epoch if epoch >= 0 else None,
        )

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


async def connect(address: Address, changes: Changes | None = None) -> Connection:
    """Open a connection and agree on versions; raises `BrokerUnreachable`.

    changes: where requests that change something are written down.
    """
    try:
        with trio.fail_after(CONNECT_TIMEOUT_SECONDS):
            stream = await trio.open_tcp_stream(address.host, address.port)
            try:
                connection = Connection(address, stream, changes)
                await connection.agree_on_versions()
                return connection
            except BaseException:  # the command's own deadline, too
                with contextlib.suppress(trio.BrokenResourceError):
                    await trio.aclose_forcefully(stream)
                raise
    except trio.TooSlowError as error:
        reason = f"no answer within {CONNECT_TIMEOUT_SECONDS:g} s"
        problem: Exception = error
    except (OSError, ClientError) as error:
        reason = short_reason(error)
        problem = error
    raise BrokerUnreachable(address, reason) from problem


def short_reason(error: OSError | ClientError) -> str:
    """The cause in a few words."""
    if isinstance(error, ConnectionLost):
        return "it does not answer as a Kafka broker would: is it a Kafka broker?"
    cause = error.__cause__  # trio's: one error for each address that the name has
    while isinstance(cause, BaseExceptionGroup):
        cause = cause.exceptions[0]
    for each in (cause, error):
        if isinstance(each, OSError) and each.errno is not None and each.errno > 0:
            return os.strerror(each.errno)
    return str(error)
