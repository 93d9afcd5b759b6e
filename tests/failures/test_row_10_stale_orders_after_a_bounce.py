"""Row 10: a bounced broker is missed, and an order for its former life is obeyed.

A broker that restarts within one look of the controller is the same id with nothing in memory. A
StopReplica or LeaderAndIsr that was on its way to the former life would stop or misplace replicas
of the new one, and nobody would notice (KAFKA-1120, KAFKA-5845). So each life has an epoch, the
czxid of its registration, and every order names the one it is for (KIP-380, KAFKA-7235).

The controller's half, that a bounce is seen as a death and a birth, is the story `bounce` of
tests/golden/controller. Here is the broker's: orders of before are played again to it.
"""

from pathlib import Path

import pytest

from broker.broker import Broker
from broker.replica.roles import Leading
from broker.wire.errors import ErrorCode
from broker.wire.messages.stop_replica import (
    StopReplicaPartitionState,
    StopReplicaRequest,
    StopReplicaTopicState,
)
from broker.wire.messages.update_metadata import UpdateMetadataBroker, UpdateMetadataRequest
from tests.broker.support import call, lead, open_broker, tp

FORMER_LIFE, THIS_LIFE, UNKNOWN = 49, 50, -1


async def stop(broker: Broker, broker_epoch: int) -> ErrorCode:
    partition = StopReplicaPartitionState(leader_epoch=-1, delete_partition=True)
    topic = StopReplicaTopicState(topic_name="t", partition_states=[partition])
    request = StopReplicaRequest(
        controller_id=1, controller_epoch=1, broker_epoch=broker_epoch, topic_states=[topic]
    )
    return ErrorCode.of((await call(broker, request, 4)).error_code)


async def update_metadata(broker: Broker, broker_epoch: int) -> ErrorCode:
    request = UpdateMetadataRequest(
        controller_id=1,
        controller_epoch=1,
        broker_epoch=broker_epoch,
        live_brokers=[UpdateMetadataBroker(id=9)],
    )
    return ErrorCode.of((await call(broker, request, 8)).error_code)


async def lead_anew(broker: Broker, broker_epoch: int) -> ErrorCode:
    answer = await lead(broker, "t-0", (2,), (1, 2), 7, leader=2, broker_epoch=broker_epoch)
    return ErrorCode.of(answer.error_code)


async def test_what_was_meant_for_the_former_life_is_refused(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        broker.registered(THIS_LIFE)
        await lead(broker, "t-0", broker_epoch=THIS_LIFE)
        for order in (stop, update_metadata, lead_anew):
            assert await order(broker, FORMER_LIFE) is ErrorCode.STALE_BROKER_EPOCH
        role = broker.replicas.partitions[tp("t-0")].role
        assert isinstance(role, Leading)
        assert role.epoch == 0
        assert 9 not in broker.metadata.current.brokers


@pytest.mark.parametrize("broker_epoch", [THIS_LIFE, THIS_LIFE + 1, UNKNOWN])
async def test_what_is_meant_for_this_life_is_obeyed(tmp_path: Path, broker_epoch: int) -> None:
    """Also when the controller hears of our new life before we do, and when it tells no epoch."""
    async with open_broker(tmp_path) as broker:
        broker.registered(THIS_LIFE)
        await lead(broker, "t-0", broker_epoch=broker_epoch)
        for order in (lead_anew, update_metadata, stop):
            assert await order(broker, broker_epoch) is ErrorCode.NONE
        assert tp("t-0") not in broker.replicas.partitions
