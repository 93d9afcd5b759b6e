"""A connection to another broker: made when needed, made again after anything went wrong."""

import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress

import attrs
import pytest
import trio
import trio.testing
from trio.testing import MockClock

from broker.network.frames import FrameReader
from broker.network.peers import Peer, PeerUnavailable
from broker.network.transport import ConnectionClosed, StreamTransport, Transport
from broker.wire import framing
from broker.wire.apis import ApiKey
from broker.wire.framing import RequestHeader
from broker.wire.messages.heartbeat import HeartbeatRequest, HeartbeatResponse

Serve = Callable[[StreamTransport, RequestHeader, int], Awaitable[None]]


@attrs.define
class Other:
    """The broker on the other side: `serve` is given each request, its number too."""

    nursery: trio.Nursery
    serve: Serve
    connections: int = 0
    requests: int = 0

    async def connect(self, host: str, port: int) -> Transport:
        await trio.lowlevel.checkpoint()
        self.connections += 1
        here, there = trio.testing.memory_stream_pair()
        self.nursery.start_soon(self._run, StreamTransport(there))
        return StreamTransport(here)

    async def _run(self, transport: StreamTransport) -> None:
        frames = FrameReader(transport, 1 << 20)
        while (frame := await frames.next_frame()) is not None:
            header, _ = framing.decode_request(frame)
            self.requests += 1
            with suppress(ConnectionClosed):
                await self.serve(transport, header, self.requests)


async def answer(transport: StreamTransport, header: RequestHeader, number: int) -> None:
    await transport.send(
        framing.encode_response(header, HeartbeatResponse(throttle_time_ms=number))
    )


async def ask(peer: Peer, timeout_s: float = 5) -> int:
    response = await peer.request(
        ApiKey.HEARTBEAT, 4, HeartbeatRequest(), HeartbeatResponse, timeout_s
    )
    return response.throttle_time_ms


async def test_one_connection_for_many_requests() -> None:
    async with trio.open_nursery() as nursery:
        other = Other(nursery, answer)
        peer = Peer("b", 9092, "test", other.connect)
        assert [await ask(peer) for _ in range(3)] == [1, 2, 3]
        assert other.connections == 1
        nursery.cancel_scope.cancel()


async def hang_up(transport: StreamTransport, header: RequestHeader, number: int) -> None:
    transport.close()
    await trio.lowlevel.checkpoint()


async def say_nothing(transport: StreamTransport, header: RequestHeader, number: int) -> None:
    await trio.lowlevel.checkpoint()


async def out_of_step(transport: StreamTransport, header: RequestHeader, number: int) -> None:
    await answer(transport, attrs.evolve(header, correlation_id=77), number)


async def gibberish(transport: StreamTransport, header: RequestHeader, number: int) -> None:
    await transport.send([struct.pack(">ii", 6, header.correlation_id), b"\xff\xff"])


async def endless(transport: StreamTransport, header: RequestHeader, number: int) -> None:
    await transport.send([struct.pack(">i", 0x7FFFFFFF)])


@pytest.mark.parametrize("failing", [hang_up, say_nothing, out_of_step, gibberish, endless])
async def test_after_any_failure_the_next_request_has_a_new_connection(
    autojump_clock: MockClock, failing: Serve
) -> None:
    async def first_fails(transport: StreamTransport, header: RequestHeader, number: int) -> None:
        await (failing if number == 1 else answer)(transport, header, number)

    async with trio.open_nursery() as nursery:
        other = Other(nursery, first_fails)
        peer = Peer("b", 9092, "test", other.connect)
        with pytest.raises(PeerUnavailable, match="b:9092"):
            await ask(peer)
        assert trio.current_time() == (5 if failing is say_nothing else 0)
        assert await ask(peer) == 2
        assert other.connections == 2
        nursery.cancel_scope.cancel()


async def test_a_cancelled_request_leaves_no_answer_behind(autojump_clock: MockClock) -> None:
    async def slow(transport: StreamTransport, header: RequestHeader, number: int) -> None:
        await trio.sleep(2)
        await answer(transport, header, number)

    async with trio.open_nursery() as nursery:
        other = Other(nursery, slow)
        peer = Peer("b", 9092, "test", other.connect)
        with trio.move_on_after(1):
            await ask(peer)
        assert await ask(peer) == 2
        nursery.cancel_scope.cancel()


async def test_closed_by_another_task_a_request_ends_as_unanswered(
    autojump_clock: MockClock,
) -> None:
    async with trio.open_nursery() as nursery:
        other = Other(nursery, say_nothing)
        peer = Peer("b", 9092, "test", other.connect)

        async def close_it_soon() -> None:
            await trio.sleep(1)
            peer.close()

        nursery.start_soon(close_it_soon)
        with pytest.raises(PeerUnavailable, match="b:9092"):
            await ask(peer, timeout_s=60)
        assert trio.current_time() == 1
        nursery.cancel_scope.cancel()


async def test_nobody_there(autojump_clock: MockClock) -> None:
    async def refused(host: str, port: int) -> Transport:
        await trio.lowlevel.checkpoint()
        raise ConnectionRefusedError("Connection refused")

    async def nowhere(host: str, port: int) -> Transport:
        await trio.sleep_forever()
        raise AssertionError

    for connect, reason in ((refused, "Connection refused"), (nowhere, "no answer to HEARTBEAT")):
        with pytest.raises(PeerUnavailable, match=reason):
            await ask(Peer("b", 9092, "test", connect))
