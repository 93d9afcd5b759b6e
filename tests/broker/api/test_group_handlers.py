"""Where the group APIs tell an error of the whole group, version by version.

All that a coordinator answers for its own groups is in tests/broker/groups/test_conversation.
"""

import attrs
import pytest
from trio.testing import MockClock

from broker.api import (
    delete_groups,
    describe_groups,
    heartbeat,
    join_group,
    leave_group,
    list_groups,
    offset_commit,
    offset_fetch,
    sync_group,
)
from broker.api.context import RequestContext
from broker.api.permissions import Operation, Resource
from broker.groups.committed_offsets import CommittedOffset
from broker.groups.offsets import CommitRequest
from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages.delete_groups import DeleteGroupsRequest
from broker.wire.messages.describe_groups import DescribeGroupsRequest
from broker.wire.messages.heartbeat import HeartbeatRequest
from broker.wire.messages.join_group import JoinGroupRequest
from broker.wire.messages.leave_group import LeaveGroupRequest, MemberIdentity
from broker.wire.messages.list_groups import ListGroupsRequest
from broker.wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from broker.wire.messages.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopic,
)
from broker.wire.messages.sync_group import SyncGroupRequest
from coordination.values import TopicPartition
from tests.broker.groups.conversation import TOPIC
from tests.broker.groups.speakers import Services, context
from tests.broker.groups.support import running_coordinator

WRONG = ErrorCode.NOT_COORDINATOR


async def test_join_group_of_another_coordinator(autojump_clock: MockClock) -> None:
    async with running_coordinator(elect=False) as setting:
        services = Services(setting.coordinator)
        request = JoinGroupRequest(group_id="g", session_timeout_ms=10_000)
        for version, no_protocol in ((6, ""), (7, None)):
            ctx = context(ApiKey.JOIN_GROUP, version)
            answer = await join_group.handle(services, ctx, request)
            assert (answer.error_code, answer.protocol_name) == (WRONG, no_protocol)


async def test_sync_heartbeat_and_delete_of_another_coordinator(
    autojump_clock: MockClock,
) -> None:
    async with running_coordinator(elect=False) as setting:
        services = Services(setting.coordinator)
        sync = SyncGroupRequest(group_id="g")
        synced = await sync_group.handle(services, context(ApiKey.SYNC_GROUP, 4), sync)
        assert synced.error_code == WRONG
        beat = HeartbeatRequest(group_id="g")
        alive = await heartbeat.handle(services, context(ApiKey.HEARTBEAT, 4), beat)
        assert alive.error_code == WRONG
        delete = DeleteGroupsRequest(groups_names=["g"])
        gone = await delete_groups.handle(services, context(ApiKey.DELETE_GROUPS, 2), delete)
        assert [result.error_code for result in gone.results] == [WRONG]


async def test_leave_group_of_another_coordinator(autojump_clock: MockClock) -> None:
    async with running_coordinator(elect=False) as setting:
        services = Services(setting.coordinator)
        for version in (2, 5):
            members = [MemberIdentity(member_id="m")] if version >= 3 else []
            request = LeaveGroupRequest(group_id="g", member_id="m", members=members)
            ctx = context(ApiKey.LEAVE_GROUP, version)
            answer = await leave_group.handle(services, ctx, request)
            assert (answer.error_code, answer.members) == (WRONG, [])


@pytest.mark.parametrize("version", [1, 2, 7, 8, 9])
async def test_offset_fetch_of_another_coordinator(autojump_clock: MockClock, version: int) -> None:
    async with running_coordinator(elect=False) as setting:
        topic = OffsetFetchRequestTopic(name=TOPIC, partition_indexes=[0])
        request = OffsetFetchRequest(
            group_id="g", topics=[topic], groups=[OffsetFetchRequestGroup(group_id="g")]
        )
        ctx = context(ApiKey.OFFSET_FETCH, version)
        answer = await offset_fetch.handle(Services(setting.coordinator), ctx, request)
        if version == 1:
            [partition] = answer.topics[0].partitions
            assert (partition.error_code, partition.committed_offset) == (WRONG, -1)
        elif version < 8:
            assert (answer.error_code, answer.topics) == (WRONG, [])
        else:
            [group] = answer.groups
            assert (group.group_id, group.error_code, group.topics) == ("g", WRONG, [])


async def test_offset_commit_of_another_coordinator(autojump_clock: MockClock) -> None:
    async with running_coordinator(elect=False) as setting:
        topics = [
            OffsetCommitRequestTopic(
                name=name, partitions=[OffsetCommitRequestPartition(partition_index=0)]
            )
            for name in (TOPIC, "unknown")
        ]
        request = OffsetCommitRequest(group_id="g", topics=topics)
        ctx = context(ApiKey.OFFSET_COMMIT, 9)
        answer = await offset_commit.handle(Services(setting.coordinator), ctx, request)
        errors = {topic.name: topic.partitions[0].error_code for topic in answer.topics}
        assert errors == {TOPIC: WRONG, "unknown": ErrorCode.UNKNOWN_TOPIC_OR_PARTITION}


async def test_describe_and_list_of_another_coordinator(autojump_clock: MockClock) -> None:
    async with running_coordinator(elect=False) as setting:
        services = Services(setting.coordinator)
        describe = DescribeGroupsRequest(groups=["g"], include_authorized_operations=True)
        ctx = context(ApiKey.DESCRIBE_GROUPS, 5)
        [group] = (await describe_groups.handle(services, ctx, describe)).groups
        assert (group.error_code, group.group_state) == (WRONG, "")
        assert group.authorized_operations == -0x80000000
        ctx = context(ApiKey.LIST_GROUPS, 5)
        listed = await list_groups.handle(services, ctx, ListGroupsRequest())
        assert (listed.error_code, listed.groups) == (ErrorCode.NONE, [])


async def test_groups_are_listed_as_far_as_one_may_see_them(autojump_clock: MockClock) -> None:
    async with running_coordinator() as setting:
        for group_id in ("a", "b"):
            offsets = {TopicPartition(TOPIC, 0): CommittedOffset(1)}
            commit = CommitRequest(group_id, -1, "", None, offsets)
            await setting.coordinator.commit_offsets(commit)

        async def listed(*visible: Resource | str) -> list[str]:
            def may(_: RequestContext, __: Operation, kind: Resource, name: str) -> bool:
                return kind in visible or name in visible

            ctx = attrs.evolve(context(ApiKey.LIST_GROUPS, 5), authorizer=may)
            services = Services(setting.coordinator)
            answer = await list_groups.handle(services, ctx, ListGroupsRequest())
            return sorted(group.group_id for group in answer.groups)

        assert await listed() == []
        assert await listed("b") == ["b"]
        assert await listed(Resource.CLUSTER) == ["a", "b"]
