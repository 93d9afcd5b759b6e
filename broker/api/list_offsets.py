"""ListOffsets: the offset that belongs to a timestamp, or to one of the special ones.

    -1 latest       the high watermark (read_committed: the last stable offset)
    -2 earliest     the log start offset
    -3 (7+)         the record with the largest timestamp
    -4 (8+)         the log start: all our records are local
    -5 (9+)         the last offset of remote storage: there's none, offset -1 without error

Version 0 answers a list of offsets, the later ones an offset and a timestamp.
Kafka: KafkaApis.handleListOffsetRequest, Partition.fetchOffsetForTimestamp.
"""

from broker.api.context import RequestContext
from broker.broker import Broker
from broker.log.values import LATEST_TIERED_TIMESTAMP, LATEST_TIMESTAMP, TimestampOffset
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopicResponse,
)
from coordination.values import TopicPartition

FIRST_VERSION_WITH_LEADER_EPOCH = 4
CONSUMER = -1
READ_COMMITTED = 1
NOT_FOUND = TimestampOffset(timestamp_ms=-1, offset=-1)


async def handle(
    broker: Broker, context: RequestContext, request: ListOffsetsRequest
) -> ListOffsetsResponse:
    return ListOffsetsResponse(
        topics=[
            ListOffsetsTopicResponse(
                name=topic.name,
                partitions=[
                    _partition(broker, context, request, topic.name, partition)
                    for partition in topic.partitions
                ],
            )
            for topic in request.topics
        ]
    )


def _partition(
    broker: Broker,
    context: RequestContext,
    request: ListOffsetsRequest,
    topic: str,
    asked: ListOffsetsPartition,
) -> ListOffsetsPartitionResponse:
    answer = ListOffsetsPartitionResponse(partition_index=asked.partition_index)
    try:
        if asked.timestamp < LATEST_TIERED_TIMESTAMP:
            raise KafkaError(ErrorCode.UNSUPPORTED_VERSION)
        found = _look_up(broker, request, TopicPartition(topic, asked.partition_index), asked)
    except KafkaError as error:
        answer.error_code = error.code
        return answer
    if context.api_version == 0:
        answer.old_style_offsets = [found.offset] if found.offset >= 0 else []
    else:
        answer.timestamp = found.timestamp_ms
        answer.offset = found.offset
        if context.api_version >= FIRST_VERSION_WITH_LEADER_EPOCH:
            answer.leader_epoch = found.leader_epoch
    return answer


def _look_up(
    broker: Broker,
    request: ListOffsetsRequest,
    topic_partition: TopicPartition,
    asked: ListOffsetsPartition,
) -> TimestampOffset:
    partition = broker.replicas.find(topic_partition)
    leading = partition.leading(asked.current_leader_epoch)
    log = partition.log
    if request.replica_id != CONSUMER:
        end = log.log_end_offset
    elif request.isolation_level == READ_COMMITTED:
        end = log.last_stable_offset
    else:
        end = log.high_watermark
    if asked.timestamp == LATEST_TIMESTAMP:
        return TimestampOffset(timestamp_ms=-1, offset=end, leader_epoch=leading.epoch)
    found = log.offset_for_timestamp(asked.timestamp)
    if found is None or (asked.timestamp >= 0 and found.offset >= end):
        return NOT_FOUND
    return found
