"""Which replica a consumer is sent to, as a table."""

import pytest

from broker.replica.follower_progress import FollowerProgress
from broker.replica.read_replica import preferred_read_replica
from broker.replica.roles import Leading
from coordination.values import BrokerRegistration, Endpoint

RACKS = {1: "a", 2: "b", 3: "b", 4: "c", 5: None}


def broker(broker_id: int, listener: str = "L") -> BrokerRegistration:
    endpoints = (Endpoint(listener, "PLAINTEXT", f"broker-{broker_id}", 9092),)
    return BrokerRegistration(broker_id, endpoints, rack=RACKS[broker_id])


def chosen(
    rack: str,
    ends: dict[int, tuple[int, float]],
    isr: set[int] | None = None,
    live: set[int] | None = None,
    offset: int = 50,
    starts: int = 0,
    listener: str = "L",
) -> int | None:
    """`ends` has each follower's log end, and when it was caught up last. Broker 1 leads."""
    followers = {
        follower: FollowerProgress(end, starts, caught_up_s)
        for follower, (end, caught_up_s) in ends.items()
    }
    leading = Leading(0, 0, 0, frozenset(isr or {1, *ends}), 0, followers)
    brokers = {broker_id: broker(broker_id) for broker_id in live or RACKS}
    return preferred_read_replica(rack, listener, offset, "a", leading, brokers)


BOTH = {2: (90, 5.0), 3: (90, 4.0)}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (chosen("b", {2: (90, 5.0), 4: (99, 5.0)}), 2),
        (chosen("a", {2: (90, 5.0)}), None),  # the leader's own rack
        (chosen("z", {2: (90, 5.0), 5: (90, 5.0)}), None),  # nobody is there
        (chosen("b", BOTH), 2),  # the one that was caught up last
        (chosen("b", {2: (90, 5.0), 3: (91, 1.0)}), 3),  # the longer log
        (chosen("b", {2: (90, 5.0), 3: (90, 5.0)}), 3),  # the larger id
        (chosen("b", BOTH, isr={1, 3}), 3),  # one that lags isn't named
        (chosen("b", BOTH, live={1, 3, 4}), 3),  # nor one that is gone
        (chosen("b", BOTH, offset=91), None),  # nor one that hasn't got it yet
        (chosen("b", BOTH, starts=51), None),  # or has deleted it
        (chosen("b", BOTH, listener="OTHER"), None),  # or can't be reached
    ],
)
def test_preferred_read_replica(found: int | None, expected: int | None) -> None:
    assert found == expected
