"""What was counted against a limit: how long to be quiet, by a clock that the test turns."""

import weakref

import pytest

from broker.quotas.client_quota import ClientQuota
from broker.quotas.lately_used import FORGOTTEN_AFTER_S, MOST, LatelyUsed
from broker.quotas.limits import DEFAULT, Limits
from broker.quotas.mutations import MutationQuota
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
    ],
)
def test_how_long_to_be_quiet_at_100_a_second(
    used: list[tuple[float, float]], at_s: float, quiet_s: float
) -> None:
    rate = Rate(WindowedSum(11, 1.0))
    for when_s, amount in used:
        rate.record(amount, 50 + when_s)
    assert rate.quiet_s(100, 50 + at_s) == pytest.approx(quiet_s)


def test_what_is_given_back_was_never_there_though_the_next_window_has_begun() -> None:
    clock_s = iter([0.0, 0.9995, 1.0005, 12.0])
    quota = ClientQuota(11, 1.0, clock_s.__next__)
    quota.changed(Limits({("", DEFAULT): 100.0}))
    assert quota.use("alice", "app", 1000) == 0
    assert quota.use("alice", "app", 1000) > 0
    quota.give_back("alice", "app", 1000)
    assert quota.use("alice", "app", 1500) == 5, "no more is left than there would be"


def test_what_a_fetch_is_given_at_the_very_limit_is_counted() -> None:
    """Too little to be told a millisecond for isn't too little to be counted: it may come often."""
    now_s = [0.0]
    quota = ClientQuota(11, 1.0, lambda: now_s[0])
    quota.changed(Limits({("", DEFAULT): 1e6}))
    assert quota.use("alice", "app", 10e6) == 0
    told = [in_ms(quota.use("alice", "app", 10)) for _ in range(100)]
    assert (told[0], told[-1]) == (0, 1)


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


def test_of_many_names_the_oldest_are_forgotten_and_no_name_is_kept() -> None:
    """Whoever connects names himself, a thousand times a second if he likes."""

    class Name(str):
        __slots__ = ("__weakref__",)

    made: LatelyUsed[str, list[int]] = LatelyUsed(list)
    made.get("first", 0).append(1)
    names = [Name(n) for n in range(MOST - 1)]
    kept = weakref.WeakSet(names)
    for name in names:
        made.get(name, 0)
    del names, name
    assert not kept
    assert (len(made), made.get("first", 0)) == (MOST, [1])
    made.get("one more", 0)
    assert (len(made), made.get("first", 0), made.get("0", 0)) == (MOST, [1], [])


def test_many_that_are_old_are_forgotten_little_by_little() -> None:
    """A million at once would keep the event loop busy."""
    made: LatelyUsed[int, list[int]] = LatelyUsed(list)
    for name in range(1000):
        made.get(name, 0).append(1)
    assert made.get(999, FORGOTTEN_AFTER_S) == []
    assert len(made) == 998
    for _ in range(500):
        made.get(999, FORGOTTEN_AFTER_S)
    assert len(made) == 1


def test_where_nobody_is_limited_any_more_nothing_is_remembered() -> None:
    now_s = [0.0]
    quota = ClientQuota(11, 1.0, lambda: now_s[0])
    mutations = MutationQuota(11, 1.0, lambda: now_s[0])
    limits = Limits({("", DEFAULT): 1.0})
    for told in (quota, mutations):
        told.changed(limits)
    assert quota.use("alice", "app", 100) == 90
    mutations.begin("alice", "app", strict=True).take(100)
    for told in (quota, mutations):
        told.changed(Limits())
        told.changed(limits)
    assert quota.use("alice", "app", 10) == 0
    mutations.begin("alice", "app", strict=True).take(1)
