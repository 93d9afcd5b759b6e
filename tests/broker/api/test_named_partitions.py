"""Partitions that a request about offsets names twice, that are not there, or none at all."""

from typing import Any

import attrs
import pytest
from trio.testing import MockClock

from broker.api import offset_commit, offset_delete, txn_offset_commit
from broker.api.context import RequestContext
from broker.api.permissions import Operation, Resource
from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages import offset_commit as oc
from broker.wire.messages import offset_delete as od
from broker.wire.messages import txn_offset_commit as toc
from coordination.values import TopicPartition
from tests.broker.groups.conversation import TOPIC
from tests.broker.groups.speakers import Services, context
from tests.broker.groups.support import running_coordinator

OK, UNKNOWN = ErrorCode.NONE, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
NAMED = [(TOPIC, [0, 9]), ("none", []), (TOPIC, [0, 9]), (TOPIC, [])]

Told = list[tuple[str, list[tuple[int, int]]]]


def told(answer: Any) -> Told:
    return [
        (topic.name, [(each.partition_index, each.error_code) for each in topic.partitions])
        for topic in answer.topics
    ]


def commits(version: int, named: list[tuple[str, list[int]]] = NAMED) -> oc.OffsetCommitRequest:
    """The n-th mention of a partition commits offset n."""
    offsets = iter(range(100))
    topics = [
        oc.OffsetCommitRequestTopic(
            name=name,
            partitions=[
                oc.OffsetCommitRequestPartition(
                    partition_index=index, committed_offset=next(offsets)
                )
                for index in indexes
            ],
        )
        for name, indexes in named
    ]
    return oc.OffsetCommitRequest(group_id="g", topics=topics)


async def test_a_coordinator_tells_once_what_it_stores(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        services = Services(setting.coordinator)
        ctx = context(ApiKey.OFFSET_COMMIT, 9)
        answer = await offset_commit.handle(services, ctx, commits(9))
        assert told(answer) == [(TOPIC, [(9, UNKNOWN), (9, UNKNOWN), (0, OK)]), ("none", [])]
        offsets = await setting.coordinator.fetch_offsets("g", None)
        assert [each.committed.offset for each in offsets.values()] == [2], (
            "the last that is said counts"
        )


async def test_zookeeper_stores_each(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        services = Services(setting.coordinator)
        ctx = context(ApiKey.OFFSET_COMMIT, 0)
        answer = await offset_commit.handle(services, ctx, commits(0))
        errors = [(9, UNKNOWN), (9, UNKNOWN), (0, OK), (0, OK)]
        assert told(answer) == [(TOPIC, errors), ("none", [])]
        assert await services.old_offsets.get("g", TopicPartition(TOPIC, 0)) == 2


async def test_deleting_and_committing_in_a_transaction(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        services = Services(setting.coordinator)
        await offset_commit.handle(services, context(ApiKey.OFFSET_COMMIT, 9), commits(9))
        deletion = od.OffsetDeleteRequest(
            group_id="g",
            topics=[
                od.OffsetDeleteRequestTopic(
                    name=name,
                    partitions=[
                        od.OffsetDeleteRequestPartition(partition_index=index) for index in indexes
                    ],
                )
                for name, indexes in NAMED
            ],
        )
        answer: Any = await offset_delete.handle(
            services, context(ApiKey.OFFSET_DELETE, 0), deletion
        )
        assert told(answer) == [(TOPIC, [(9, UNKNOWN), (9, UNKNOWN), (0, OK)]), ("none", [])]
        topic = toc.TxnOffsetCommitRequestTopic(
            name=TOPIC, partitions=[toc.TxnOffsetCommitRequestPartition(partition_index=9)] * 2
        )
        answer = await txn_offset_commit.handle(
            services,
            context(ApiKey.TXN_OFFSET_COMMIT, 3),
            toc.TxnOffsetCommitRequest(group_id="g", transactional_id="x", topics=[topic]),
        )
        assert told(answer) == [(TOPIC, [(9, UNKNOWN), (9, UNKNOWN)])]


def denying(ctx: RequestContext, denied: Resource) -> RequestContext:
    def may(_: RequestContext, __: Operation, kind: Resource, ___: str) -> bool:
        return kind is not denied

    return attrs.evolve(ctx, authorizer=may)


@pytest.mark.parametrize(
    ("denied", "answer"),
    [
        (
            Resource.GROUP,
            [
                (name, [(index, ErrorCode.GROUP_AUTHORIZATION_FAILED) for index in indexes])
                for name, indexes in NAMED
            ],
        ),
        (
            Resource.TOPIC,
            [
                (TOPIC, [(n, ErrorCode.TOPIC_AUTHORIZATION_FAILED) for n in (0, 9, 0, 9)]),
                ("none", []),
            ],
        ),
    ],
    ids=["the group", "the topic"],
)
async def test_who_may_not(autojump_clock: MockClock, denied: Resource, answer: Told) -> None:
    async with running_coordinator() as setting:
        ctx = denying(context(ApiKey.OFFSET_COMMIT, 9), denied)
        found = await offset_commit.handle(Services(setting.coordinator), ctx, commits(9))
        assert told(found) == answer
