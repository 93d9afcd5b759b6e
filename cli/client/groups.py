"""Consumer groups as an operator asks about them: who is in it, how far it has read.

A group lives at its coordinator, the leader of one partition of
`__consumer_offsets`; so a list of all groups is the union of what every broker
answers, and a description is a question to one of them. How far a partition
reaches (its log end offset) is known by the partition's leader alone:

    coordinator   DescribeGroups   state, members, and what each of them reads
                  OffsetFetch      the committed offset of each partition
    leaders       ListOffsets      the log end offset;  lag = end - committed
"""

from collections.abc import Sequence

import attrs

from broker.wire.codec import MalformedMessage
from broker.wire.errors import ErrorCode
from broker.wire.messages.consumer_protocol import ConsumerProtocolAssignment
from broker.wire.messages.describe_groups import (
    DescribedGroup,
    DescribeGroupsRequest,
    DescribeGroupsResponse,
)
from broker.wire.messages.list_groups import ListedGroup, ListGroupsRequest, ListGroupsResponse
from broker.wire.messages.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchResponse,
)
from broker.wire.versioned import decode_versioned
from cli.client.addresses import Address
from cli.client.cluster import Cluster
from cli.client.errors import RequestFailed
from cli.client.offsets import log_end_offsets
from coordination.values import TopicPartition

CONSUMER_PROTOCOL = "consumer"


@attrs.frozen
class GroupListing:
    """One line of the list; `state` and `kind` are Kafka's words, "" from an old broker."""

    group_id: str
    state: str
    kind: str
    protocol_type: str


@attrs.frozen
class Member:
    """A member and what was assigned to it."""

    member_id: str
    client_id: str
    host: str
    group_instance_id: str | None
    partitions: tuple[TopicPartition, ...]


@attrs.frozen
class GroupDescription:
    """A group at its coordinator. `strategy` is the assignor that the members agreed on."""

    group_id: str
    state: str
    strategy: str
    coordinator: Address
    coordinator_id: int
    members: tuple[Member, ...]


@attrs.frozen
class PartitionProgress:
    """How far a group has read one partition; None where nothing is committed or known."""

    partition: TopicPartition
    committed_offset: int | None
    log_end_offset: int | None
    member: Member | None

    @property
    def lag(self) -> int | None:
        if self.committed_offset is None or self.log_end_offset is None:
            return None
        return self.log_end_offset - self.committed_offset


async def list_groups(
    cluster: Cluster, *, states: Sequence[str] = (), types: Sequence[str] = ()
) -> list[GroupListing]:
    """The consumer groups of all brokers, sorted by name; all states and types for none.

    As Kafka's tool, it leaves out the groups of other protocols (Connect workers).
    """
    listings: dict[str, GroupListing] = {}
    for broker_id in await cluster.brokers():
        for group in await _groups_of_broker(cluster, broker_id, states, types):
            if group.protocol_type in (CONSUMER_PROTOCOL, ""):
                listings[group.group_id] = GroupListing(
                    group.group_id, group.group_state, group.group_type, group.protocol_type
                )
    return [listings[group_id] for group_id in sorted(listings)]


async def _groups_of_broker(
    cluster: Cluster, broker_id: int, states: Sequence[str], types: Sequence[str]
) -> Sequence[ListedGroup]:
    request = ListGroupsRequest(states_filter=list(states), types_filter=list(types))
    # An old broker can't filter, and would be sent the request without what it is to filter by.
    needs = 5 if types else 4 if states else 0

    async def ask() -> Sequence[ListedGroup]:
        broker = await cluster.broker(broker_id)
        answer = await broker.call(request, ListGroupsResponse, needs=needs)
        _check(f"groups of broker {broker_id}", answer.error_code)
        return answer.groups

    return await cluster.retrying(ask)


async def describe_group(cluster: Cluster, group_id: str) -> GroupDescription | None:
    """The group, or None when there is none of this name."""

    async def ask() -> GroupDescription | None:
        coordinator_id, coordinator = await cluster.coordinator(group_id)
        answer = await coordinator.call(
            DescribeGroupsRequest(groups=[group_id]), DescribeGroupsResponse
        )
        group = answer.groups[0]
        if group.error_code == ErrorCode.GROUP_ID_NOT_FOUND or group.group_state == "Dead":
            return None
        _check(f"group {group_id!r}", group.error_code)
        return GroupDescription(
            group_id,
            group.group_state,
            group.protocol_data,
            coordinator.address,
            coordinator_id,
            _members(group),
        )

    return await cluster.retrying(ask)


def _members(group: DescribedGroup) -> tuple[Member, ...]:
    return tuple(
        Member(
            member.member_id,
            member.client_id,
            member.client_host,
            member.group_instance_id,
            _assigned(member.member_assignment) if group.protocol_type == CONSUMER_PROTOCOL else (),
        )
        for member in sorted(group.members, key=lambda each: each.member_id)
    )


def _assigned(assignment: bytes) -> tuple[TopicPartition, ...]:
    """The partitions in a member's assignment; none before the first rebalance is done.

    Members write these bytes and the coordinator hands them on unseen; ones that can't be
    read are no reason to hide the rest of the group.
    """
    if not assignment:
        return ()
    try:
        read, _ = decode_versioned(ConsumerProtocolAssignment, assignment, newer_as_newest=True)
    except MalformedMessage:
        return ()
    return tuple(
        TopicPartition(topic.topic, partition)
        for topic in read.assigned_partitions
        for partition in topic.partitions
    )


async def group_progress(cluster: Cluster, group: GroupDescription) -> list[PartitionProgress]:
    """Each partition that the group reads or has read, by topic and partition."""
    committed = await committed_offsets(cluster, group.group_id)
    reader = {partition: member for member in group.members for partition in member.partitions}
    partitions = sorted(
        committed.keys() | reader.keys(), key=lambda each: (each.topic, each.partition)
    )
    ends = await log_end_offsets(cluster, partitions)
    return [
        PartitionProgress(
            partition, committed.get(partition), ends.get(partition), reader.get(partition)
        )
        for partition in partitions
    ]


async def committed_offsets(cluster: Cluster, group_id: str) -> dict[TopicPartition, int]:
    """The group's committed offset of each partition that has one."""

    async def ask() -> dict[TopicPartition, int]:
        _, coordinator = await cluster.coordinator(group_id)
        answer = await coordinator.call(
            OffsetFetchRequest(groups=[OffsetFetchRequestGroup(group_id=group_id, topics=None)]),
            OffsetFetchResponse,
            needs=8,
        )
        group = answer.groups[0]
        _check(f"offsets of group {group_id!r}", group.error_code)
        return {
            TopicPartition(topic.name, partition.partition_index): partition.committed_offset
            for topic in group.topics
            for partition in topic.partitions
            if partition.committed_offset >= 0 and not partition.error_code
        }

    return await cluster.retrying(ask)


def _check(what: str, code: int) -> None:
    if code:
        raise RequestFailed(what, ErrorCode.of(code))
