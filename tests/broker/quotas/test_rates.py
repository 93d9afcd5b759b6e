"""What was counted against a limit: how long to be quiet, by a clock that the test turns."""

import pytest

from broker.quotas.lately_used import FORGOTTEN_AFTER_S, LatelyUsed
from broker.quotas.rate import Rate, in_ms
from broker.quotas.token_bucket import TokenBucket
from broker.quotas.windowed_sum import WindowedSum


@pytest.mark.parametrize(
    ("used", "at_s", "quiet_s"),
    [
        ([], 0, 0.0),
        # Eleven windows of a second: what comes first may be that of the ten before it.
        ([(0, 1000)], 0, 0.0),
        ([(0, 1001)], 0, 0.01),
        ([(0, 1500)], 0, 5.0),
        ([(0, 1500)], 3, 5.0),  # time that lies behind the first amount stands in for older one
        ([(0, 1500)], 3.5, 4.5),
        ([(0, 1500)], 10.5, 4.5),
        ([(0, 1500)], 11, 0.0),  # forgotten with its window, though a steady rate would take longer
        ([(0, 1000), (5, 1000)], 10, 10.0),
        ([(0, 1000), (5, 1000), (5, -1000)], 10, 0.0),
    ],
)
def test_how_long_to_be_quiet_at_100_a_second(
    used: list[tuple[float, float]], at_s: float, quiet_s: float
) -> None:
    rate = Rate(WindowedSum(11, 1.0))
    for when_s, amount in used:
        rate.record(amount, 50 + when_s)
    assert rate.quiet_s(100, 50 + at_s) == pytest.approx(quiet_s)


def test_who_may_use_nothing_is_quiet_as_long_as_it_is_remembered() -> None:
    rate = Rate(WindowedSum(11, 1.0))
    assert rate.quiet_s(0, 0) == 0
    rate.record(1, 0)
    assert rate.quiet_s(0, 0) == 11


def test_who_is_quiet_as_he_is_told_keeps_to_the_rate() -> None:
    """60 bytes whenever he may, at 100 a second: a burst of ten seconds' worth, and then that."""
    rate, now_s, used = Rate(WindowedSum(11, 1.0)), 0.0, 0
    while now_s < 100:
        rate.record(60, now_s)
        used += 60
        now_s += max(0.001, rate.quiet_s(100, now_s))
    assert 100 * 100 <= used <= 100 * 100 * 1.15


@pytest.mark.parametrize(
    ("taken", "at_s", "wait_s"),
    [
        ([], 0, 0.0),
        ([(0, 55)], 0, 0.0),  # it begins full
        ([(0, 56)], 0, 0.2),
        ([(0, 560)], 0, 101.0),
        ([(0, 560)], 100, 1.0),
        ([(0, 560)], 101, 0.0),
        ([(0, 55), (1, 10)], 1, 1.0),
        ([(0, 5), (1000, 60)], 1000, 1.0),  # and becomes no more than full
    ],
)
def test_how_long_until_the_debt_is_paid_at_5_a_second(
    taken: list[tuple[float, float]], at_s: float, wait_s: float
) -> None:
    bucket = TokenBucket(burst_s=11)
    for when_s, amount in taken:
        bucket.take(amount, 5, 50 + when_s)
    assert bucket.wait_s(5, 50 + at_s) == pytest.approx(wait_s)


def test_a_bucket_that_nothing_comes_into_is_waited_for_as_long_as_it_would_take_to_fill() -> None:
    bucket = TokenBucket(burst_s=11)
    assert bucket.wait_s(0, 0) == 0
    bucket.take(1, 0, 0)
    assert bucket.wait_s(0, 5) == 11


def test_what_was_not_used_for_an_hour_is_forgotten() -> None:
    made: LatelyUsed[str, list[int]] = LatelyUsed(list)
    made.get("a", 0).append(1)
    made.get("b", 1)
    assert made.get("a", FORGOTTEN_AFTER_S - 1) == [1]
    assert len(made) == 2
    made.get("a", FORGOTTEN_AFTER_S + 1)
    assert len(made) == 1
    assert made.get("a", 2 * FORGOTTEN_AFTER_S) == [1]
    assert made.get("a", 3 * FORGOTTEN_AFTER_S) == []


@pytest.mark.parametrize(
    ("quiet_s", "told_ms"),
    [(0.0004, 0), (0.0006, 1), (-1.0, 0), (2e7, 2**31 - 1), (float("inf"), 2**31 - 1)],
)
def test_a_client_is_told_what_fits_into_the_answer(quiet_s: float, told_ms: int) -> None:
    assert in_ms(quiet_s) == told_ms
