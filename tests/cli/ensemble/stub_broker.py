"""A broker that only says "I am here": to test what starts and stops brokers, not brokers.

    python stub_broker.py server.properties

It listens where its server.properties says, and answers ApiVersions and Metadata with all the
brokers that were set up beside it; the controller is broker 1. At SIGTERM it notes whether
ZooKeeper still serves, and ends. A file `misbehave` beside its server.properties makes it
otherwise: `fail` ends at once with a message and exit code 3, `ignore-sigterm` stays.
"""

import signal
import sys
from functools import partial
from pathlib import Path

import trio

from broker.wire.apis import ApiKey
from broker.wire.framing import RequestHeader, decode_request, encode_response
from broker.wire.messages.api_versions import ApiVersion, ApiVersionsResponse
from broker.wire.messages.metadata import MetadataResponse, MetadataResponseBroker
from cli.ensemble.layout import Directory, Ensemble, read_set_up
from cli.java.zookeeper import is_serving


def main(server_properties: Path) -> None:
    directory = Directory(server_properties.parent.parent)
    broker_id = int(server_properties.parent.name.removeprefix("broker-"))
    misbehave = server_properties.with_name("misbehave")
    behaviour = misbehave.read_text() if misbehave.exists() else ""
    if behaviour == "fail":
        print("cannot do this", file=sys.stderr)
        raise SystemExit(3)
    if behaviour == "ignore-sigterm":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    ensemble = read_set_up(directory, directory.broker_count())
    trio.run(serve, ensemble, broker_id, behaviour)
    print(f"stopping, ZooKeeper serves: {is_serving(ensemble.zookeeper_port)}")


async def serve(ensemble: Ensemble, broker_id: int, behaviour: str) -> None:
    async def answer(stream: trio.SocketStream) -> None:
        while size := await receive_exactly(stream, 4):
            frame = await receive_exactly(stream, int.from_bytes(size, "big"))
            header, _ = decode_request(memoryview(frame))
            await stream.send_all(b"".join(encode_response(header, respond(ensemble, header))))

    port = ensemble.broker_ports[broker_id]
    async with trio.open_nursery() as nursery:
        await nursery.start(partial(trio.serve_tcp, answer, port, host="127.0.0.1"))
        if behaviour == "ignore-sigterm":
            await trio.sleep_forever()
        with trio.open_signal_receiver(signal.SIGTERM) as signals:
            async for _ in signals:
                nursery.cancel_scope.cancel()
                return


def respond(ensemble: Ensemble, header: RequestHeader) -> object:
    if header.api_key == ApiKey.API_VERSIONS:
        keys = (ApiKey.API_VERSIONS, ApiKey.METADATA)
        return ApiVersionsResponse(
            api_keys=[ApiVersion(api_key=key, min_version=0, max_version=4) for key in keys]
        )
    return MetadataResponse(
        brokers=[
            MetadataResponseBroker(node_id=broker_id, host="127.0.0.1", port=port)
            for broker_id, port in ensemble.broker_ports.items()
        ],
        controller_id=1,
    )


async def receive_exactly(stream: trio.SocketStream, size_bytes: int) -> bytes:
    """The next bytes, or none if the other side has closed."""
    received = b""
    while len(received) < size_bytes:
        piece = await stream.receive_some(size_bytes - len(received))
        if not piece:
            return b""
        received += piece
    return received


if __name__ == "__main__":
    main(Path(sys.argv[1]))
