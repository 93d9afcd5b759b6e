"""The controller's orders: in their order, again until answered, and none to the dead."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import attrs
import pytest
import trio
import trio.testing
from trio.testing import MockClock, wait_all_tasks_blocked

from broker.control import channel as controller_channel
from broker.control.channel import ControllerChannel, open_controller_channel
from broker.control.requests import leader_and_isr, stop_replica, update_metadata
from broker.network.frames import FrameReader
from broker.network.transport import ConnectionClosed, StreamTransport, Transport
from broker.wire import framing
from broker.wire.messages import leader_and_isr as li
from broker.wire.messages import stop_replica as sr
from broker.wire.messages import update_metadata as um
from coordination.controller.channel import Orders
from coordination.controller.commands import (
    CommandAnswered,
    LeaderAndIsrCommand,
    LeaderAndIsrState,
    StopReplicaCommand,
    StopReplicaState,
    UpdateMetadataCommand,
)
from coordination.election import Fenced
from coordination.values import BrokerRegistration, Endpoint, LeaderAndIsr, TopicPartition

T, T_ID = TopicPartition("t", 0), UUID(int=7)


def registration(broker_id: int, epoch: int = 1) -> BrokerRegistration:
    endpoint = Endpoint("PLAINTEXT", "PLAINTEXT", f"broker-{broker_id}", 9092)
    return BrokerRegistration(broker_id, (endpoint,), epoch=epoch)


def stopping(leader_epoch: int) -> StopReplicaCommand:
    return StopReplicaCommand(1, 1, 1, {T: StopReplicaState(leader_epoch, False)})


@attrs.define
class Brokers:
    """Answer every order, and note it; `deaf` ones accept connections and say nothing."""

    nursery: trio.Nursery
    orders: list[tuple[str, object]] = attrs.field(factory=list)
    deaf: bool = False

    async def connect(self, host: str, port: int) -> Transport:
        await trio.lowlevel.checkpoint()
        here, there = trio.testing.memory_stream_pair()
        self.nursery.start_soon(self._serve, host, StreamTransport(there))
        return StreamTransport(here)

    async def _serve(self, host: str, transport: StreamTransport) -> None:
        frames = FrameReader(transport, 1 << 20)
        while (frame := await frames.next_frame()) is not None:
            header, request = framing.decode_request(frame)
            self.orders.append((host, request))
            if self.deaf:
                continue
            try:
                await transport.send(framing.encode_response(header, _answer(request)))
            except ConnectionClosed:
                return


def _answer(request: object) -> object:
    match request:
        case li.LeaderAndIsrRequest():
            return li.LeaderAndIsrResponse(
                topics=[
                    li.LeaderAndIsrTopicError(
                        topic_id=T_ID,
                        partition_errors=[
                            li.LeaderAndIsrPartitionError(partition_index=0, error_code=11)
                        ],
                    )
                ]
            )
        case um.UpdateMetadataRequest():
            return um.UpdateMetadataResponse(error_code=77)
        case _:
            return sr.StopReplicaResponse(
                partition_errors=[
                    sr.StopReplicaPartitionError(topic_name="t", partition_index=0, error_code=56)
                ]
            )


@asynccontextmanager
async def channel(
    timeout_s: float = 30, listener: str = "PLAINTEXT"
) -> AsyncIterator[tuple[ControllerChannel, Brokers, trio.MemoryReceiveChannel[CommandAnswered]]]:
    send, answers = trio.open_memory_channel[CommandAnswered](100)
    async with trio.open_nursery() as nursery:
        brokers = Brokers(nursery)
        async with open_controller_channel(
            send,
            controller_id=1,
            listener=listener,
            inter_broker_listener="PLAINTEXT",
            timeout_s=timeout_s,
            connect=brokers.connect,
        ) as opened:
            yield opened, brokers, answers
        nursery.cancel_scope.cancel()


async def test_orders_arrive_in_their_order_and_their_answers_come_back() -> None:
    async with channel() as (opened, brokers, answers):
        opened.broker_joined(registration(2))
        for epoch in range(20):
            await opened.send(2, stopping(epoch))
        answered = [await answers.receive() for _ in range(20)]
        assert [a.command for a in answered] == [stopping(epoch) for epoch in range(20)]
        assert answered[0].partition_errors == {T: 56}
        assert [order for _, order in brokers.orders] == [
            stop_replica(stopping(epoch)) for epoch in range(20)
        ]


async def test_the_answers_of_each_order(autojump_clock: MockClock) -> None:
    state = LeaderAndIsrState(LeaderAndIsr(2, 3, (2, 1), 1, 4), (1, 2), (), (), is_new=True)
    order = LeaderAndIsrCommand(1, 1, 9, {T: state}, {"t": T_ID}, (registration(2),))
    news = UpdateMetadataCommand(1, 1, 9, {}, {}, (registration(2),))
    async with channel() as (opened, brokers, answers):
        opened.broker_joined(registration(2))
        await opened.send(2, order)
        await opened.send(2, news)
        assert await answers.receive() == CommandAnswered(2, order, 0, {T: 11})
        assert await answers.receive() == CommandAnswered(2, news, 77, {})
        [(_, sent), _] = brokers.orders
        assert isinstance(sent, li.LeaderAndIsrRequest)
        assert sent == leader_and_isr(order, "PLAINTEXT")
        [topic] = sent.topic_states
        [partition] = topic.partition_states
        assert (sent.type, sent.broker_epoch, topic.topic_id) == (0, 9, T_ID)
        assert (partition.leader, partition.leader_epoch, partition.isr) == (2, 3, [2, 1])
        assert (partition.partition_epoch, partition.is_new) == (4, True)
        assert [(leader.broker_id, leader.port) for leader in sent.live_leaders] == [(2, 9092)]
    assert update_metadata(news).live_brokers[0].endpoints[0].listener == "PLAINTEXT"
    assert stop_replica(stopping(5)).topic_states[0].topic_name == "t"


async def test_the_controllers_own_listener_is_for_its_orders_alone() -> None:
    """KIP-291: it's asked there, but leaders are named where brokers find each other."""
    endpoints = tuple(
        Endpoint(name, "PLAINTEXT", f"{name.lower()}-2", port)
        for name, port in (("CLIENTS", 1), ("CONTROL", 2), ("PLAINTEXT", 3))
    )
    broker = BrokerRegistration(2, endpoints)
    order = LeaderAndIsrCommand(1, 1, 9, {}, {}, (broker,))
    news = UpdateMetadataCommand(1, 1, 9, {}, {}, (broker,))
    async with channel(listener="CONTROL") as (opened, brokers, answers):
        opened.broker_joined(broker)
        await opened.send(2, order)
        await opened.send(2, news)
        await answers.receive()
        await answers.receive()
        [(asked_at, told), (_, told_of)] = brokers.orders
    assert asked_at == "control-2"
    assert isinstance(told, li.LeaderAndIsrRequest)
    assert [(leader.host_name, leader.port) for leader in told.live_leaders] == [("plaintext-2", 3)]
    assert isinstance(told_of, um.UpdateMetadataRequest)
    assert [e.listener for e in told_of.live_brokers[0].endpoints] == [
        "CLIENTS",
        "CONTROL",
        "PLAINTEXT",
    ]


async def test_without_an_answer_the_same_order_is_sent_again_first(
    autojump_clock: MockClock,
) -> None:
    async with channel(timeout_s=5) as (opened, brokers, answers):
        brokers.deaf = True
        opened.broker_joined(registration(2))
        await opened.send(2, stopping(1))
        await opened.send(2, stopping(2))
        await trio.sleep(12)
        assert [order for _, order in brokers.orders] == 3 * [stop_replica(stopping(1))]
        brokers.deaf = False
        assert (await answers.receive()).command == stopping(1)
        assert (await answers.receive()).command == stopping(2)


async def test_who_has_left_is_told_nothing_and_holds_up_nobody(
    autojump_clock: MockClock,
) -> None:
    async with channel(timeout_s=5) as (opened, brokers, answers):
        brokers.deaf = True
        opened.broker_joined(registration(2))
        await opened.send(2, stopping(1))
        await wait_all_tasks_blocked()
        opened.broker_left(2)
        brokers.deaf = False
        await opened.send(2, stopping(2))  # dropped
        opened.broker_joined(registration(3))
        await opened.send(3, stopping(3))
        assert (await answers.receive()).broker_id == 3
        # Its next life has a queue of its own, with nothing of the old one's.
        opened.broker_joined(registration(2, epoch=9))
        await opened.send(2, stopping(4))
        assert (await answers.receive()).command == stopping(4)
        assert len(brokers.orders) == 3


async def test_a_queue_that_is_full_ends_the_term(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(controller_channel, "MAX_QUEUED", 3)
    async with channel() as (opened, brokers, _):
        brokers.deaf = True
        opened.broker_joined(registration(2))
        await opened.send(2, stopping(0))
        await wait_all_tasks_blocked()
        for epoch in range(3):
            await opened.send(2, stopping(epoch))
        with pytest.raises(Fenced):
            await opened.send(2, stopping(9))


async def test_a_broker_without_that_listener_cannot_be_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with channel() as (opened, brokers, _):
        opened.broker_joined(BrokerRegistration(2, ()))
        await opened.send(2, stopping(1))
        await wait_all_tasks_blocked()
        assert brokers.orders == []
    assert "no listener PLAINTEXT" in caplog.text


async def test_what_is_on_its_way_to_each_broker(autojump_clock: MockClock) -> None:
    async with channel(timeout_s=1) as (opened, brokers, answers):
        opened.broker_joined(registration(2))
        assert opened.orders() == {2: Orders()}
        brokers.deaf = True
        since = trio.current_time()
        for epoch in range(3):
            await opened.send(2, stopping(epoch))
        await trio.sleep(1.5)
        assert opened.orders() == {2: Orders(2, stopping(0), since, 2)}
        brokers.deaf = False
        for _ in range(3):
            await answers.receive()
        assert opened.orders()[2].asked is None
        opened.broker_left(2)
        assert opened.orders() == {}
