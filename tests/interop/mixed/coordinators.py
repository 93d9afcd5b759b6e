"""Which broker coordinates a group, made so by order; and all that it knows of the group."""

from typing import Any

from confluent_kafka import ElectionType, TopicPartition
from confluent_kafka.admin import AdminClient

from broker.coordinators.log import partition_for
from broker.groups.offsets_log import OFFSETS_TOPIC
from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages.describe_groups import DescribeGroupsRequest
from broker.wire.messages.offset_fetch import OffsetFetchRequest, OffsetFetchRequestGroup
from tests.interop.faults.watch import ClusterWatch
from tests.interop.mixed.ensembles import TIMEOUT_S, reassign
from tests.support.cluster import TestCluster
from tests.support.raw_client import RawClient
from tests.support.waiting import wait_until


def partition_of(watch: ClusterWatch, group: str) -> int:
    return partition_for(group, len(watch.replicas(OFFSETS_TOPIC)))


def neighbour(watch: ClusterWatch, group: str, what: str) -> str:
    """The name of another group, with `what` in it, that has the same coordinator."""
    names = (f"{group}-{what}-{number}" for number in range(1000))
    wanted = partition_of(watch, group)
    return next(name for name in names if partition_of(watch, name) == wanted)


def move_coordinator(cluster: TestCluster, watch: ClusterWatch, group: str, broker_id: int) -> None:
    """Have that broker lead the group's partition, and wait until it has loaded it."""
    partition = partition_of(watch, group)
    others = [each for each in cluster.brokers if each != broker_id]
    reassign(cluster, watch, OFFSETS_TOPIC, {partition: [broker_id, *others]})
    watch.wait_until_full_isr(OFFSETS_TOPIC)
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap, "log_level": 0})
    asked = [TopicPartition(OFFSETS_TOPIC, partition)]
    admin.elect_leaders(ElectionType.PREFERRED, asked).result(TIMEOUT_S)
    wait_until(
        f"broker {broker_id} to coordinate {group}",
        lambda: _described(cluster, broker_id, group).error_code == ErrorCode.NONE,
        TIMEOUT_S,
    )


def known(
    cluster: TestCluster, broker_id: int, group: str, *, require_stable: bool = False
) -> tuple[Any, list[Any]]:
    """The group, and its offsets by topic and partition, as that coordinator answers."""
    request = OffsetFetchRequest(
        groups=[OffsetFetchRequestGroup(group_id=group, topics=None)],
        require_stable=require_stable,
    )
    with RawClient(cluster.address(broker_id)) as client:
        [found] = client.ask(ApiKey.OFFSET_FETCH, 9, request).groups
    assert found.error_code == ErrorCode.NONE
    offsets = [(topic.name, partition) for topic in found.topics for partition in topic.partitions]
    offsets.sort(key=lambda each: (each[0], each[1].partition_index))
    described = _described(cluster, broker_id, group)
    described.members.sort(key=lambda member: member.member_id)
    return described, offsets


def _described(cluster: TestCluster, broker_id: int, group: str) -> Any:
    with RawClient(cluster.address(broker_id)) as client:
        [described] = client.ask(
            ApiKey.DESCRIBE_GROUPS, 5, DescribeGroupsRequest(groups=[group])
        ).groups
    return described
