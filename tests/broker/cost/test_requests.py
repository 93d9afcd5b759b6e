"""A request about one topic, partition or group: as much work as if there were no others."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from broker.broker import Broker
from broker.groups.offsets_log import OFFSETS_TOPIC
from broker.network.answers import Later
from broker.wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic
from broker.wire.messages.find_coordinator import FindCoordinatorRequest
from broker.wire.messages.metadata import MetadataRequest, MetadataRequestTopic
from broker.wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from broker.wire.messages.offset_fetch import OffsetFetchRequest, OffsetFetchRequestGroup
from broker.wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from tests.broker.cost.counting import Work, home, same, work_of
from tests.broker.replica.support import batch
from tests.broker.support import call, know, lead, make_coordinators_topic, open_broker

OFFSETS = f"{OFFSETS_TOPIC}-0"
FOLLOWER = 2


@asynccontextmanager
async def broker_among(directory: Path, topics: int = 1, groups: int = 1) -> AsyncIterator[Broker]:
    """It leads t-0, knows of that many topics, and has offsets of that many groups."""
    async with (
        open_broker(directory, offsets_topic_num_partitions="1") as broker,
        trio.open_nursery() as nursery,
    ):
        await nursery.start(broker.groups.run)
        await make_coordinators_topic(broker, OFFSETS_TOPIC)
        others = [(f"t{n}-0", 2, (2,)) for n in range(topics)]
        await know(broker, (1, 2), [("t-0", 1, (1,)), (OFFSETS, 1, (1,)), *others])
        await lead(broker, "t-0")
        await lead(broker, OFFSETS)
        await wait_all_tasks_blocked()
        for n in range(groups):
            await commit(broker, f"g{n}")
        yield broker
        nursery.cancel_scope.cancel()


async def metadata(broker: Broker) -> None:
    answer = await call(broker, MetadataRequest(topics=[MetadataRequestTopic(name="t")]), 12)
    assert [len(topic.partitions) for topic in answer.topics] == [1]


def to_produce(acks: int) -> ProduceRequest:
    data = PartitionProduceData(index=0, records=batch("a"))
    topic = TopicProduceData(name="t", partition_data=[data])
    return ProduceRequest(acks=acks, timeout_ms=60_000, topic_data=[topic])


async def produce(broker: Broker) -> None:
    answer = await call(broker, to_produce(acks=1), 9)
    assert answer.responses[0].partition_responses[0].error_code == 0


async def find_coordinator(broker: Broker) -> None:
    answer = await call(broker, FindCoordinatorRequest(coordinator_keys=["g0"]), 4)
    assert answer.coordinators[0].node_id == 1


async def commit(broker: Broker, group: str = "g0") -> None:
    partition = OffsetCommitRequestPartition(committed_offset=5)
    topic = OffsetCommitRequestTopic(name="t", partitions=[partition])
    answer = await call(broker, OffsetCommitRequest(group_id=group, topics=[topic]), 8)
    assert answer.topics[0].partitions[0].error_code == 0


async def fetch_offsets(broker: Broker) -> None:
    group = OffsetFetchRequestGroup(group_id="g0", topics=None)
    answer = await call(broker, OffsetFetchRequest(groups=[group]), 8)
    assert answer.groups[0].topics[0].partitions[0].committed_offset == 5


@pytest.mark.long
@pytest.mark.parametrize("ask", [metadata, produce, find_coordinator, commit])
async def test_topics(
    tmp_path: Path, autojump_clock: MockClock, ask: Callable[[Broker], Awaitable[None]]
) -> None:
    async def work(topics: int) -> Work:
        async with broker_among(home(tmp_path, topics), topics) as broker:
            return await work_of(partial(ask, broker))

    few, many = await work(10), await work(3_000)
    same(few, many)


@pytest.mark.long
@pytest.mark.parametrize("ask", [find_coordinator, commit, fetch_offsets])
async def test_groups(
    tmp_path: Path, autojump_clock: MockClock, ask: Callable[[Broker], Awaitable[None]]
) -> None:
    async def work(groups: int) -> Work:
        async with broker_among(home(tmp_path, groups), groups=groups) as broker:
            return await work_of(partial(ask, broker))

    few, many = await work(10), await work(3_000)
    same(few, many)


@pytest.mark.long
async def test_an_append_beside_partitions_that_are_led(tmp_path: Path) -> None:
    async def work(partitions: int) -> Work:
        async with open_broker(home(tmp_path, partitions)) as broker:
            await lead(broker, "t-0")
            for n in range(partitions):
                await lead(broker, f"idle-{n}")
            return await work_of(partial(produce, broker))

    few, many = await work(10), await work(2_000)
    same(few, many)


@pytest.mark.long
async def test_a_commit_beside_consumers_that_wait_for_other_partitions(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """acks=all, from the request over the follower's fetch to the answer."""

    async def work(consumers: int) -> Work:
        async with open_broker(home(tmp_path, consumers)) as broker, trio.open_nursery() as nursery:
            await know(broker, (1, 2))
            await lead(broker, "t-0", (1, FOLLOWER))
            await lead(broker, "idle-0")
            await lead(broker, "idle-1")
            for n in range(consumers):
                nursery.start_soon(partial(call, broker, fetch(f"idle-{n % 2}", 0), 12))
            await wait_all_tasks_blocked()
            end_offset = 0

            async def produce_and_commit() -> None:
                nonlocal end_offset
                later = await call(broker, to_produce(acks=-1), 9, wait=False)
                assert isinstance(later, Later)
                end_offset += 1
                await call(broker, fetch("t-0", end_offset, FOLLOWER), 12)
                assert later.is_ready()
                answer: Any = await later.wait()
                assert answer.responses[0].partition_responses[0].error_code == 0

            done = await work_of(produce_and_commit)
            nursery.cancel_scope.cancel()
            return done

    few, many = await work(2), await work(500)
    same(few, many)


def fetch(partition: str, offset: int, replica_id: int = -1) -> FetchRequest:
    """A consumer's waits; a follower's is answered at once."""
    topic, _, index = partition.rpartition("-")
    asked = FetchPartition(partition=int(index), fetch_offset=offset, partition_max_bytes=1 << 20)
    return FetchRequest(
        replica_id=replica_id,
        max_wait_ms=0 if replica_id >= 0 else 60_000,
        min_bytes=1,
        topics=[FetchTopic(topic=topic, partitions=[asked])],
    )
