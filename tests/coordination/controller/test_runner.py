"""The controller at work on the memory store: watches, requests, lost answers, lost sessions."""

import uuid

import pytest
import trio
import trio.testing

from coordination.controller.commands import LeaderAndIsrCommand, StopReplicaCommand
from coordination.controller.inbox import NotController, Question
from coordination.controller.requests import (
    AllocateProducerIds,
    AlterPartition,
    AlterPartitionTopic,
    ControlledShutdown,
    IsrProposal,
    KafkaErrorName,
    ProducerIdBlockAllocated,
)
from coordination.store import Set
from coordination.topics import create_topic, delete_topic
from coordination.values import LeaderAndIsr, TopicPartition
from coordination.znodes import encode_partition_state, paths
from tests.coordination.controller.support import (
    TOPIC_ID,
    cluster,
    reconnecting,
    seated,
    write_topic,
)

ORDERS_0 = TopicPartition("orders", 0)
UNKNOWN_EPOCH = -1


async def test_a_topic_gets_leaders_and_the_trace_says_why() -> None:
    async with cluster() as brokers:
        seat = brokers.candidate(1)
        await seated(seat)
        await create_topic(brokers.sessions[2], "orders", {0: [2, 3]}, {}, topic_id=TOPIC_ID)
        await brokers.trace.wait_for("partition.leader_elected")
        assert await brokers.state(ORDERS_0) == LeaderAndIsr(2, 0, (2, 3), 1, 0)
        assert brokers.trace.causes("partition.leader_elected") == [
            "partition.leader_elected",
            "topic.created",
            "controller.elected",
        ]
        told = [
            broker_id
            for broker_id, command in brokers.channels[0].sent
            if isinstance(command, LeaderAndIsrCommand)
        ]
        assert told == [2, 3]


async def test_a_broker_dies() -> None:
    async with cluster() as brokers:
        await write_topic(brokers.sessions[1], "orders", (2, 3))
        await seated(brokers.candidate(1))
        brokers.sessions[2].expire()
        await brokers.trace.wait_for("partition.leader_elected", 2)
        assert await brokers.state(ORDERS_0) == LeaderAndIsr(3, 1, (3,), 1, 1)
        assert brokers.trace.causes("partition.leader_elected")[1] == "broker.left"


async def test_the_controller_dies_and_the_next_one_finds_all() -> None:
    async with cluster() as brokers:
        await write_topic(brokers.sessions[1], "orders", (1, 2, 3))
        first = brokers.candidate(1)
        await seated(first)
        second = brokers.candidate(2)
        brokers.sessions[1].expire()
        active = await seated(second)
        assert active.epoch == 2
        assert first.active is None
        # One bump for leaving the ISR, with leader -1, one for the election: as Kafka does it.
        assert await brokers.state(ORDERS_0) == LeaderAndIsr(2, 2, (2, 3), 2, 2)


async def test_it_is_controller_before_anybody_hears_of_it() -> None:
    """A broker's clients ask the new controller as soon as they are told of it; they must not hear
    that it is none."""
    async with cluster() as brokers:
        await write_topic(brokers.sessions[1], "orders", (2, 3))  # its leader has yet to be elected
        seat = brokers.candidate(1)
        with trio.fail_after(10):
            while not brokers.channels or not brokers.channels[0].sent:
                await trio.lowlevel.checkpoint()
        assert not brokers.trace.of("controller.ready")
        answer = await seat.submit(AllocateProducerIds(1, UNKNOWN_EPOCH))
        assert answer is KafkaErrorName.STALE_BROKER_EPOCH
        assert brokers.trace.of("controller.ready")


async def test_a_newer_epoch_ends_the_term_at_the_first_write() -> None:
    async with cluster() as brokers:
        seat = brokers.candidate(1)
        await seated(seat)
        node = await brokers.sessions[2].get(paths.CONTROLLER_EPOCH)
        await brokers.sessions[2].set(paths.CONTROLLER_EPOCH, b"7", node.stat.version)
        await write_topic(brokers.sessions[2], "orders", (2,))
        resigned = await brokers.trace.wait_for("controller.resigned")
        assert resigned["reason"] == "fenced"


@pytest.mark.parametrize("applied", [True, False])
async def test_a_write_whose_answer_was_lost(applied: bool) -> None:
    async with cluster() as brokers:
        seat = brokers.candidate(1)
        await seated(seat)
        async with reconnecting(brokers.sessions[1]):
            brokers.sessions[1].lose_next_write(applied=applied)
            await write_topic(brokers.sessions[2], "orders", (2, 3))
            await brokers.trace.wait_for("partition.leader_elected")
            assert await brokers.state(ORDERS_0) == LeaderAndIsr(2, 0, (2, 3), 1, 0)

            brokers.sessions[1].lose_next_write(applied=applied)
            brokers.sessions[3].expire()
            await brokers.trace.wait_for("partition.isr_changed")
        assert await brokers.state(ORDERS_0) == LeaderAndIsr(2, 1, (2,), 1, 1)
        assert not brokers.trace.of("controller.resigned")


async def test_what_changed_while_the_connection_was_away() -> None:
    async with cluster() as brokers:
        await write_topic(brokers.sessions[1], "orders", (2, 3))
        await seated(brokers.candidate(1))
        brokers.sessions[1].suspend()
        brokers.sessions[2].expire()
        await write_topic(brokers.sessions[3], "late", (3,), topic_id=uuid.UUID(int=7))
        brokers.sessions[1].reconnect()
        await brokers.trace.wait_for("partition.leader_elected", 3)
        assert (await brokers.state(ORDERS_0)).leader == 3
        assert (await brokers.state(TopicPartition("late", 0))).leader == 3


async def test_deletion_goes_by_the_brokers_answers() -> None:
    async with cluster() as brokers:
        await write_topic(brokers.sessions[1], "orders", (1, 2, 3), (3, 2))
        await seated(brokers.candidate(1))
        await delete_topic(brokers.sessions[2], "orders")
        await brokers.trace.wait_for("topic.deleted")
        assert await brokers.sessions[2].children(paths.TOPICS) == []
        assert await brokers.sessions[2].children(paths.DELETE_TOPICS) == []
        deleted = {
            (broker_id, str(partition))
            for broker_id, command in brokers.channels[0].sent
            if isinstance(command, StopReplicaCommand)
            for partition, state in command.partitions.items()
            if state.delete
        }
        assert deleted == {
            (1, "orders-0"),
            (2, "orders-0"),
            (3, "orders-0"),
            (2, "orders-1"),
            (3, "orders-1"),
        }


async def test_requests() -> None:
    async with cluster() as brokers:
        await write_topic(brokers.sessions[1], "orders", (2, 3))
        seat = brokers.candidate(1)
        active = await seated(seat)
        epochs = {broker_id: each.epoch for broker_id, each in active.context.brokers.items()}

        block = await seat.submit(AllocateProducerIds(2, epochs[2]))
        assert block == ProducerIdBlockAllocated(0, 1000)
        block = await seat.submit(AllocateProducerIds(3, epochs[3]))
        assert block == ProducerIdBlockAllocated(1000, 1000)

        shrink = AlterPartitionTopic(TOPIC_ID, {0: IsrProposal(0, 0, {2: -1})})
        answer = await seat.submit(AlterPartition(2, epochs[2], [shrink]))
        assert answer == {(TOPIC_ID, 0): LeaderAndIsr(2, 0, (2,), 1, 1)}

        answer = await seat.submit(ControlledShutdown(2, epochs[2]))
        assert answer == {ORDERS_0}
        answer = await seat.submit(ControlledShutdown(2, epochs[2] - 1))
        assert answer is KafkaErrorName.STALE_BROKER_EPOCH


async def test_who_waits_for_a_controller_that_resigns_learns_so() -> None:
    async with cluster() as brokers:
        seat = brokers.candidate(1)
        epoch = (await seated(seat)).context.brokers[2].epoch
        brokers.sessions[1].suspend()  # ZooKeeper's answers do not come
        refused = trio.Event()

        async def ask() -> None:
            with pytest.raises(NotController):
                await seat.submit(AllocateProducerIds(2, epoch))
            refused.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            brokers.sessions[1].expire()
            brokers.sessions[1].reconnect()
            with trio.fail_after(5):
                await refused.wait()
        with pytest.raises(NotController):
            await seat.submit(AllocateProducerIds(2, epoch))


async def test_a_state_changed_past_the_controller_is_not_overwritten() -> None:
    """tests/failures, row 17: the leader learns by a new epoch, instead of asking in vain."""
    async with cluster() as brokers:
        await write_topic(brokers.sessions[1], "orders", (2, 3))
        seat = brokers.candidate(1)
        active = await seated(seat)
        foreign = LeaderAndIsr(2, 0, (3, 2), 1, 0)
        await brokers.sessions[3].multi(
            [Set(paths.partition_state(ORDERS_0), encode_partition_state(foreign))]
        )
        shrink = AlterPartitionTopic(TOPIC_ID, {0: IsrProposal(0, 0, {2: -1})})
        epoch = active.context.brokers[2].epoch
        answer = await seat.submit(AlterPartition(2, epoch, [shrink]))
        assert answer == {(TOPIC_ID, 0): KafkaErrorName.INVALID_UPDATE_VERSION}
        assert await brokers.state(ORDERS_0) == LeaderAndIsr(2, 1, (3, 2), 1, 2)


async def test_the_clock_reminds_of_the_balance_of_leaders(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Five seconds after the term has begun, and then every 300."""
    async with cluster() as brokers:
        await write_topic(brokers.sessions[1], "orders", (2, 3))
        # 3 leads, and 2, which is preferred, is not in sync.
        for path in (paths.partitions("orders"), paths.partition(ORDERS_0)):
            await brokers.sessions[1].create(path)
        led_by_3 = encode_partition_state(LeaderAndIsr(3, 0, (3,), 0, 0))
        await brokers.sessions[1].create(paths.partition_state(ORDERS_0), led_by_3)
        active = await seated(brokers.candidate(1))
        began = trio.current_time()
        await trio.sleep(10)
        grow = AlterPartitionTopic(TOPIC_ID, {0: IsrProposal(0, 0, {3: -1, 2: -1})})
        await active.submit(AlterPartition(3, active.context.brokers[3].epoch, [grow]))
        await trio.sleep_until(began + 304)
        assert (await brokers.state(ORDERS_0)).leader == 3
        assert await brokers.trace.wait_for("leaders.imbalanced") == {"partitions": {2: 1}}
        elected = await brokers.trace.wait_for("partition.leader_elected")
        assert (elected["leader"], elected["election"]) == (2, "preferred")
        assert trio.current_time() == pytest.approx(began + 305)


async def test_what_it_is_doing_and_what_waits_behind_that_can_be_seen() -> None:
    async with cluster() as brokers:
        active = await seated(brokers.candidate(1))
        await trio.testing.wait_all_tasks_blocked()
        assert (active.under_way, active.waiting) == (None, 0)
        assert sorted(active.orders) == [1, 2, 3]
        async with trio.open_nursery() as nursery:
            for broker_id in (2, 3):
                nursery.start_soon(
                    active.submit,
                    AllocateProducerIds(broker_id, active.context.brokers[broker_id].epoch),
                )
            with trio.fail_after(5):
                while active.under_way is None:
                    await trio.lowlevel.checkpoint()
            item = active.under_way.item
            assert isinstance(item, Question)
            assert isinstance(item.request, AllocateProducerIds)
        await trio.testing.wait_all_tasks_blocked()
        assert active.under_way is None
