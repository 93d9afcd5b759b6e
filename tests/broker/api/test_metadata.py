"""Metadata: what each version asks for and is told."""

from pathlib import Path

from broker.broker import Broker
from broker.wire.errors import ErrorCode
from broker.wire.messages.metadata import (
    MetadataRequest,
    MetadataRequestTopic,
    MetadataResponse,
    MetadataResponseTopic,
)
from coordination.values import ZERO_UUID
from coordination.znodes import paths
from tests.broker.support import call, know, open_broker, topic_id


async def metadata(
    broker: Broker,
    topics: list[MetadataRequestTopic] | None,
    version: int = 12,
    allow_auto_topic_creation: bool = False,
) -> list[MetadataResponseTopic]:
    request = MetadataRequest(topics=topics, allow_auto_topic_creation=allow_auto_topic_creation)
    answer = await call(broker, request, version)
    assert isinstance(answer, MetadataResponse)
    return answer.topics


def named(*names: str) -> list[MetadataRequestTopic]:
    return [MetadataRequestTopic(name=name) for name in names]


async def test_brokers_and_all_topics(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await know(broker, partitions=[("t-0", 1, (1, 2)), ("u-0", 2, (2, 3))])
        answer = await call(broker, MetadataRequest(topics=None), 12)
        assert [(b.node_id, b.host) for b in answer.brokers] == [
            (1, "broker-1"),
            (2, "broker-2"),
            (3, "broker-3"),
        ]
        assert (answer.cluster_id, answer.controller_id) == ("cluster", 1)
        assert {t.name for t in answer.topics} == {"t", "u"}
        # In version 0 an empty list means all, later it means none.
        assert len(await metadata(broker, [], version=0)) == 2
        assert await metadata(broker, [], version=1) == []


async def test_all_topics_are_told_anew_when_the_cluster_has_changed(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        for topics in ({"t"}, {"t", "u"}):
            await know(broker, partitions=[(f"{topic}-0", 1, (1, 2)) for topic in topics])
            for version in (0, 1, 9, 12):
                everything = [] if version == 0 else None
                for _ in range(2):
                    told = await metadata(broker, everything, version)
                    assert {topic.name for topic in told} == topics


async def test_a_partition_whose_leader_is_dead_has_none(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await know(broker, (1, 3), [("t-0", 2, (1, 2)), ("t-1", 1, (1, 2))])
        [topic] = await metadata(broker, named("t"))
        [dead, alive] = sorted(topic.partitions, key=lambda p: p.partition_index)
        assert (dead.error_code, dead.leader_id) == (ErrorCode.LEADER_NOT_AVAILABLE, -1)
        assert (alive.error_code, alive.leader_id) == (ErrorCode.NONE, 1)


async def test_by_id(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await know(broker, partitions=[("t-0", 1, (1,))])
        ids = [
            MetadataRequestTopic(topic_id=topic_id("t"), name=None),
            MetadataRequestTopic(topic_id=topic_id("x"), name=None),
        ]
        [known, unknown] = await metadata(broker, ids)
        assert (known.name, known.topic_id) == ("t", topic_id("t"))
        assert unknown.error_code == ErrorCode.UNKNOWN_TOPIC_ID


async def test_versions_that_have_ids_but_take_none(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await know(broker, partitions=[("t-0", 1, (1,)), ("u-0", 1, (1,))])
        asked = [MetadataRequestTopic(topic_id=topic_id("t"), name="t"), *named("u")]
        answer = await call(broker, MetadataRequest(topics=asked), 11)
        assert [(each.name, each.topic_id, each.error_code) for each in answer.topics] == [
            ("t", topic_id("t"), ErrorCode.INVALID_REQUEST),
            ("u", ZERO_UUID, ErrorCode.INVALID_REQUEST),
        ]


async def test_who_asks_for_an_unknown_topic_may_have_it_made(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await know(broker, (1,))
        [unknown] = await metadata(broker, named("new"))
        assert unknown.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        [made] = await metadata(broker, named("new"), allow_auto_topic_creation=True)
        assert made.error_code == ErrorCode.LEADER_NOT_AVAILABLE
        session = await broker.topic_admin.zookeeper.session()
        assert await session.exists(paths.topic("new"))
        [illegal] = await metadata(broker, named("a/b"), allow_auto_topic_creation=True)
        assert illegal.error_code == ErrorCode.INVALID_TOPIC_EXCEPTION


async def test_unless_the_broker_forbids_it(tmp_path: Path) -> None:
    async with open_broker(tmp_path, auto_create_topics_enable="false") as broker:
        await know(broker, (1,))
        [unknown] = await metadata(broker, named("new"), allow_auto_topic_creation=True)
        assert unknown.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
