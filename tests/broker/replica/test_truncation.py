"""Where a follower truncates, as a table (KIP-101, KIP-279)."""

import pytest

from broker.log.values import EpochEndOffset
from broker.replica.truncation import truncation_offset

# The follower's epochs: 1 from 0, 2 from 40, 5 from 70; log end 90.
ENDS = {1: 40, 2: 70, 5: 90}


def end_offset_for_epoch(epoch: int) -> EpochEndOffset | None:
    known = [each for each in ENDS if each <= epoch]
    return EpochEndOffset(max(known), ENDS[max(known)]) if known else None


@pytest.mark.parametrize(
    ("leader", "expected"),
    [
        (EpochEndOffset(5, 80), 80),  # the same epoch, the leader's is shorter
        (EpochEndOffset(5, 95), 90),  # the leader's is longer: nothing to cut
        (EpochEndOffset(2, 60), 60),  # the leader never had epoch 5
        (EpochEndOffset(2, 75), 70),  # nor did it end epoch 2 where we did
        (EpochEndOffset(4, 65), 70),  # an epoch that we lack: cut where our 2 ends, ask again
        (EpochEndOffset(0, 30), 30),  # older than anything of ours
    ],
)
def test_truncation_offset(leader: EpochEndOffset, expected: int) -> None:
    assert truncation_offset(leader, 90, end_offset_for_epoch) == expected
