"""A client that sends what no client library would: any message, any bytes.

    with RawClient(address) as client:
        client.ask(ApiKey.METADATA, 12, MetadataRequest())    # the answer, or CLOSED
        client.send_raw(b"GET / HTTP/1.1")

The messages are written and read by our own tables, which are checked against Kafka's elsewhere;
what is said with them here is checked by asking the real Kafka the same (`--cluster kafka`).
"""

import socket
import struct
from typing import Any, Final, Self

from broker.wire import framing
from broker.wire.apis import ApiKey

TIMEOUT_S = 20.0


class Closed:
    """What is read from a connection that the broker has closed."""

    def __repr__(self) -> str:
        return "CLOSED"


CLOSED: Final = Closed()


class RawClient:
    """One connection; made again by the next question when the broker has closed it."""

    def __init__(self, address: str, client_id: str = "raw") -> None:
        host, _, port = address.rpartition(":")
        self._address = host, int(port)
        self._client_id = client_id
        self._asked = 0
        self._socket: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def socket(self) -> socket.socket:
        if self._socket is None:
            self._socket = socket.create_connection(self._address, timeout=TIMEOUT_S)
        return self._socket

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None

    def ask(self, api_key: ApiKey, version: int, request: object) -> Any:
        """The answer, or CLOSED if the broker closes the connection instead."""
        return self._understood(
            api_key, version, self.send_raw(self._framed(api_key, version, request))
        )

    def receive(self, api_key: ApiKey, version: int) -> Any:
        """The answer to what was sent last, or CLOSED."""
        return self._understood(api_key, version, self.send_raw(b""))

    def _understood(self, api_key: ApiKey, version: int, answer: bytes | Closed) -> Any:
        if isinstance(answer, Closed):
            return CLOSED
        number, message = framing.decode_response(api_key, version, memoryview(answer))
        assert number == self._asked, "an answer to another request"
        return message

    def send(self, api_key: ApiKey, version: int, request: object) -> None:
        """Send a request that has no answer."""
        self.socket.sendall(self._framed(api_key, version, request))

    def _framed(self, api_key: ApiKey, version: int, request: object) -> bytes:
        self._asked += 1
        chunks = framing.encode_request(api_key, version, self._asked, self._client_id, request)
        return b"".join(bytes(chunk) for chunk in chunks if chunk)  # type: ignore[arg-type]

    def send_raw(self, data: bytes, *, end: bool = False) -> bytes | Closed:
        """Send these bytes and, with `end`, no more; the next frame that comes, or CLOSED."""
        try:
            self.socket.sendall(data)
            if end:
                self.socket.shutdown(socket.SHUT_WR)
            return self.read_frame()
        except TimeoutError:
            raise  # neither answered nor closed
        except (OSError, EOFError):
            self.close()
            return CLOSED

    def read_frame(self) -> bytes:
        """The next frame without its size; EOFError or ConnectionError at the end."""
        (size,) = struct.unpack(">i", self._read_exactly(4))
        return self._read_exactly(size)

    def _read_exactly(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            piece = self.socket.recv(size - len(data))
            if not piece:
                raise EOFError
            data += piece
        return bytes(data)
