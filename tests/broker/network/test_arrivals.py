"""Who comes too soon waits, and those between brokers only for their own limit."""

import attrs
import pytest

from broker.network.arrivals import Arrivals

WINDOWS = 11


@attrs.define(eq=False)
class Limits:
    broker: float = 2**31 - 1
    listener: float = 2**31 - 1
    now_s: float = 1000.0
    arrivals: Arrivals = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.arrivals = Arrivals(
            of_broker=lambda: self.broker,
            of_listener=lambda _name: self.listener,
            protected_listeners=frozenset({"BROKERS"}),
            window_count=WINDOWS,
            window_s=1,
            clock_s=lambda: self.now_s,
        )

    def held_s(self, listener: str = "CLIENTS", count: int = 1) -> float:
        """How long the last one of so many must wait, who come at once."""
        return [self.arrivals.held_s(listener) for _ in range(count)][-1]


def test_nobody_waits_below_the_rate() -> None:
    limits = Limits(broker=10)
    for _ in range(500):
        assert limits.held_s() == 0
        limits.now_s += 0.11


def test_a_burst_of_what_the_time_before_allows_and_no_more() -> None:
    limits = Limits(broker=10)
    assert limits.held_s(count=10 * (WINDOWS - 1)) == 0
    assert limits.held_s(count=5) == pytest.approx(0.5)
    assert limits.held_s(count=100) == 1, "no longer than a window"


@pytest.mark.parametrize("limited", ["broker", "listener"])
def test_the_two_limits(limited: str) -> None:
    limits = Limits(**{limited: 10})
    assert limits.held_s(count=200) == 1
    assert (limits.held_s("OTHERS") > 0) is (limited == "broker")


def test_what_clients_use_up_does_not_hold_brokers_back_but_their_own_limit_does() -> None:
    limits = Limits(broker=1)
    assert limits.held_s(count=100) == 1
    assert limits.held_s("BROKERS") == 0
    limits.listener = 10
    assert limits.held_s("BROKERS", count=200) == 1


def test_brokers_do_not_count_among_clients() -> None:
    limits = Limits(broker=1)
    assert limits.held_s("BROKERS", count=100) == 0
    assert limits.held_s() == 0


def test_a_limit_may_change() -> None:
    limits = Limits()
    assert limits.held_s(count=200) == 0
    limits.broker = 10
    assert limits.held_s() == 1
    limits.broker = 1000
    assert limits.held_s() == 0
