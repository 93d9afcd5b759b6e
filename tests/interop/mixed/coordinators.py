"""Which broker coordinates a group, made so by order; and all that it knows of the group."""

from typing import Any

from broker.groups.offsets_log import OFFSETS_TOPIC
from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages.describe_groups import DescribeGroupsRequest
from broker.wire.messages.offset_fetch import OffsetFetchRequest, OffsetFetchRequestGroup
from tests.interop.coordinators import partition_of
from tests.interop.faults.watch import ClusterWatch
from tests.interop.mixed.ensembles import TIMEOUT_S, make_leader
from tests.support.cluster import TestCluster
from tests.support.raw_client import RawClient
from tests.support.waiting import wait_until


def move_coordinator(cluster: TestCluster, watch: ClusterWatch, group: str, broker_id: int) -> None:
    """Have that broker coordinate the group, and wait until it has loaded it."""
    make_leader(cluster, watch, OFFSETS_TOPIC, partition_of(watch, OFFSETS_TOPIC, group), broker_id)
    wait_until(
        f"broker {broker_id} to coordinate {group}",
        lambda: _described(cluster, broker_id, group).error_code == ErrorCode.NONE,
        TIMEOUT_S,
    )


def known(cluster: TestCluster, broker_id: int, group: str) -> tuple[Any, list[Any]]:
    """The group, and its offsets by topic and partition, as that coordinator answers."""
    described = _described(cluster, broker_id, group)
    described.members.sort(key=lambda member: member.member_id)
    return described, offsets_of(cluster, broker_id, group)


def offsets_of(
    cluster: TestCluster, broker_id: int, group: str, *, require_stable: bool = False
) -> list[Any]:
    """All offsets of the group, each with its topic, as that coordinator answers."""
    request = OffsetFetchRequest(
        groups=[OffsetFetchRequestGroup(group_id=group, topics=None)],
        require_stable=require_stable,
    )
    with RawClient(cluster.address(broker_id)) as client:
        [found] = client.ask(ApiKey.OFFSET_FETCH, 9, request).groups
    assert found.error_code == ErrorCode.NONE
    offsets = [(topic.name, partition) for topic in found.topics for partition in topic.partitions]
    return sorted(offsets, key=lambda each: (each[0], each[1].partition_index))


def _described(cluster: TestCluster, broker_id: int, group: str) -> Any:
    with RawClient(cluster.address(broker_id)) as client:
        [described] = client.ask(
            ApiKey.DESCRIBE_GROUPS, 5, DescribeGroupsRequest(groups=[group])
        ).groups
    return described
