"""How far a partition is committed, as a table."""

import pytest

from broker.replica.follower_progress import FollowerProgress
from broker.replica.high_watermark import high_watermark


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
