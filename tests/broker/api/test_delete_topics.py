"""DeleteTopics: by name and by id, and that it's answered when the topic is gone."""

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from broker.admin.topics import NewTopic
from broker.broker import Broker
from broker.wire.errors import ErrorCode
from broker.wire.messages.delete_topics import (
    DeletableTopicResult,
    DeleteTopicsRequest,
    DeleteTopicsResponse,
    DeleteTopicState,
)
from coordination.values import LEADER_DURING_DELETE
from coordination.znodes import paths
from tests.broker.support import call, know, open_broker, take_the_controllers_seat, topic_id


async def delete(
    broker: Broker, *topics: DeleteTopicState, timeout_ms: int = 1000
) -> list[DeletableTopicResult]:
    request = DeleteTopicsRequest(topics=list(topics), timeout_ms=timeout_ms)
    answer = await call(broker, request, 6)
    assert isinstance(answer, DeleteTopicsResponse)
    return answer.responses


async def with_topic(broker: Broker) -> None:
    """The controller, of a cluster with topic t."""
    take_the_controllers_seat(broker)
    await know(broker)
    await broker.topic_admin.create(NewTopic("t", 1, 1))
    await know(broker, partitions=[("t-0", 1, (1,))])


async def is_marked(broker: Broker) -> bool:
    session = await broker.topic_admin.zookeeper.session()
    return await session.exists(paths.delete_topic("t")) is not None


@pytest.mark.parametrize(
    "named", [DeleteTopicState(name="t"), DeleteTopicState(topic_id=topic_id("t"))]
)
async def test_the_answer_waits_until_it_is_gone(
    tmp_path: Path, autojump_clock: MockClock, named: DeleteTopicState
) -> None:
    async with open_broker(tmp_path) as broker:
        await with_topic(broker)
        results: list[DeletableTopicResult] = []

        async def ask() -> None:
            results.extend(await delete(broker, named))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await wait_all_tasks_blocked()
            assert await is_marked(broker)
            assert not results
            await know(broker, partitions=[("t-0", LEADER_DURING_DELETE, (1,))])
        [result] = results
        assert (result.error_code, result.name) == (ErrorCode.NONE, "t")
        assert result.topic_id == topic_id("t")


async def test_what_takes_longer_is_timed_out_and_goes_on(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_broker(tmp_path) as broker:
        await with_topic(broker)
        [late] = await delete(broker, DeleteTopicState(name="t"))
        assert late.error_code == ErrorCode.REQUEST_TIMED_OUT
        assert await is_marked(broker)


async def test_only_the_controller_deletes(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await with_topic(broker)
        broker.controller.active = None
        [refused] = await delete(broker, DeleteTopicState(name="t"))
        assert refused.error_code == ErrorCode.NOT_CONTROLLER
        assert not await is_marked(broker)


async def test_what_is_not_there(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await with_topic(broker)
        results = await delete(
            broker,
            DeleteTopicState(name="u"),
            DeleteTopicState(topic_id=topic_id("u")),
            DeleteTopicState(name="t", topic_id=topic_id("t")),
        )
        assert [result.error_code for result in results] == [
            ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
            ErrorCode.UNKNOWN_TOPIC_ID,
            ErrorCode.INVALID_REQUEST,
        ]
        assert not await is_marked(broker)


@pytest.mark.parametrize(
    ("version", "code"), [(2, ErrorCode.INVALID_REQUEST), (3, ErrorCode.TOPIC_DELETION_DISABLED)]
)
async def test_where_deletion_is_disabled(tmp_path: Path, version: int, code: ErrorCode) -> None:
    async with open_broker(tmp_path, delete_topic_enable="false") as broker:
        await with_topic(broker)
        answer = await call(broker, DeleteTopicsRequest(topic_names=["t"]), version)
        assert [result.error_code for result in answer.responses] == [code]
        assert not await is_marked(broker)
