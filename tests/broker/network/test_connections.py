"""Limits of connections: of one host, of the broker, and who is made room for."""

from pathlib import Path

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from broker.network.connections import Connections, TooManyFromHost
from broker.network.endpoints import connections_of
from tests.broker.admin.test_applied_configs import change
from tests.broker.support import open_broker

OWN = frozenset({"BROKERS", "CONTROL"})


@attrs.define(eq=False)
class Open:
    listener_name: str = "CLIENTS"
    host: str = "a"
    last_used_s: float = 0.0
    closed: bool = False

    def make_room(self) -> None:
        self.closed = True


def limits(most: int = 1000, of_host: int = 1000) -> Connections:
    return Connections(
        lambda: most, lambda host: 1 if host == "few" else of_host, protected_listeners=OWN
    )


def come_and_go(connections: Connections, host: str) -> None:
    with connections.opened(Open(host=host)):
        pass


def test_a_host_has_its_number_and_an_override_its_own() -> None:
    connections = limits(of_host=2)
    with connections.opened(Open()), connections.opened(Open()):
        come_and_go(connections, "few")
        for host, most in (("a", 2), ("few", 1)):
            with (
                connections.opened(Open(host="few")),
                pytest.raises(TooManyFromHost, match=f"{host} has as many .* may have: {most}"),
            ):
                come_and_go(connections, host)
        assert connections.count == 2
        assert connections.count_by_listener() == {"CLIENTS": 2}
    with connections.opened(Open()):  # there's room again
        assert connections.count == 1
    assert connections.count_by_listener() == {}
    assert connections.created == {"CLIENTS": 6}  # who was refused is none


async def test_a_full_broker_lets_the_next_one_wait() -> None:
    connections = limits(most=1)
    came = trio.Event()

    async def come() -> None:
        await connections.room("CLIENTS")
        came.set()

    async with trio.open_nursery() as nursery:
        with connections.opened(Open()):
            nursery.start_soon(come)
            await wait_all_tasks_blocked()
            assert not came.is_set()
        await came.wait()


async def test_who_waits_comes_in_when_the_limit_is_raised(autojump_clock: MockClock) -> None:
    most = 1
    connections = Connections(lambda: most, lambda _host: 1000)
    with connections.opened(Open()), trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connections.room, "CLIENTS")
            await wait_all_tasks_blocked()
            most = 2


async def test_brokers_wait_for_nobody_and_who_was_silent_longest_goes() -> None:
    connections = limits(most=2)
    busy, silent = Open(last_used_s=9.0), Open(last_used_s=3.0)
    with connections.opened(silent), connections.opened(busy):
        await connections.room("BROKERS")
        broker = Open("BROKERS", last_used_s=0.0)
        with connections.opened(broker):
            assert (silent.closed, busy.closed, broker.closed) == (True, False, False)


def test_two_brokers_at_once_are_made_room_for_by_two() -> None:
    connections = limits(most=2)
    first, second = Open(last_used_s=1.0), Open(last_used_s=2.0)
    with (
        connections.opened(first),
        connections.opened(second),
        connections.opened(Open("BROKERS")),
    ):
        assert (first.closed, second.closed) == (True, False)
        with connections.opened(Open("BROKERS")):
            assert second.closed


def test_among_brokers_nobody_goes() -> None:
    connections = limits(most=1)
    first, second = Open("BROKERS"), Open("BROKERS")
    with connections.opened(first), connections.opened(second):
        assert (first.closed, second.closed) == (False, False)


def test_the_controller_is_not_who_makes_room() -> None:
    """It says nothing for hours, and one order may take long."""
    connections = limits(most=2)
    controller, client = Open("CONTROL"), Open(last_used_s=9.0)
    with (
        connections.opened(controller),
        connections.opened(client),
        connections.opened(Open("BROKERS")),
    ):
        assert (controller.closed, client.closed) == (False, True)


async def test_who_comes_too_soon_waits(autojump_clock: MockClock) -> None:
    connections = Connections(lambda: 1000, lambda _: 1000, held_s=lambda name: 0.5 * len(name))
    await connections.room("L1")
    assert trio.current_time() == 1.0


async def blocked(connections: Connections, listener: str) -> bool:
    """Whether who comes to that listener has to wait."""
    came = False

    async def come() -> None:
        nonlocal came
        await connections.room(listener)
        came = True

    async with trio.open_nursery() as nursery:
        nursery.start_soon(come)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    return not came


async def test_a_listener_has_its_number_and_brokers_wait_for_their_own() -> None:
    own = {"CLIENTS": 1, "BROKERS": 2}
    connections = Connections(lambda: 3, lambda _: 9, lambda name: own.get(name, 3), OWN)
    with connections.opened(Open()):
        assert await blocked(connections, "CLIENTS")
        assert not await blocked(connections, "OTHERS")
        with connections.opened(Open("BROKERS")):
            assert not await blocked(connections, "BROKERS")
            with connections.opened(Open("BROKERS")):
                assert await blocked(connections, "BROKERS")
                assert await blocked(connections, "OTHERS")
                assert not await blocked(connections, "CONTROL")
    assert not await blocked(connections, "CLIENTS")


async def test_what_is_too_much_since_the_limit_was_lowered_goes() -> None:
    most = 4
    connections = Connections(lambda: most, lambda _: 9, protected_listeners=OWN)
    clients = [Open(last_used_s=float(second)) for second in range(3)]
    with (
        connections.opened(Open("BROKERS")),
        connections.opened(clients[2]),
        connections.opened(clients[0]),
        connections.opened(clients[1]),
    ):
        most = 2
        assert await blocked(connections, "CLIENTS")
        assert [client.closed for client in clients] == [True, True, False]


def test_a_host_that_is_held_uses_up_nothing_of_others() -> None:
    counted: list[str] = []
    connections = Connections(
        lambda: 9,
        lambda _: 9,
        admit=lambda host: 0.5 if host == "often" else 0.0,
        not_come=counted.append,
    )
    assert connections.admit_to("CLIENTS", "often") == 0.5
    assert connections.admit_to("CLIENTS", "seldom") == 0
    assert counted == ["CLIENTS"]


THREE = {
    "listeners": "CLIENTS://a:1,BROKERS://a:2,CONTROL://a:3",
    "listener_security_protocol_map": "CLIENTS:PLAINTEXT,BROKERS:PLAINTEXT,CONTROL:PLAINTEXT",
    "inter_broker_listener_name": "BROKERS",
}


@pytest.mark.parametrize(
    ("properties", "own"),
    [
        ({}, set()),
        (THREE, {"BROKERS"}),
        (THREE | {"control_plane_listener_name": "CONTROL"}, OWN),
    ],
)
async def test_the_listeners_of_brokers(
    tmp_path: Path, properties: dict[str, str], own: set[str]
) -> None:
    async with open_broker(tmp_path, **properties) as broker:
        assert connections_of(broker).protected_listeners == own


async def test_a_rate_of_arrivals_is_that_of_now_and_a_listeners_own_before_the_brokers(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    own = {"listener.name.control.max.connection.creation.rate": "1"}
    async with open_broker(tmp_path, **THREE) as broker:
        connections = connections_of(broker)

        def held_s(listener: str) -> float:
            return max(connections.held_s(listener) for _ in range(20))

        assert held_s("CONTROL") == 0
        await change(broker, "brokers/<default>", own)
        assert held_s("CONTROL") == 1
        assert held_s("CLIENTS") == 0
        await change(broker, "brokers/1", {"max.connection.creation.rate": "1"})
        assert held_s("CLIENTS") == held_s("BROKERS") == 1


async def test_a_number_is_that_of_now_and_a_listeners_own_before_the_brokers(
    tmp_path: Path,
) -> None:
    async with open_broker(tmp_path, **THREE) as broker:
        connections = connections_of(broker)

        async def full(listener: str) -> bool:
            with connections.opened(Open(listener)), connections.opened(Open(listener)):
                return await blocked(connections, listener)

        assert not await full("CONTROL")
        await change(broker, "brokers/<default>", {"listener.name.control.max.connections": "2"})
        assert await full("CONTROL")
        assert not await full("BROKERS")
        await change(broker, "brokers/1", {"max.connections": "2"})
        assert await full("CLIENTS")
        assert await full("BROKERS")


async def test_who_is_turned_away_is_taken_back(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with open_broker(tmp_path, max_connection_creation_rate="10") as broker:
        connections = connections_of(broker)
        for _ in range(500):
            assert connections.held_s("CLIENTS") == 0
            connections.not_come("CLIENTS")
