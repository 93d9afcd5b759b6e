"""The arithmetic of replication, as tables."""

import pytest

from broker.replica.isr import FollowerProgress, can_join_isr, high_watermark, out_of_sync


@pytest.mark.parametrize(
    ("leader_end", "followers", "maximal_isr", "may_join", "expected"),
    [
        (100, {}, {1}, set(), 100),
        (100, {2: 90, 3: 60}, {1, 2}, set(), 90),
        (100, {2: 90, 3: 60}, {1, 2, 3}, set(), 60),
        # One that has caught up and may join holds it back although it's no member yet.
        (100, {2: 90, 3: 60}, {1, 2}, {3}, 60),
        # A follower that has not fetched since the election: nothing is known to be committed.
        (100, {2: -1}, {1, 2}, set(), -1),
    ],
)
def test_high_watermark(
    leader_end: int,
    followers: dict[int, int],
    maximal_isr: set[int],
    may_join: set[int],
    expected: int,
) -> None:
    progress = {broker: FollowerProgress(log_end_offset=end) for broker, end in followers.items()}
    assert high_watermark(leader_end, progress, maximal_isr, may_join) == expected


def test_a_follower_at_the_leaders_end_is_caught_up_now() -> None:
    follower = FollowerProgress()
    follower.fetched(10, 0, leader_end_offset=10, now_s=5.0, broker_epoch=1)
    assert follower.last_caught_up_s == 5.0


def test_a_follower_that_always_lags_less_than_a_fetch_was_caught_up_at_its_last_fetch() -> None:
    follower = FollowerProgress()
    follower.fetched(10, 0, leader_end_offset=20, now_s=5.0, broker_epoch=1)
    follower.fetched(20, 0, leader_end_offset=30, now_s=6.0, broker_epoch=1)
    assert follower.last_caught_up_s == 5.0


def test_a_follower_that_falls_back_further_is_not_caught_up_later_than_it_was() -> None:
    follower = FollowerProgress()
    follower.fetched(10, 0, leader_end_offset=10, now_s=5.0, broker_epoch=1)
    follower.fetched(12, 0, leader_end_offset=100, now_s=6.0, broker_epoch=1)
    follower.fetched(14, 0, leader_end_offset=200, now_s=7.0, broker_epoch=1)
    assert follower.last_caught_up_s == 5.0


def test_out_of_sync_is_who_lags_for_longer_than_the_limit_but_never_who_is_at_the_end() -> None:
    followers = {
        2: FollowerProgress(log_end_offset=100, last_caught_up_s=0.0),
        3: FollowerProgress(log_end_offset=99, last_caught_up_s=0.0),
        4: FollowerProgress(log_end_offset=10, last_caught_up_s=75.0),
    }
    assert out_of_sync(1, 100, {1, 2, 3, 4}, followers, now_s=100.0, lag_time_max_s=30.0) == {3}
    # 9 isn't a replica at all: a state that somebody wrote by hand.
    assert out_of_sync(1, 100, {1, 2, 9}, followers, now_s=100.0, lag_time_max_s=30.0) == {9}


@pytest.mark.parametrize(
    ("end", "committed", "epoch_start", "expected"),
    [(10, 10, 5, True), (9, 10, 5, False), (10, 3, 12, False), (12, 3, 12, True)],
)
def test_can_join_isr(end: int, committed: int, epoch_start: int, expected: bool) -> None:
    assert can_join_isr(FollowerProgress(log_end_offset=end), committed, epoch_start) is expected
