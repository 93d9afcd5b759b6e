"""OffsetForLeaderEpoch: where a leader epoch ends in this log.

A consumer asks to find out whether what it has read was truncated (KIP-320); a
follower, where it must truncate, if the leader's fetch answers don't tell (KIP-101,
KIP-279). The answer is the largest epoch up to the asked one, and its end offset.
"""

from broker.api.context import RequestContext
from broker.api.permissions import Resource
from broker.broker import Broker
from broker.wire.errors import KafkaError
from broker.wire.messages.offset_for_leader_epoch import (
    EpochEndOffset,
    OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
    OffsetForLeaderPartition,
    OffsetForLeaderTopicResult,
)
from coordination.values import TopicPartition


async def handle(
    broker: Broker, context: RequestContext, request: OffsetForLeaderEpochRequest
) -> OffsetForLeaderEpochResponse:
    return OffsetForLeaderEpochResponse(
        topics=[
            OffsetForLeaderTopicResult(
                topic=topic.topic,
                partitions=[
                    _end_of_epoch(broker, context, topic.topic, partition)
                    for partition in topic.partitions
                ],
            )
            for topic in request.topics
        ]
    )


def _end_of_epoch(
    broker: Broker, context: RequestContext, topic: str, asked: OffsetForLeaderPartition
) -> EpochEndOffset:
    try:
        if not context.may(Resource.CLUSTER):  # a follower may see every topic
            context.require(Resource.TOPIC, topic)
        partition = broker.replicas.find(TopicPartition(topic, asked.partition))
        partition.leading(asked.current_leader_epoch)
    except KafkaError as error:
        return EpochEndOffset(partition=asked.partition, error_code=error.code)
    found = partition.log.end_offset_for_epoch(asked.leader_epoch)
    if found is None:
        return EpochEndOffset(partition=asked.partition)
    return EpochEndOffset(
        partition=asked.partition, leader_epoch=found.leader_epoch, end_offset=found.end_offset
    )
