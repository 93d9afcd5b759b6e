"""OffsetForLeaderEpoch: the largest epoch up to the asked one, and where it ends."""

from pathlib import Path

import pytest

from broker.broker import Broker
from broker.wire.errors import ErrorCode
from broker.wire.messages.offset_for_leader_epoch import (
    EpochEndOffset,
    OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
    OffsetForLeaderPartition,
    OffsetForLeaderTopic,
)
from tests.broker.replica.support import batch
from tests.broker.support import call, lead, open_broker, tp


async def end_of(
    broker: Broker, epoch: int, current_leader_epoch: int = -1, topic: str = "t"
) -> EpochEndOffset:
    asked = OffsetForLeaderPartition(
        partition=0, leader_epoch=epoch, current_leader_epoch=current_leader_epoch
    )
    request = OffsetForLeaderEpochRequest(
        topics=[OffsetForLeaderTopic(topic=topic, partitions=[asked])]
    )
    answer = await call(broker, request, 4)
    assert isinstance(answer, OffsetForLeaderEpochResponse)
    [found] = answer.topics[0].partitions
    return found


async def led(broker: Broker) -> None:
    """Two records at epoch 2, one at epoch 5, none at 7, which is the leader's."""
    for epoch, values in ((2, "ab"), (5, "c"), (7, "")):
        await lead(broker, "t-0", leader_epoch=epoch)
        partition = broker.replicas.partitions[tp("t-0")]
        for value in values:
            partition.append_as_leader(batch(value), 1, 0.0)


@pytest.mark.parametrize(
    ("asked", "epoch", "end_offset"),
    [
        (7, 7, 3),  # our own: the log end
        (6, 5, 3),
        (5, 5, 3),
        (4, 2, 2),  # there was no epoch 3 or 4 here
        (2, 2, 2),
        (1, 1, 0),  # before all of ours: nothing of it is in this log
        (8, -1, -1),  # after ours: we can't know
        (-1, -1, -1),
    ],
)
async def test_epochs(tmp_path: Path, asked: int, epoch: int, end_offset: int) -> None:
    async with open_broker(tmp_path) as broker:
        await led(broker)
        found = await end_of(broker, asked)
        assert found.error_code == ErrorCode.NONE
        assert (found.leader_epoch, found.end_offset) == (epoch, end_offset)


@pytest.mark.parametrize(
    ("current", "code"),
    [
        (7, ErrorCode.NONE),
        (6, ErrorCode.FENCED_LEADER_EPOCH),
        (8, ErrorCode.UNKNOWN_LEADER_EPOCH),
    ],
)
async def test_who_believes_in_another_leader_is_fenced(
    tmp_path: Path, current: int, code: ErrorCode
) -> None:
    async with open_broker(tmp_path) as broker:
        await led(broker)
        assert (await end_of(broker, 5, current)).error_code == code


async def test_who_does_not_lead(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await led(broker)
        unknown = await end_of(broker, 5, topic="u")
        assert unknown.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        await lead(broker, "t-0", (1, 2), leader=2, leader_epoch=8)
        moved = await end_of(broker, 5)
        assert moved.error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER
        assert (moved.leader_epoch, moved.end_offset) == (-1, -1)
