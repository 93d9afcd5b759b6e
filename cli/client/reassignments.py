"""Partitions moved to other brokers (KIP-455): what is under way, begun, cancelled."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import attrs

from broker.wire.errors import ErrorCode
from broker.wire.messages.alter_partition_reassignments import (
    AlterPartitionReassignmentsRequest,
    AlterPartitionReassignmentsResponse,
    ReassignablePartition,
    ReassignableTopic,
)
from broker.wire.messages.list_partition_reassignments import (
    ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsResponse,
    ListPartitionReassignmentsTopics,
)
from cli.client.cluster import Cluster
from cli.client.errors import RequestFailed
from cli.client.outcome import Outcome, outcome_of
from coordination.values import TopicPartition


@attrs.frozen
class Reassignment:
    """A move: `replicas` are all that hold it now, old and new."""

    replicas: tuple[int, ...]
    adding: tuple[int, ...]
    removing: tuple[int, ...]


async def list_reassignments(
    cluster: Cluster, partitions: Iterable[TopicPartition] | None = None
) -> dict[TopicPartition, Reassignment]:
    """The moves among these partitions, among all for None; waits for a controller to ask."""
    wanted = None if partitions is None else list(partitions)
    return await cluster.retrying(lambda: reassignments_now(cluster, wanted))


async def reassignments_now(
    cluster: Cluster, partitions: Iterable[TopicPartition] | None = None
) -> dict[TopicPartition, Reassignment]:
    """The same, asked once: `RequestFailed` or `BrokerUnreachable` if there is no controller."""
    topics: list[ListPartitionReassignmentsTopics] | None = None
    if partitions is not None:
        numbers: dict[str, list[int]] = defaultdict(list)
        for each in partitions:
            numbers[each.topic].append(each.partition)
        topics = [
            ListPartitionReassignmentsTopics(name=topic, partition_indexes=indexes)
            for topic, indexes in numbers.items()
        ]
    controller = await cluster.controller()
    answer = await controller.call(
        ListPartitionReassignmentsRequest(topics=topics), ListPartitionReassignmentsResponse
    )
    if answer.error_code:
        raise RequestFailed("reassignments", ErrorCode.of(answer.error_code), answer.error_message)
    return {
        TopicPartition(topic.name, each.partition_index): Reassignment(
            tuple(each.replicas), tuple(each.adding_replicas), tuple(each.removing_replicas)
        )
        for topic in answer.topics
        for each in topic.partitions
    }


async def alter_reassignments(
    cluster: Cluster, wanted: Mapping[TopicPartition, Sequence[int] | None]
) -> list[Outcome[TopicPartition]]:
    """Begin to move partitions to these brokers; None ends a move and takes back what it did."""
    topics: dict[str, list[ReassignablePartition]] = defaultdict(list)
    for partition, replicas in wanted.items():
        topics[partition.topic].append(
            ReassignablePartition(
                partition_index=partition.partition,
                replicas=None if replicas is None else list(replicas),
            )
        )
    request = AlterPartitionReassignmentsRequest(
        topics=[ReassignableTopic(name=topic, partitions=each) for topic, each in topics.items()]
    )

    async def alter() -> list[Outcome[TopicPartition]]:
        controller = await cluster.controller()
        answer = await controller.call(request, AlterPartitionReassignmentsResponse)
        if answer.error_code:
            raise RequestFailed(
                "reassignment", ErrorCode.of(answer.error_code), answer.error_message
            )
        return [
            outcome_of(
                TopicPartition(topic.name, each.partition_index),
                "reassignment",
                each.error_code,
                each.error_message,
            )
            for topic in answer.responses
            for each in topic.partitions
        ]

    return await cluster.retrying(alter, repeatable=False)
