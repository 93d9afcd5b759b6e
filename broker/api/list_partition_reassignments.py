"""ListPartitionReassignments: what is being moved to other brokers, as the controller knows it."""

from broker.api.context import RequestContext
from broker.broker import Broker
from broker.wire.errors import KafkaError
from broker.wire.messages.list_partition_reassignments import (
    ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsResponse,
    OngoingPartitionReassignment,
    OngoingTopicReassignment,
)
from coordination.controller.requests import (
    ListPartitionReassignments,
)
from coordination.values import TopicPartition


async def handle(
    broker: Broker, context: RequestContext, request: ListPartitionReassignmentsRequest
) -> ListPartitionReassignmentsResponse:
    asked = None
    if request.topics is not None:
        asked = frozenset(
            TopicPartition(topic.name, index)
            for topic in request.topics
            for index in topic.partition_indexes
        )
    try:
        found = await broker.ask_controller(ListPartitionReassignments(asked))
    except KafkaError as error:
        return ListPartitionReassignmentsResponse(
            error_code=error.code, error_message=error.message
        )
    assert isinstance(found, dict)
    topics: dict[str, OngoingTopicReassignment] = {}
    for partition, assignment in found.items():
        topic = topics.setdefault(partition.topic, OngoingTopicReassignment(name=partition.topic))
        topic.partitions.append(
            OngoingPartitionReassignment(
                partition_index=partition.partition,
                replicas=list(assignment.replicas),
                adding_replicas=list(assignment.adding),
                removing_replicas=list(assignment.removing),
            )
        )
    return ListPartitionReassignmentsResponse(topics=list(topics.values()))
