"""Partitions that are being moved to other brokers now (KIP-455)."""

from collections import defaultdict
from collections.abc import Iterable

import attrs

from broker.wire.errors import ErrorCode
from broker.wire.messages.list_partition_reassignments import (
    ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsResponse,
    ListPartitionReassignmentsTopics,
)
from cli.client.cluster import Cluster
from cli.client.errors import RequestFailed
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
    """The moves among these partitions, among all for None; the controller is asked."""
    topics: list[ListPartitionReassignmentsTopics] | None = None
    if partitions is not None:
        numbers: dict[str, list[int]] = defaultdict(list)
        for each in partitions:
            numbers[each.topic].append(each.partition)
        topics = [
            ListPartitionReassignmentsTopics(name=topic, partition_indexes=indexes)
            for topic, indexes in numbers.items()
        ]

    async def ask() -> ListPartitionReassignmentsResponse:
        controller = await cluster.controller()
        answer = await controller.call(
            ListPartitionReassignmentsRequest(topics=topics), ListPartitionReassignmentsResponse
        )
        if answer.error_code:
            raise RequestFailed(
                "reassignments", ErrorCode.of(answer.error_code), answer.error_message
            )
        return answer

    answer = await cluster.retrying(ask)
    return {
        TopicPartition(topic.name, each.partition_index): Reassignment(
            tuple(each.replicas), tuple(each.adding_replicas), tuple(each.removing_replicas)
        )
        for topic in answer.topics
        for each in topic.partitions
    }
