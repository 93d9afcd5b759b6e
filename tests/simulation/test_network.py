"""The network of the simulation: what a cut link, a slow one and a crashed broker look like."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from broker.network.transport import ConnectionClosed, Transport
from tests.simulation.network import Network


async def pair(network: Network) -> tuple[Transport, Transport]:
    acceptor = await network.listener_of("b").listen("b", 9092, 10)
    here = await network.listener_of("a").connect("b", 9092)
    return here, await acceptor.accept()


async def receive(transport: Transport) -> bytes:
    buffer = bytearray(100)
    return bytes(buffer[: await transport.receive_into(memoryview(buffer))])


async def test_bytes_arrive_in_order_and_then_the_end(autojump_clock: MockClock) -> None:
    here, there = await pair(Network())
    await here.send([b"one", bytearray(b"two")])
    here.close()
    assert [await receive(there) for _ in range(4)] == [b"one", b"two", b"", b""]
    with pytest.raises(ConnectionClosed):
        await there.send([b"x"])


async def test_a_cut_link_holds_what_was_sent(autojump_clock: MockClock) -> None:
    network = Network()
    here, there = await pair(network)
    network.cut("a", "b", one_way=True)
    await here.send([b"held"])
    await there.send([b"back"])
    assert await receive(here) == b"back"
    with trio.move_on_after(100) as scope:
        await receive(there)
    assert scope.cancelled_caught
    network.restore_all()
    assert await receive(there) == b"held"


async def test_nobody_connects_over_a_cut_link_in_either_direction(
    autojump_clock: MockClock,
) -> None:
    network = Network()
    await pair(network)
    for one, other in (("a", "b"), ("b", "a")):
        network.cut(one, other, one_way=True)
        with trio.move_on_after(10) as scope:
            await network.listener_of("a").connect("b", 9092)
        assert scope.cancelled_caught
        network.restore_all()
    await network.listener_of("a").connect("b", 9092)


async def test_a_slow_link(autojump_clock: MockClock) -> None:
    network = Network()
    here, there = await pair(network)
    network.delay("a", "b", 0.25)
    await here.send([b"x"])
    assert await receive(there) == b"x"
    assert trio.current_time() == 0.25


async def test_who_stops_listening_refuses(autojump_clock: MockClock) -> None:
    network = Network()
    acceptor = await network.listener_of("b").listen("b", 9092, 10)
    waiting = await network.listener_of("a").connect("b", 9092)
    acceptor.close()
    assert await receive(waiting) == b""
    with pytest.raises(ConnectionRefusedError):
        await network.listener_of("a").connect("b", 9092)


async def test_closing_wakes_who_receives(autojump_clock: MockClock) -> None:
    here, _ = await pair(Network())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive, here)
        await wait_all_tasks_blocked()
        here.close()
