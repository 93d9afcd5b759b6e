"""The arithmetic of the ISR: who must leave it, and who may join.

Pure functions over what a leader knows of its followers (`follower_progress`).

    leave   who has not been caught up for longer than replica.lag.time.max.ms
    join    who has everything committed, and everything from before this leader's epoch

Who is at the leader's end never has to leave, however long ago it got there: an idle partition
shrinks no ISR.

Kafka: Partition.getOutOfSyncReplicas, isFollowerInSync.
"""

from collections.abc import Iterable, Mapping

from broker.replica.follower_progress import FollowerProgress


def out_of_sync(
    leader: int,
    leader_end_offset: int,
    isr: Iterable[int],
    followers: Mapping[int, FollowerProgress],
    now_s: float,
    lag_time_max_s: float,
) -> frozenset[int]:
    """The ISR's followers that have not caught up for longer than `replica.lag.time.max.ms`.

    A member that is no replica (a state written by hand) never fetches, so it's one of them.
    """
    return frozenset(
        broker
        for broker in isr
        if broker != leader
        and not (
            broker in followers
            and followers[broker].is_caught_up(leader_end_offset, now_s, lag_time_max_s)
        )
    )


def can_join_isr(
    follower: FollowerProgress, committed_offset: int, epoch_start_offset: int
) -> bool:
    """True if a follower has everything committed and everything from before this leader's epoch.

    The second condition keeps out a follower that has reached an old high
    watermark but lacks records that a former leader may have acknowledged.
    """
    return follower.log_end_offset >= max(committed_offset, epoch_start_offset)
