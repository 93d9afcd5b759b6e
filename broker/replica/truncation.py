"""Where a follower must cut its log so that it's a prefix of the leader's: pure arithmetic.

The leader has answered: "of the epochs up to your last one, the largest that I
have is `leader.leader_epoch`, and mine ends at `leader.end_offset`".

    follower   epoch 1 ├────────────┤ epoch 2 ├────────┤ log end 90
    leader     epoch 1 ├───────┤ 40   epoch 3 ├──────────── ...

    it asked with its last epoch 2; the leader has no epoch 2, its epoch 1 ends at 40
    so the follower cuts at 40: of epoch 1 both have the same records up to there

If the follower lacks the epoch that the leader names, it cuts where its own
largest epoch below that ends, asks again, and both go down until they agree.

Kafka: AbstractFetcherThread.getOffsetTruncationState, KIP-101 and KIP-279.
"""

from collections.abc import Callable

from broker.log.values import EpochEndOffset


def truncation_offset(
    leader: EpochEndOffset,
    log_end_offset: int,
    end_offset_for_epoch: Callable[[int], EpochEndOffset | None],
) -> int:
    """The offset to truncate to. `end_offset_for_epoch` looks into the follower's own log."""
    ours = end_offset_for_epoch(leader.leader_epoch)
    if ours is None:
        return min(leader.end_offset, log_end_offset)
    if ours.leader_epoch != leader.leader_epoch:
        return min(ours.end_offset, log_end_offset)
    return min(ours.end_offset, leader.end_offset, log_end_offset)
