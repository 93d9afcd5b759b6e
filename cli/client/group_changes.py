"""Groups changed by an operator: deleted, their offsets set or forgotten, members removed.

All of it is asked of the group's coordinator. Offsets are committed as by a client that is no
member; a coordinator takes that only while the group has no members at all.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import attrs

from broker.wire.errors import ErrorCode
from broker.wire.messages.delete_groups import DeleteGroupsRequest, DeleteGroupsResponse
from broker.wire.messages.leave_group import LeaveGroupRequest, LeaveGroupResponse, MemberIdentity
from broker.wire.messages.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
    OffsetCommitResponse,
)
from broker.wire.messages.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteRequestPartition,
    OffsetDeleteRequestTopic,
    OffsetDeleteResponse,
)
from cli.client.cluster import Cluster
from cli.client.errors import RequestFailed
from cli.client.outcome import Outcome, outcome_of
from coordination.values import TopicPartition

REASON = "removed by zbroker-admin"  # it stands in the coordinator's trace


@attrs.frozen
class MemberName:
    """A member, by the id that its coordinator gave it or, if static, by its instance's."""

    member_id: str = ""
    group_instance_id: str | None = None

    def __str__(self) -> str:
        return self.group_instance_id or self.member_id


async def delete_group(cluster: Cluster, group_id: str) -> Outcome[str]:
    """Delete a group with its offsets; refused while it has members."""

    async def delete() -> Outcome[str]:
        _, coordinator = await cluster.coordinator(group_id)
        answer = await coordinator.call(
            DeleteGroupsRequest(groups_names=[group_id]), DeleteGroupsResponse
        )
        return outcome_of(group_id, f"group {group_id!r}", answer.results[0].error_code)

    return await cluster.retrying(delete, repeatable=False)


async def commit_offsets(
    cluster: Cluster, group_id: str, offsets: Mapping[TopicPartition, int]
) -> list[Outcome[TopicPartition]]:
    """Set how far a group has read these partitions; one outcome a partition."""
    partitions: dict[str, list[OffsetCommitRequestPartition]] = defaultdict(list)
    for each, offset in offsets.items():
        partitions[each.topic].append(
            OffsetCommitRequestPartition(
                partition_index=each.partition, committed_offset=offset, committed_metadata=""
            )
        )
    request = OffsetCommitRequest(
        group_id=group_id,
        topics=[
            OffsetCommitRequestTopic(name=topic, partitions=each)
            for topic, each in partitions.items()
        ],
    )

    async def commit() -> list[Outcome[TopicPartition]]:
        _, coordinator = await cluster.coordinator(group_id)
        answer = await coordinator.call(request, OffsetCommitResponse, needs=2)
        return [
            _partition_outcome(group_id, topic.name, each.partition_index, each.error_code)
            for topic in answer.topics
            for each in topic.partitions
        ]

    # Committing the same offsets twice does no more than once.
    return await cluster.retrying(commit)


async def delete_offsets(
    cluster: Cluster, group_id: str, partitions: Iterable[TopicPartition]
) -> list[Outcome[TopicPartition]]:
    """Forget how far a group has read these partitions; refused for topics that it reads now."""
    numbers: dict[str, list[int]] = defaultdict(list)
    for partition in partitions:
        numbers[partition.topic].append(partition.partition)
    request = OffsetDeleteRequest(
        group_id=group_id,
        topics=[
            OffsetDeleteRequestTopic(
                name=topic,
                partitions=[OffsetDeleteRequestPartition(partition_index=each) for each in indexes],
            )
            for topic, indexes in numbers.items()
        ],
    )

    async def delete() -> list[Outcome[TopicPartition]]:
        _, coordinator = await cluster.coordinator(group_id)
        answer = await coordinator.call(request, OffsetDeleteResponse)
        _check(group_id, answer.error_code)
        return [
            _partition_outcome(group_id, topic.name, each.partition_index, each.error_code)
            for topic in answer.topics
            for each in topic.partitions
        ]

    return await cluster.retrying(delete)


async def remove_members(
    cluster: Cluster, group_id: str, members: Sequence[MemberName]
) -> list[Outcome[MemberName]]:
    """Put members out of a group; they may join again, unless they have been stopped."""
    request = LeaveGroupRequest(
        group_id=group_id,
        members=[
            MemberIdentity(
                member_id=each.member_id, group_instance_id=each.group_instance_id, reason=REASON
            )
            for each in members
        ],
    )

    async def remove() -> list[Outcome[MemberName]]:
        _, coordinator = await cluster.coordinator(group_id)
        answer = await coordinator.call(request, LeaveGroupResponse, needs=3)
        _check(group_id, answer.error_code)
        return [
            outcome_of(
                MemberName(each.member_id, each.group_instance_id),
                f"group {group_id!r}",
                each.error_code,
            )
            for each in answer.members
        ]

    return await cluster.retrying(remove, repeatable=False)


def _check(group_id: str, code: int) -> None:
    if code:
        raise RequestFailed(f"group {group_id!r}", ErrorCode.of(code))


def _partition_outcome(
    group_id: str, topic: str, partition: int, code: int
) -> Outcome[TopicPartition]:
    return outcome_of(TopicPartition(topic, partition), f"group {group_id!r}", code)
