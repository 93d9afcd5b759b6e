"""Row 35: a transaction coordinator is left half-way between two roles, when ZooKeeper is away.

An order to follow a partition of `__transaction_state` failed midway, since something in it needed
ZooKeeper and the session was lost. The replica had changed its role, the coordinator had not heard
of it; and when the controller repeated the order, at the same leader epoch, it was taken for done.
The former coordinator went on answering, and its writes were refused for ever (KAFKA-9307).

Provoked by an order in which a new topic stands beside the coordinator's partition: its config
cannot be read, and the order breaks off. Repeated at the same epoch it must be finished, in either
direction; and so must one whose coordinator was told and whose answer was lost.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from broker.broker import Broker
from broker.log.log_config import LogConfig
from broker.network.answers import CloseConnection
from broker.replica.roles import Leading
from broker.transactions.transactions_log import TRANSACTIONS_TOPIC
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages import leader_and_isr as li
from coordination.store import SessionLost
from tests.broker.support import call, know, make_coordinators_topic, open_broker, topic_id, tp

COORDINATED = f"{TRANSACTIONS_TOPIC}-0"


@attrs.define
class Configs:
    """What a new log runs with, as long as ZooKeeper is there."""

    found: LogConfig
    is_away: bool = False

    async def __call__(self, _topic: str) -> LogConfig:
        await trio.lowlevel.checkpoint()
        if self.is_away:
            raise SessionLost("the session is over")
        return self.found


@asynccontextmanager
async def coordinating_broker(directory: Path) -> AsyncIterator[tuple[Broker, Configs]]:
    properties = {"transaction_state_log_num_partitions": "1"}
    async with open_broker(directory, **properties) as broker, trio.open_nursery() as nursery:
        await nursery.start(broker.transactions.run)
        await make_coordinators_topic(broker, TRANSACTIONS_TOPIC)
        configs = Configs(broker.logs.config.defaults)
        broker.replicas.topic_config = configs
        await know(broker, (1, 2), [(COORDINATED, 1, (1,))])
        yield broker, configs
        nursery.cancel_scope.cancel()


async def order(broker: Broker, leader: int, leader_epoch: int, new_topic: str) -> None:
    """LeaderAndIsr of the coordinator's partition, and of a topic that is new here."""
    topics = [
        li.LeaderAndIsrTopicState(
            topic_name=tp(partition).topic,
            topic_id=topic_id(tp(partition).topic),
            partition_states=[
                li.LeaderAndIsrPartitionState(
                    controller_epoch=1,
                    leader=leader,
                    leader_epoch=leader_epoch,
                    isr=[leader],
                    replicas=[1, 2],
                )
            ],
        )
        for partition in (COORDINATED, f"{new_topic}-0")
    ]
    request = li.LeaderAndIsrRequest(
        controller_id=1, controller_epoch=1, broker_epoch=-1, topic_states=topics
    )
    await call(broker, request, 7)
    await wait_all_tasks_blocked()


def coordinates(broker: Broker) -> bool:
    """Whether it leads the partition; and it must answer for transactional ids only if it does."""
    replica = broker.replicas.partitions.get(tp(COORDINATED))
    leads = replica is not None and isinstance(replica.role, Leading)
    with pytest.raises(KafkaError) as answer:
        broker.transactions.describe("x")
    assert answer.value.code is (
        ErrorCode.TRANSACTIONAL_ID_NOT_FOUND if leads else ErrorCode.NOT_COORDINATOR
    )
    return leads


async def test_an_order_to_follow_that_broke_off_is_finished_when_repeated(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with coordinating_broker(tmp_path) as (broker, configs):
        await order(broker, leader=1, leader_epoch=0, new_topic="a")
        assert coordinates(broker)
        configs.is_away = True
        with pytest.raises(CloseConnection):
            await order(broker, leader=2, leader_epoch=1, new_topic="b")
        assert coordinates(broker), "nothing has changed, neither here nor there"
        configs.is_away = False
        await order(broker, leader=2, leader_epoch=1, new_topic="b")
        assert not coordinates(broker)


async def test_an_order_to_lead_that_broke_off_is_finished_when_repeated(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with coordinating_broker(tmp_path) as (broker, configs):
        await order(broker, leader=2, leader_epoch=0, new_topic="a")
        configs.is_away = True
        with pytest.raises(CloseConnection):
            await order(broker, leader=1, leader_epoch=1, new_topic="b")
        assert not coordinates(broker)
        configs.is_away = False
        await order(broker, leader=1, leader_epoch=1, new_topic="b")
        assert coordinates(broker)


async def test_the_same_order_again_changes_nothing(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with coordinating_broker(tmp_path) as (broker, _):
        for leader, leader_epoch in ((1, 0), (2, 1), (1, 2)):
            for _again in range(2):
                await order(broker, leader, leader_epoch, new_topic="a")
                assert coordinates(broker) == (leader == 1)
