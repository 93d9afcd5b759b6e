"""AlterPartitionReassignments: move partitions to other brokers, or cancel that (KIP-455).

The answer says that the moves have begun. They take as long as the copying does, whatever the
request's timeout is; ListPartitionReassignments tells of them.
"""

from broker.api.context import RequestContext
from broker.broker import Broker
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.alter_partition_reassignments import (
    AlterPartitionReassignmentsRequest,
    AlterPartitionReassignmentsResponse,
    ReassignablePartition,
    ReassignablePartitionResponse,
    ReassignableTopicResponse,
)
from coordination.controller.requests import (
    AlterPartitionReassignments,
    Refusal,
)
from coordination.values import TopicPartition


async def handle(
    broker: Broker, context: RequestContext, request: AlterPartitionReassignmentsRequest
) -> AlterPartitionReassignmentsResponse:
    targets = {
        TopicPartition(topic.name, entry.partition_index): _target(entry)
        for topic in request.topics
        for entry in topic.partitions
    }
    try:
        results = await broker.ask_controller(AlterPartitionReassignments(targets))
    except KafkaError as error:
        return AlterPartitionReassignmentsResponse(
            error_code=error.code, error_message=error.message
        )
    assert isinstance(results, dict)
    answered: dict[str, ReassignableTopicResponse] = {}
    for partition in targets:
        topic = answered.setdefault(
            partition.topic, ReassignableTopicResponse(name=partition.topic)
        )
        topic.partitions.append(_answer(partition.partition, results[partition]))
    return AlterPartitionReassignmentsResponse(responses=list(answered.values()))


def _target(entry: ReassignablePartition) -> tuple[int, ...] | None:
    return None if entry.replicas is None else tuple(entry.replicas)


def _answer(index: int, refusal: Refusal | None) -> ReassignablePartitionResponse:
    if refusal is None:
        return ReassignablePartitionResponse(partition_index=index, error_message=None)
    code = ErrorCode[refusal.error.value]
    return ReassignablePartitionResponse(
        partition_index=index, error_code=code, error_message=refusal.message or code.message
    )
