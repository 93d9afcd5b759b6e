"""LeaderAndIsr and StopReplica: what is obeyed, and what is fenced."""

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from broker.broker import Broker
from broker.network.answers import CloseConnection
from broker.replica.roles import Following, Leading
from broker.wire.errors import ErrorCode
from broker.wire.messages.leader_and_isr import LeaderAndIsrResponse
from broker.wire.messages.stop_replica import (
    StopReplicaPartitionState,
    StopReplicaRequest,
    StopReplicaResponse,
    StopReplicaTopicState,
)
from coordination.memory_store import MemorySession
from tests.broker.replica.support import batch, values
from tests.broker.support import call, know, lead, open_broker, topic_id, tp

ANY_EPOCH = -1
DURING_DELETE = -2


async def stop(
    broker: Broker, name: str, leader_epoch: int, delete: bool, controller_epoch: int = 1
) -> ErrorCode:
    partition = StopReplicaPartitionState(
        partition_index=tp(name).partition, leader_epoch=leader_epoch, delete_partition=delete
    )
    request = StopReplicaRequest(
        controller_id=1,
        controller_epoch=controller_epoch,
        broker_epoch=-1,
        topic_states=[
            StopReplicaTopicState(topic_name=tp(name).topic, partition_states=[partition])
        ],
    )
    answer = await call(broker, request, 4)
    assert isinstance(answer, StopReplicaResponse)
    if answer.error_code:
        return ErrorCode.of(answer.error_code)
    [error] = answer.partition_errors
    return ErrorCode.of(error.error_code)


def partition_error(answer: LeaderAndIsrResponse) -> ErrorCode:
    [error] = answer.topics[0].partition_errors
    return ErrorCode.of(error.error_code)


async def test_roles_follow_the_leader_epoch(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        assert partition_error(await lead(broker, "t-0", (1, 2))) is ErrorCode.NONE
        partition = broker.replicas.partitions[tp("t-0")]
        assert isinstance(partition.role, Leading)
        for epoch in (0, -1):
            late = await lead(broker, "t-0", (1, 2), leader=2, leader_epoch=epoch)
            assert partition_error(late) is ErrorCode.STALE_CONTROLLER_EPOCH
            assert isinstance(partition.role, Leading)
        await lead(broker, "t-0", (1, 2), leader=2, leader_epoch=1)
        assert partition.role == Following(epoch=1, leader=2)
        await lead(broker, "t-0", (1, 2), leader=-1, leader_epoch=2)
        assert partition.role == Following(epoch=2, leader=-1)


async def test_a_zombie_controller_is_refused_whatever_it_says(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0", controller_epoch=5)
        late = await lead(broker, "t-0", leader=2, leader_epoch=9, controller_epoch=4)
        assert late.error_code == ErrorCode.STALE_CONTROLLER_EPOCH
        refused = await stop(broker, "t-0", ANY_EPOCH, True, controller_epoch=4)
        assert refused is ErrorCode.STALE_CONTROLLER_EPOCH
        assert isinstance(broker.replicas.partitions[tp("t-0")].role, Leading)


async def test_an_order_for_a_former_life_is_refused(tmp_path: Path) -> None:
    """KIP-380."""
    async with open_broker(tmp_path) as broker:
        broker.broker_epoch = 50
        late = await lead(broker, "t-0", broker_epoch=49)
        assert late.error_code == ErrorCode.STALE_BROKER_EPOCH
        assert tp("t-0") not in broker.replicas.partitions
        assert (await lead(broker, "t-0", broker_epoch=50)).error_code == ErrorCode.NONE


async def test_who_is_no_replica_takes_no_role(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        answer = await lead(broker, "t-0", (2, 3), leader=2)
        assert partition_error(answer) is ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        assert not broker.logs.logs


async def test_a_log_of_another_topic_of_that_name_is_not_taken(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0")
        other = await lead(broker, "t-0", leader_epoch=1, id_of_topic=topic_id("other"))
        assert partition_error(other) is ErrorCode.INCONSISTENT_TOPIC_ID


async def test_stop_replica_is_fenced_by_the_leader_epoch(tmp_path: Path) -> None:
    """KIP-570: -1 and -2 stand for "whatever it is"."""
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0", leader_epoch=5)
        assert await stop(broker, "t-0", 4, True) is ErrorCode.FENCED_LEADER_EPOCH
        assert isinstance(broker.replicas.partitions[tp("t-0")].role, Leading)
        assert await stop(broker, "t-0", 5, False) is ErrorCode.NONE
        partition = broker.replicas.partitions[tp("t-0")]
        assert partition.role is None
        # An older order than the one that it was stopped in is still late.
        late = await lead(broker, "t-0", leader_epoch=4)
        assert partition_error(late) is ErrorCode.STALE_CONTROLLER_EPOCH
        assert partition_error(await lead(broker, "t-0", leader_epoch=6)) is ErrorCode.NONE
        assert await stop(broker, "t-0", DURING_DELETE, True) is ErrorCode.NONE
        assert tp("t-0") not in broker.replicas.partitions
        assert tp("t-0") not in broker.logs.logs


async def test_a_log_that_nobody_serves_is_deleted_too(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await broker.logs.get_or_create(tp("t-0"), topic_id("t"), broker.logs.config.defaults)
        assert await stop(broker, "t-0", ANY_EPOCH, True) is ErrorCode.NONE
        assert not broker.logs.logs


async def test_a_deleted_topic_can_be_made_again(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0")
        broker.replicas.partitions[tp("t-0")].append_as_leader(batch("old"), 1, 0.0)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stop, broker, "t-0", ANY_EPOCH, True)
            await trio.testing.wait_all_tasks_blocked()
            # Arrives while the old log is being renamed in a thread: it waits its turn.
            answer = await lead(broker, "t-0", id_of_topic=topic_id("new"))
        assert partition_error(answer) is ErrorCode.NONE
        partition = broker.replicas.partitions[tp("t-0")]
        assert partition.topic_id == topic_id("new")
        assert values(partition) == []
        assert broker.replicas.topic_name(topic_id("new")) == "t"


async def test_an_order_that_cannot_be_carried_out_now_changes_nothing(tmp_path: Path) -> None:
    """The config of a new topic can't be read: the controller is to ask again, and is obeyed."""
    async with open_broker(tmp_path) as broker:
        await know(broker)
        await lead(broker, "known-0", (2,), (1, 2), leader=2)
        session = await broker.topic_admin.zookeeper.session()
        assert isinstance(session, MemorySession)
        session.expire()
        with pytest.raises(CloseConnection):
            await lead(broker, "new-0")
        assert tp("new-0") not in broker.replicas.partitions
        again = await lead(broker, "known-0", (1,), (1, 2), leader_epoch=1)
        assert partition_error(again) is ErrorCode.NONE
