"""Is the broker of this container ready for clients? Exit code 0 if so, else 1 and a line why not.

    python healthcheck.py 9092

Ready means that it answers Metadata and knows of a controller. It knows one only from the
controller itself (UpdateMetadata), which tells brokers that are registered: so the one answer says
that listener, registration, election and the way from the controller to here all work.

It runs every few seconds, so it keeps to plain sockets and our codec: a tenth of a second.
"""

import socket
import struct
import sys
from typing import NoReturn

from broker.wire.apis import ApiKey
from broker.wire.framing import decode_response, encode_request
from broker.wire.messages.metadata import MetadataRequest, MetadataResponse

VERSION = 12
TIMEOUT_S = 2.0


def metadata(port: int) -> MetadataResponse:
    """What the broker at this port of the container says of its cluster."""
    # No topics are asked for: [] is none of them, None would be all.
    request = MetadataRequest(topics=[], allow_auto_topic_creation=False)
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as connection:
        frame = encode_request(ApiKey.METADATA, VERSION, 0, "healthcheck", request)
        connection.sendall(b"".join(map(bytes, frame)))
        with connection.makefile("rb") as answers:
            (size_bytes,) = struct.unpack(">i", answers.read(4))
            _, response = decode_response(
                ApiKey.METADATA, VERSION, memoryview(answers.read(size_bytes))
            )
    assert isinstance(response, MetadataResponse)
    return response


def main(port: int) -> None:
    try:
        response = metadata(port)
    except (OSError, struct.error) as error:
        _unhealthy(f"no answer at port {port}: {error}")
    if response.controller_id < 0:
        _unhealthy("it knows of no controller yet")


def _unhealthy(line: str) -> NoReturn:
    print(line)
    sys.exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
