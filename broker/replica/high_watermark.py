"""The arithmetic of the high watermark: how far the partition is committed.

    follower 2  ├──────────────────────┤ log end 90
    follower 3  ├───────────────┤ log end 60            (not in the ISR)
    leader 1    ├─────────────────────────┤ log end 100
                                       ▲
                                       high watermark 90 = the smallest log end
                                       offset of the maximal ISR

A record below the high watermark is committed: it's on every member of the
ISR, and only a member of the ISR is elected, so no later leader lacks it.

**The maximal ISR.** Between the proposal of a larger ISR and the controller's
answer nobody knows which ISR is in force, so the high watermark is computed
with the larger one. A proposal of a smaller ISR leaves the larger, old one in
force until the answer comes (KIP-497, Kafka's `PartitionState.maximalIsr`).

**The next member.** A follower that has caught up and may join the ISR holds
the high watermark back although it is not a member yet; otherwise a busy
partition's high watermark would run ahead of it for ever and it never joined
(Kafka's `maybeIncrementLeaderHW`).
"""

from collections.abc import Iterable, Mapping

from broker.replica.follower_progress import FollowerProgress


def high_watermark(
    leader_end_offset: int,
    followers: Mapping[int, FollowerProgress],
    maximal_isr: Iterable[int],
    may_join: Iterable[int],
) -> int:
    """The smallest log end offset of the leader, the maximal ISR and those about to join it."""
    counted = {*maximal_isr, *may_join}
    return min(
        [leader_end_offset]
        + [state.log_end_offset for broker, state in followers.items() if broker in counted]
    )
