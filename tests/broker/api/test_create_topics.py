"""CreateTopics: what is answered for each topic, and when. What one may be: test_topic_admin."""

from pathlib import Path

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from broker.broker import Broker
from broker.wire.errors import ErrorCode
from broker.wire.messages.create_topics import (
    CreatableReplicaAssignment,
    CreatableTopic,
    CreatableTopicConfig,
    CreatableTopicResult,
    CreateTopicsRequest,
    CreateTopicsResponse,
)
from coordination.values import ZERO_UUID
from coordination.znodes import paths
from tests.broker.support import call, know, open_broker, take_the_controllers_seat


def new(name: str, partitions: int = 1, replicas: int = 1) -> CreatableTopic:
    return CreatableTopic(name=name, num_partitions=partitions, replication_factor=replicas)


async def create(
    broker: Broker, *topics: CreatableTopic, validate_only: bool = False, timeout_ms: int = 1000
) -> list[CreatableTopicResult]:
    request = CreateTopicsRequest(
        topics=list(topics), validate_only=validate_only, timeout_ms=timeout_ms
    )
    answer = await call(broker, request, 7)
    assert isinstance(answer, CreateTopicsResponse)
    return answer.topics


async def exists(broker: Broker, name: str) -> bool:
    session = await broker.topic_admin.zookeeper.session()
    return await session.exists(paths.topic(name)) is not None


async def test_only_the_controller_creates(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await know(broker)
        [refused] = await create(broker, new("t"))
        assert refused.error_code == ErrorCode.NOT_CONTROLLER
        assert not await exists(broker, "t")


async def test_the_answer_waits_for_leaders_and_says_what_was_made(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_broker(tmp_path) as broker:
        take_the_controllers_seat(broker)
        await know(broker)
        results: list[CreatableTopicResult] = []

        async def ask() -> None:
            topic = new("t", 2, 3)
            topic.configs = [CreatableTopicConfig(name="retention.ms", value="5")]
            results.extend(await create(broker, topic))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await wait_all_tasks_blocked()
            assert not results, "it exists, but nobody leads it yet"
            await know(broker, partitions=[("t-0", 1, (1, 2, 3)), ("t-1", 2, (2, 3, 1))])
        [result] = results
        assert (result.error_code, result.error_message) == (ErrorCode.NONE, None)
        assert result.topic_id != ZERO_UUID
        assert (result.num_partitions, result.replication_factor) == (2, 3)
        assert result.configs is not None
        [retention] = [config for config in result.configs if config.name == "retention.ms"]
        assert (retention.value, retention.config_source) == ("5", 1)


async def test_what_nobody_leads_in_time_is_timed_out_but_exists(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_broker(tmp_path) as broker:
        take_the_controllers_seat(broker)
        await know(broker)
        began_s = trio.current_time()
        [late] = await create(broker, new("t"), timeout_ms=5000)
        assert (late.error_code, late.configs) == (ErrorCode.REQUEST_TIMED_OUT, None)
        assert trio.current_time() - began_s == 5
        assert await exists(broker, "t")


async def test_one_refusal_leaves_the_others(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with open_broker(tmp_path) as broker:
        take_the_controllers_seat(broker)
        await know(broker)
        results: list[CreatableTopicResult] = []

        async def ask() -> None:
            asked = (new("a/b"), new("twice"), new("good"), new("twice", 2))
            results.extend(await create(broker, *asked))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await wait_all_tasks_blocked()
            await know(broker, partitions=[("good-0", 1, (1,))])
        assert [(r.name, r.error_code) for r in results] == [
            ("a/b", ErrorCode.INVALID_TOPIC_EXCEPTION),
            ("twice", ErrorCode.INVALID_REQUEST),
            ("good", ErrorCode.NONE),
            ("twice", ErrorCode.INVALID_REQUEST),
        ]
        assert await exists(broker, "good")
        assert not await exists(broker, "twice")


async def test_validating_only(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        take_the_controllers_seat(broker)
        await know(broker)
        by_hand = new("t", -1, -1)
        by_hand.assignments = [
            CreatableReplicaAssignment(partition_index=0, broker_ids=[3, 1]),
            CreatableReplicaAssignment(partition_index=1, broker_ids=[1, 2]),
        ]
        [fine, too_many] = await create(broker, by_hand, new("u", 1, 9), validate_only=True)
        assert (fine.error_code, fine.num_partitions, fine.replication_factor) == (0, 2, 2)
        assert fine.topic_id == ZERO_UUID
        assert too_many.error_code == ErrorCode.INVALID_REPLICATION_FACTOR
        assert not await exists(broker, "t")
