"""How much throttled replication has gone through lately, by a clock that the test turns."""

import attrs
import pytest

from broker.quotas.windowed_sum import WindowedSum
from broker.replica.throttle import Throttle


@attrs.define
class Clock:
    now_s: float = 100.0

    def __call__(self) -> float:
        return self.now_s


def throttle(clock: Clock, rate: float = 100.0) -> Throttle:
    """Three windows of two seconds."""
    return Throttle(WindowedSum(3, 2.0), lambda: rate, clock)


@pytest.mark.parametrize(
    ("records", "at_s", "expected"),
    [
        ([], 0, 0.0),
        ([(0, 300)], 0, 150.0),  # over one window at least: the first bytes aren't a rate yet
        ([(0, 300)], 1, 150.0),
        ([(0, 300)], 4, 75.0),
        ([(0, 100), (1, 100), (3, 100)], 4, 75.0),
        ([(0, 300)], 5.9, 300 / 5.9),
        ([(0, 300)], 6, 0.0),  # three windows later it's over
        # The first window's last bytes lie within the time: all of it counts, from its start.
        ([(0, 200), (1.5, 100), (4, 60)], 7, 360 / 7),
        ([(0, 200), (1.5, 100), (4, 60)], 7.5, 60 / 3.5),
        # After a pause a window begins with the bytes, not with the pause.
        ([(0, 600), (20, 300)], 21, 150.0),
    ],
)
def test_bytes_per_second(records: list[tuple[float, int]], at_s: float, expected: float) -> None:
    clock = Clock()
    meter = throttle(clock)
    for after_s, size_bytes in records:
        clock.now_s = 100.0 + after_s
        meter.record(size_bytes)
    clock.now_s = 100.0 + at_s
    assert meter.bytes_per_s() == pytest.approx(expected)


def test_it_is_exceeded_above_the_rate_not_at_it_and_follows_the_config() -> None:
    clock = Clock()
    rate = [100.0]
    meter = Throttle(WindowedSum(3, 2.0), lambda: rate[0], clock)
    assert not meter.is_exceeded
    meter.record(200)
    assert not meter.is_exceeded
    meter.record(1)
    assert meter.is_exceeded
    rate[0] = 101.0
    assert not meter.is_exceeded
    rate[0] = 0.0
    assert meter.is_exceeded
    clock.now_s += 60
    assert not meter.is_exceeded


def test_a_steady_flow_above_the_rate_is_let_through_at_the_rate() -> None:
    """Ask for 30 bytes ten times a second, take them only when not held back."""
    clock = Clock()
    meter = throttle(clock)
    taken = 0
    for _ in range(600):
        if not meter.is_exceeded:
            meter.record(30)
            taken += 30
        clock.now_s += 0.1
    assert 0.9 * 60 * 100 <= taken <= 1.1 * 60 * 100
