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
    return Connections(lambda: most, lambda host: 1 if host == "few" else of_host, OWN)


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
