"""Row 28: the data plane starves the control plane.

Source: KIP-291, https://cwiki.apache.org/confluence/display/KAFKA/KIP-291. In Kafka a LeaderAndIsr
stood in one queue behind `queued.max.requests` (500) produces and fetches; each of them could take
its time, and a broker that was only busy kept a role that it had lost. Kafka then gave the
controller a listener, a queue and a thread of its own.

Here there is no common queue: each connection is a task, with one request at a time, so what the
controller sends comes after at most one request of each other connection. With a listener of its
own (`control.plane.listener.name`) no client can hold a place in front of it either.

Provoked by connections that always have the next request ready, in one process, where chance
decides who is next; what is counted is how many of them are handled before an order is answered.
"""

from collections.abc import Callable

import pytest
import trio
import trio.testing

from broker.api.api_versions import unsupported_version
from broker.api.context import RequestContext
from broker.network.answers import Answer
from broker.network.connections import Connections
from broker.network.frames import FrameReader
from broker.network.listener import Listener
from broker.network.transport import StreamTransport
from broker.wire import framing
from broker.wire.apis import ApiKey
from broker.wire.messages.heartbeat import HeartbeatRequest, HeartbeatResponse
from broker.wire.messages.leader_and_isr import LeaderAndIsrRequest, LeaderAndIsrResponse

CLIENTS = 50
ORDERS = 20


@pytest.mark.long
async def test_an_order_waits_for_one_request_of_each_connection_at_most() -> None:
    """Two, to be exact: the one that was begun, and one that chance puts before it."""
    handled = 0

    async def dispatch(context: RequestContext, request: object) -> Answer:
        nonlocal handled
        await trio.lowlevel.checkpoint()
        if isinstance(request, LeaderAndIsrRequest):
            return LeaderAndIsrResponse()
        handled += 1
        return HeartbeatResponse()

    listener = Listener(
        "ALL", dispatch, 1 << 20, 60, Connections(lambda: 1000, lambda _: 1000), unsupported_version
    )
    async with trio.open_nursery() as nursery:

        def connect() -> StreamTransport:
            ours, theirs = trio.testing.memory_stream_pair()
            nursery.start_soon(listener.serve_connection, StreamTransport(ours))
            return StreamTransport(theirs)

        for _ in range(CLIENTS):
            nursery.start_soon(_never_stop, connect)
        controller = connect()
        frames = FrameReader(controller, 1 << 20)
        for number in range(ORDERS):
            before = handled
            order = LeaderAndIsrRequest(controller_epoch=number)
            await controller.send(
                framing.encode_request(ApiKey.LEADER_AND_ISR, 7, number, "1", order)
            )
            assert await frames.next_frame() is not None
            # Reading the frame, handling it and answering each give the others a turn.
            assert handled - before <= 4 * CLIENTS
        assert handled > ORDERS * CLIENTS / 4, "there was load"
        nursery.cancel_scope.cancel()


async def _never_stop(connect: Callable[[], StreamTransport]) -> None:
    """Requests as fast as they're taken, without waiting for the answers."""
    client = connect()
    request = HeartbeatRequest(group_id="g")
    frame = b"".join(
        bytes(chunk)  # type: ignore[arg-type]
        for chunk in framing.encode_request(ApiKey.HEARTBEAT, 4, 1, "c", request)
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_read_all, client)
        while True:
            await client.send([frame * 10])


async def _read_all(client: StreamTransport) -> None:
    buffer = memoryview(bytearray(1 << 16))
    while await client.receive_into(buffer):
        pass
