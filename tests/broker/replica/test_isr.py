"""The arithmetic of the ISR: who must leave, who may join."""

import pytest

from broker.replica.follower_progress import FollowerProgress
from broker.replica.isr import can_join_isr, out_of_sync


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
