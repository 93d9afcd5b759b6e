"""CreatePartitions: what is answered for each topic, and when."""

from pathlib import Path

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from broker.admin.topics import NewTopic
from broker.broker import Broker
from broker.wire.errors import ErrorCode
from broker.wire.messages.create_partitions import (
    CreatePartitionsAssignment,
    CreatePartitionsRequest,
    CreatePartitionsResponse,
    CreatePartitionsTopic,
    CreatePartitionsTopicResult,
)
from coordination.znodes import decode_topic, paths
from tests.broker.support import call, know, open_broker, take_the_controllers_seat


def grown(name: str, count: int, *assignments: list[int]) -> CreatePartitionsTopic:
    return CreatePartitionsTopic(
        name=name,
        count=count,
        assignments=[CreatePartitionsAssignment(broker_ids=ids) for ids in assignments] or None,
    )


async def create(
    broker: Broker, *topics: CreatePartitionsTopic, validate_only: bool = False
) -> list[CreatePartitionsTopicResult]:
    request = CreatePartitionsRequest(
        topics=list(topics), validate_only=validate_only, timeout_ms=1000
    )
    answer = await call(broker, request, 3)
    assert isinstance(answer, CreatePartitionsResponse)
    return answer.results


async def with_topic(broker: Broker) -> None:
    """The controller, of a cluster with topic t of one partition."""
    take_the_controllers_seat(broker)
    await know(broker)
    await broker.topic_admin.create(NewTopic("t", 1, 2))
    await know(broker, partitions=[("t-0", 1, (1, 2))])


async def replicas(broker: Broker) -> list[tuple[int, ...]]:
    session = await broker.topic_admin.zookeeper.session()
    found = decode_topic("t", await session.get(paths.topic("t")))
    return [found.partitions[index].replicas for index in sorted(found.partitions)]


async def test_the_answer_waits_for_the_new_leaders(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_broker(tmp_path) as broker:
        await with_topic(broker)
        results: list[CreatePartitionsTopicResult] = []

        async def ask() -> None:
            results.extend(await create(broker, grown("t", 3, [3, 1], [2, 3])))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await wait_all_tasks_blocked()
            assert (await replicas(broker))[1:] == [(3, 1), (2, 3)]
            await know(broker, partitions=[("t-1", 3, (3, 1))])
            await wait_all_tasks_blocked()
            assert not results
            await know(broker, partitions=[("t-2", 2, (2, 3))])
        assert [result.error_code for result in results] == [ErrorCode.NONE]


async def test_refusals(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with open_broker(tmp_path) as broker:
        await with_topic(broker)
        for asked, code in (
            (grown("u", 2), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
            (grown("t", 1), ErrorCode.INVALID_PARTITIONS),
            (grown("t", 0), ErrorCode.INVALID_PARTITIONS),
            (grown("t", 2, [1, 9]), ErrorCode.INVALID_REPLICA_ASSIGNMENT),
            (grown("t", 3, [1, 2]), ErrorCode.INVALID_REPLICA_ASSIGNMENT),
        ):
            [result] = await create(broker, asked)
            assert result.error_code == code, asked
        twice = await create(broker, grown("t", 2), grown("t", 3))
        assert [result.error_code for result in twice] == [ErrorCode.INVALID_REQUEST] * 2
        assert len(await replicas(broker)) == 1


async def test_validating_only(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await with_topic(broker)
        [fine] = await create(broker, grown("t", 4), validate_only=True)
        assert fine.error_code == ErrorCode.NONE
        assert len(await replicas(broker)) == 1


async def test_what_nobody_leads_in_time(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with open_broker(tmp_path) as broker:
        await with_topic(broker)
        [late] = await create(broker, grown("t", 2))
        assert late.error_code == ErrorCode.REQUEST_TIMED_OUT
        assert len(await replicas(broker)) == 2


async def test_only_the_controller(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await with_topic(broker)
        broker.controller.active = None
        [refused] = await create(broker, grown("t", 2))
        assert refused.error_code == ErrorCode.NOT_CONTROLLER
