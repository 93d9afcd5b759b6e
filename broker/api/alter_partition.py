"""AlterPartition: a leader asks the controller for another ISR (KIP-497).

version  topics by    the ISR as
0-1      name         broker ids
2        id           broker ids
3        id           broker ids with their epochs (KIP-903)
"""

from collections.abc import Mapping
from uuid import UUID

from broker.api.context import RequestContext
from broker.broker import Broker
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.alter_partition import (
    AlterPartitionRequest,
    AlterPartitionResponse,
    RequestPartitionData,
    RequestTopicData,
    ResponsePartitionData,
    ResponseTopicData,
)
from coordination.controller.requests import (
    AlterPartition,
    AlterPartitionTopic,
    IsrProposal,
    KafkaErrorName,
)
from coordination.values import UNKNOWN_BROKER_EPOCH, LeaderAndIsr

FIRST_VERSION_WITH_TOPIC_IDS = 2


async def handle(
    broker: Broker, context: RequestContext, request: AlterPartitionRequest
) -> AlterPartitionResponse:
    asked = [(_key(context, topic), topic) for topic in request.topics]
    proposal = AlterPartition(
        request.broker_id,
        request.broker_epoch,
        tuple(
            AlterPartitionTopic(
                key, {entry.partition_index: _proposal(entry) for entry in topic.partitions}
            )
            for key, topic in asked
        ),
    )
    try:
        result = await broker.ask_controller(proposal)
    except KafkaError as error:
        return AlterPartitionResponse(error_code=error.code)
    assert isinstance(result, dict)
    return AlterPartitionResponse(
        topics=[
            ResponseTopicData(
                topic_name=topic.topic_name,
                topic_id=topic.topic_id,
                partitions=[
                    _answer(entry.partition_index, result[key, entry.partition_index])
                    for entry in topic.partitions
                ],
            )
            for key, topic in asked
        ]
    )


def _key(context: RequestContext, topic: RequestTopicData) -> str | UUID:
    by_id = context.api_version >= FIRST_VERSION_WITH_TOPIC_IDS
    return topic.topic_id if by_id else topic.topic_name


def _proposal(entry: RequestPartitionData) -> IsrProposal:
    epochs: Mapping[int, int] = {
        state.broker_id: state.broker_epoch for state in entry.new_isr_with_epochs
    } or dict.fromkeys(entry.new_isr, UNKNOWN_BROKER_EPOCH)
    return IsrProposal(entry.leader_epoch, entry.partition_epoch, epochs)


def _answer(index: int, result: LeaderAndIsr | KafkaErrorName) -> ResponsePartitionData:
    if isinstance(result, KafkaErrorName):
        return ResponsePartitionData(partition_index=index, error_code=ErrorCode[result.value])
    return ResponsePartitionData(
        partition_index=index,
        leader_id=result.leader,
        leader_epoch=result.leader_epoch,
        isr=list(result.isr),
        partition_epoch=result.partition_epoch,
        leader_recovery_state=result.leader_recovery_state,
    )
