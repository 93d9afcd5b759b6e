"""When a follower was last caught up, by its fetches."""

from broker.replica.follower_progress import FollowerProgress


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
