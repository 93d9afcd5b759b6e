"""Where a group is to go on reading, on logs from 10 to 20 (t-0) and from 0 to 5 (t-1)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from broker.wire.errors import ErrorCode
from broker.wire.messages.list_offsets import (
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopicResponse,
)
from broker.wire.messages.metadata import (
    MetadataRequest,
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from cli.client import ClientError, Cluster, RequestFailed, open_cluster
from cli.client.offset_reset import (
    Plan,
    ShiftBy,
    ToCurrent,
    ToEach,
    ToEnd,
    ToOffset,
    ToTime,
    Wish,
    plan_reset,
)
from cli.client.offsets import At
from coordination.values import TopicPartition
from tests.support.fake_broker import fake_broker

ZERO, ONE, GONE = (TopicPartition("t", number) for number in range(3))
LOGS = {0: (10, 20), 1: (0, 5)}
NOON = 1_000  # t-0 has a record since then, its 15th; t-1 has none


def offset_of(number: int, timestamp: int) -> ListOffsetsPartitionResponse:
    if timestamp == At.EARLIEST:
        offset = LOGS[number][0]
    elif timestamp == At.LATEST:
        offset = LOGS[number][1]
    else:
        offset = 15 if number == 0 and timestamp <= NOON else -1
    return ListOffsetsPartitionResponse(partition_index=number, offset=offset)


def list_offsets(request: ListOffsetsRequest) -> ListOffsetsResponse:
    return ListOffsetsResponse(
        topics=[
            ListOffsetsTopicResponse(
                name=topic.name,
                partitions=[offset_of(p.partition_index, p.timestamp) for p in topic.partitions],
            )
            for topic in request.topics
        ]
    )


@asynccontextmanager
async def cluster() -> AsyncIterator[Cluster]:
    async with fake_broker({ListOffsetsRequest: list_offsets}) as broker:
        here = broker.address
        metadata = MetadataResponse(
            brokers=[MetadataResponseBroker(node_id=1, host=here.host, port=here.port)],
            topics=[
                MetadataResponseTopic(
                    name="t",
                    partitions=[
                        MetadataResponsePartition(partition_index=number, leader_id=1)
                        for number in LOGS
                    ],
                )
            ],
        )
        broker.script = {**broker.script, MetadataRequest: lambda _: metadata}
        async with open_cluster([here], timeout_seconds=20) as opened:
            yield opened


async def planned(wish: Wish, committed: dict[TopicPartition, int] | None = None) -> Plan:
    async with cluster() as it:
        return await plan_reset(it, [ZERO, ONE], committed or {}, wish)


async def test_to_the_ends_of_the_log() -> None:
    assert await planned(ToEnd(At.EARLIEST)) == Plan({ZERO: 10, ONE: 0})
    assert await planned(ToEnd(At.LATEST)) == Plan({ZERO: 20, ONE: 5})


async def test_to_a_time() -> None:
    plan = await planned(ToTime(NOON))
    assert plan.offsets == {ZERO: 15, ONE: 5}
    assert plan.remarks == ["t-1 has no record as young: its end is taken"]


async def test_an_offset_outside_of_the_log_is_moved_into_it() -> None:
    plan = await planned(ToOffset(7))
    assert plan.offsets == {ZERO: 10, ONE: 5}
    assert plan.remarks == [
        "t-0: 7 lies outside of the log, 10 is taken",
        "t-1: 7 lies outside of the log, 5 is taken",
    ]
    assert await planned(ToEach({ZERO: 12})) == Plan({ZERO: 12}, [])


async def test_shifting_what_is_committed() -> None:
    assert (await planned(ShiftBy(-2), {ZERO: 14, ONE: 1})).offsets == {ZERO: 12, ONE: 0}
    async with cluster() as it:
        with pytest.raises(ClientError, match="t-1 can't be shifted: no offset of it is committed"):
            await plan_reset(it, [ZERO, ONE], {ZERO: 14}, ShiftBy(1))


async def test_to_where_it_is() -> None:
    assert await planned(ToCurrent(), {ZERO: 3}) == Plan({ZERO: 3, ONE: 5})


async def test_a_partition_that_is_not_there() -> None:
    async with cluster() as it:
        with pytest.raises(RequestFailed, match="t-2: UNKNOWN_TOPIC_OR_PARTITION") as caught:
            await plan_reset(it, [ZERO, GONE], {}, ToEnd(At.LATEST))
    assert caught.value.code is ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
