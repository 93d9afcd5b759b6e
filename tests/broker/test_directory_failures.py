"""A log directory fails while the broker serves: who hears what, and what goes on."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from broker.broker import Broker
from broker.directory_failures import watch_log_directories
from broker.events import EventLog
from broker.failure import BrokerFailure
from broker.log.log_config import LogConfig
from broker.replica.control import become_leader_or_follower
from broker.replica.fetchers import Fetchers
from broker.replica.orders import ReplicaState
from broker.replica.partition import Partition
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic
from broker.wire.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from broker.wire.messages.offset_for_leader_epoch import (
    OffsetForLeaderEpochRequest,
    OffsetForLeaderPartition,
    OffsetForLeaderTopic,
)
from broker.wire.messages.produce import (
    PartitionProduceData,
    ProduceRequest,
    TopicProduceData,
)
from broker.zookeeper import ZooKeeper
from coordination.znodes import decode_log_dir_event, paths
from tests.broker.replica.support import batch, leader_and_isr, values
from tests.broker.replica.test_control import partition_error, stop
from tests.broker.support import call, know, lead, open_broker, topic_id, tp
from tests.support.simulated_disk import SimulatedDisk


@asynccontextmanager
async def two_directories(
    tmp_path: Path, **properties: str
) -> AsyncIterator[tuple[Broker, SimulatedDisk]]:
    """A broker that leads t-0 in directory a and t-1 in directory b, and watches both."""
    disk = SimulatedDisk(random.Random(1))
    for name in ("a", "b"):
        (tmp_path / name).mkdir(exist_ok=True)
    log_dirs = f"{tmp_path / 'a'},{tmp_path / 'b'}"
    async with open_broker(tmp_path, disk=disk, log_dirs=log_dirs, **properties) as broker:
        await know(broker)
        for name in ("t-0", "t-1"):
            await lead(broker, name, isr=(1, 2))
        async with trio.open_nursery() as nursery:
            await nursery.start(watch_log_directories, broker, zookeeper_of(broker))
            yield broker, disk
            nursery.cancel_scope.cancel()


def zookeeper_of(broker: Broker) -> ZooKeeper:
    return broker.topic_admin.zookeeper


async def fail_a(tmp_path: Path, broker: Broker, disk: SimulatedDisk) -> None:
    """Directory a fails at an append, and everyone has done what follows from it."""
    disk.break_directory(tmp_path / "a")
    assert await produce(broker, "t-0") is ErrorCode.KAFKA_STORAGE_ERROR
    await wait_all_tasks_blocked()


async def produce(broker: Broker, partition: str, acks: int = 1) -> ErrorCode:
    data = PartitionProduceData(index=tp(partition).partition, records=batch("a"))
    topic = TopicProduceData(name=tp(partition).topic, partition_data=[data])
    request = ProduceRequest(acks=acks, timeout_ms=5000, topic_data=[topic])
    answer = await call(broker, request, 10)
    return ErrorCode.of(answer.responses[0].partition_responses[0].error_code)


async def fetch(broker: Broker, partition: str, max_wait_ms: int = 0) -> ErrorCode:
    asked = FetchPartition(partition=tp(partition).partition, partition_max_bytes=1000)
    topic = FetchTopic(topic_id=topic_id(tp(partition).topic), partitions=[asked])
    request = FetchRequest(
        max_wait_ms=max_wait_ms, min_bytes=1, max_bytes=1000, session_epoch=-1, topics=[topic]
    )
    answer = await call(broker, request, 15)
    return ErrorCode.of(answer.responses[0].partitions[0].error_code)


async def list_offsets(broker: Broker, partition: str) -> ErrorCode:
    asked = ListOffsetsPartition(partition_index=tp(partition).partition, timestamp=-1)
    topic = ListOffsetsTopic(name=tp(partition).topic, partitions=[asked])
    answer = await call(broker, ListOffsetsRequest(replica_id=-1, topics=[topic]), 7)
    return ErrorCode.of(answer.topics[0].partitions[0].error_code)


async def end_of_epoch(broker: Broker, partition: str) -> ErrorCode:
    asked = OffsetForLeaderPartition(partition=tp(partition).partition, leader_epoch=0)
    topic = OffsetForLeaderTopic(topic=tp(partition).topic, partitions=[asked])
    answer = await call(broker, OffsetForLeaderEpochRequest(replica_id=-1, topics=[topic]), 4)
    return ErrorCode.of(answer.topics[0].partitions[0].error_code)


async def test_everybody_hears_a_storage_error_and_the_other_directory_is_served(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with two_directories(tmp_path) as (broker, disk):
        await fail_a(tmp_path, broker, disk)
        for ask in (produce, fetch, list_offsets, end_of_epoch):
            assert await ask(broker, "t-0") is ErrorCode.KAFKA_STORAGE_ERROR, ask.__name__
            assert await ask(broker, "t-1") is ErrorCode.NONE, ask.__name__
        assert values(broker.replicas.partitions[tp("t-1")]) == ["a"]


async def test_the_controllers_orders_are_answered_with_it(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """That is how it learns which replicas are offline (KIP-112)."""
    async with two_directories(tmp_path) as (broker, disk):
        await fail_a(tmp_path, broker, disk)
        for leader in (1, 2):
            answer = await lead(broker, "t-0", (1, 2), leader=leader, leader_epoch=7)
            assert partition_error(answer) is ErrorCode.KAFKA_STORAGE_ERROR
        for delete in (False, True):
            assert await stop(broker, "t-0", 8, delete) is ErrorCode.KAFKA_STORAGE_ERROR
        assert (tmp_path / "a" / "t-0").exists()
        answer = await lead(broker, "t-1", (1, 2), leader=2, leader_epoch=7)
        assert partition_error(answer) is ErrorCode.NONE


async def test_it_may_fail_in_the_middle_of_an_order(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with two_directories(tmp_path) as (broker, disk):

        async def fails_meanwhile(_topic: str) -> LogConfig:
            await fail_a(tmp_path, broker, disk)
            return LogConfig()

        broker.replicas.topic_config = fails_meanwhile
        states = {
            tp(name): ReplicaState(
                leader_and_isr(1, 7, (1, 2)), (1, 2), topic_id(tp(name).topic), is_new=True
            )
            for name in ("t-0", "new-0")
        }
        changes = await become_leader_or_follower(broker.replicas, states, broker.events, "order")
        assert changes.errors == {
            tp("t-0"): ErrorCode.KAFKA_STORAGE_ERROR,
            tp("new-0"): ErrorCode.NONE,
        }


async def test_a_replica_that_may_be_in_it_is_offline_too(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """One that was loaded and not ordered to do anything yet, or one that was never loaded."""
    async with two_directories(tmp_path) as (broker, disk):
        await broker.logs.get_or_create(tp("t-2"), topic_id("t"), LogConfig())
        await fail_a(tmp_path, broker, disk)
        for name in ("t-2", "u-0"):
            answer = await lead(broker, name, (1, 2), leader=2)
            assert partition_error(answer) is ErrorCode.KAFKA_STORAGE_ERROR
            assert tp(name) in broker.replicas.offline


async def test_the_controller_is_told(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with two_directories(tmp_path) as (broker, disk):
        await fail_a(tmp_path, broker, disk)
        await trio.sleep(1)
        session = await zookeeper_of(broker).session()
        [name] = await session.children(paths.LOG_DIR_EVENT_NOTIFICATION)
        assert name == "log_dir_event_0000000000"
        path = f"{paths.LOG_DIR_EVENT_NOTIFICATION}/{name}"
        assert decode_log_dir_event(path, await session.get(path)) == 1
        assert isinstance(broker.events, EventLog)
        [event] = [e for e in broker.events.recent if e.kind == "log_directory.failed"]
        assert event.facts["directory"] == str(tmp_path / "a")
        assert event.facts["partitions"] == ["t-0"]
        assert "Input/output error" in str(event.facts["why"])


async def test_who_waits_is_answered_at_once(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with two_directories(tmp_path) as (broker, disk):
        answers: dict[str, ErrorCode] = {}

        async def produce_all() -> None:
            answers["acks=all"] = await produce(broker, "t-0", acks=-1)

        async def long_poll() -> None:
            answers["fetch"] = await fetch(broker, "t-0", max_wait_ms=5000)

        began_s = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(produce_all)
            nursery.start_soon(long_poll)
            await wait_all_tasks_blocked()
            await fail_a(tmp_path, broker, disk)
        assert trio.current_time() - began_s < 1
        assert answers == dict.fromkeys(["acks=all", "fetch"], ErrorCode.KAFKA_STORAGE_ERROR)


async def test_a_follower_stops_fetching(
    tmp_path: Path, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with two_directories(tmp_path) as (broker, disk):
        stopped: list[Partition] = []
        monkeypatch.setattr(Fetchers, "unassign", lambda _, partition: stopped.append(partition))
        for name in ("t-0", "t-1"):
            await lead(broker, name, (1, 2), leader=2, leader_epoch=1)
        followed = broker.replicas.partitions[tp("t-0")]
        stopped.clear()
        disk.break_directory(tmp_path / "a")
        with pytest.raises(KafkaError):
            followed.log.append_as_follower(batch("a"))
        await wait_all_tasks_blocked()
        assert stopped == [followed]
        assert followed.role is None


async def test_when_the_last_one_fails_the_broker_ends_with_kafkas_words(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    with pytest.RaisesGroup(
        pytest.RaisesExc(
            BrokerFailure,
            match="Shutdown broker because all log dirs in .*/a, .*/b have failed "
            r"\(.*/a: .*Input/output error.*/b: .*Input/output error",
        ),
        flatten_subgroups=True,
    ):
        async with two_directories(tmp_path) as (broker, disk):
            await fail_a(tmp_path, broker, disk)
            disk.break_directory(tmp_path / "b")
            assert await produce(broker, "t-1") is ErrorCode.KAFKA_STORAGE_ERROR
            await trio.sleep(1)
