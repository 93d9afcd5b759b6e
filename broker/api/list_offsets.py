"""ListOffsets: the offset that belongs to a timestamp, or to one of the special ones.

    -1 latest       how far the client may read: the high watermark, or, if it reads committed
                    records only, the last stable offset
    -2 earliest     the log start offset
    -3 (7+)         the record with the largest timestamp
    -4 (8+)         the log start: all our records are local
    -5 (9+)         the last offset of remote storage: there's none, offset -1 without error

A record that the client can't read yet isn't found, by -3 neither. A special one that the request's
version doesn't have yet is UNSUPPORTED_VERSION, a partition that is named twice INVALID_REQUEST.
Version 0 asks for something else, which records without timestamps could answer: where segments
begin, a list of offsets.
A new leader whose high watermark has yet to come up to where its epoch begins doesn't
know how far the former leader's consumers have read: rather than an offset before
that it answers OFFSET_NOT_AVAILABLE, "ask again" (KIP-207).

Only a leader answers, but for the replica id -2, by which a tool asks any replica how far its log
goes.

Kafka: KafkaApis.handleListOffsetRequest, Partition.fetchOffsetForTimestamp.
"""

from collections import Counter
from collections.abc import Container
from functools import partial

from broker.api.context import RequestContext
from broker.api.permissions import Resource
from broker.broker import Broker
from broker.log.timestamps import NAMES
from broker.log.values import (
    EARLIEST_LOCAL_TIMESTAMP,
    EARLIEST_TIMESTAMP,
    LATEST_TIERED_TIMESTAMP,
    LATEST_TIMESTAMP,
    MAX_TIMESTAMP,
    TimestampOffset,
)
from broker.replica.partition import Partition
from broker.replica.timestamp_search import find_record
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
FIRST_VERSION_WITH_OFFSET_NOT_AVAILABLE = 5
FIRST_VERSION_OF = {
    LATEST_TIMESTAMP: 0,
    EARLIEST_TIMESTAMP: 0,
    MAX_TIMESTAMP: 7,
    EARLIEST_LOCAL_TIMESTAMP: 8,
    LATEST_TIERED_TIMESTAMP: 9,
}
NO_VERSION = 1 << 15
STARTS = (EARLIEST_TIMESTAMP, EARLIEST_LOCAL_TIMESTAMP)  # there, whoever may read how far
CONSUMER = -1
NO_EPOCH = -1
ANY_REPLICA = -2  # Kafka: ListOffsetsRequest.DEBUGGING_REPLICA_ID
READ_UNCOMMITTED, READ_COMMITTED = ISOLATION_LEVELS = (0, 1)
NOT_FOUND = TimestampOffset(timestamp_ms=-1, offset=-1)


async def handle(
    broker: Broker, context: RequestContext, request: ListOffsetsRequest
) -> ListOffsetsResponse:
    named = Counter(
        TopicPartition(topic.name, asked.partition_index)
        for topic in request.topics
        for asked in topic.partitions
    )
    twice = {partition for partition, times in named.items() if times > 1}
    return ListOffsetsResponse(
        topics=[
            ListOffsetsTopicResponse(
                name=topic.name,
                partitions=[
                    await _partition(broker, context, request, topic.name, asked, twice)
                    for asked in topic.partitions
                ],
            )
            for topic in request.topics
        ]
    )


async def _partition(
    broker: Broker,
    context: RequestContext,
    request: ListOffsetsRequest,
    topic: str,
    asked: ListOffsetsPartition,
    twice: Container[TopicPartition],
) -> ListOffsetsPartitionResponse:
    answer = ListOffsetsPartitionResponse(partition_index=asked.partition_index)
    topic_partition = TopicPartition(topic, asked.partition_index)
    try:
        context.require(Resource.TOPIC, topic)
        if topic_partition in twice and context.api_version > 0:
            raise KafkaError(ErrorCode.INVALID_REQUEST)
        if asked.timestamp < 0 and context.api_version < FIRST_VERSION_OF.get(
            asked.timestamp, NO_VERSION
        ):
            raise KafkaError(ErrorCode.UNSUPPORTED_VERSION)
        if context.api_version == 0:
            answer.old_style_offsets = _segment_starts(broker, request, topic_partition, asked)
            return answer
        found = await _look_up(broker, request, topic_partition, asked)
    except KafkaError as error:
        answer.error_code = error.code
        if (
            error.code is ErrorCode.OFFSET_NOT_AVAILABLE
            and context.api_version < FIRST_VERSION_WITH_OFFSET_NOT_AVAILABLE
        ):
            answer.error_code = ErrorCode.LEADER_NOT_AVAILABLE
        return answer
    answer.timestamp = found.timestamp_ms
    answer.offset = found.offset
    if context.api_version >= FIRST_VERSION_WITH_LEADER_EPOCH:
        answer.leader_epoch = found.leader_epoch
    return answer


def _segment_starts(
    broker: Broker,
    request: ListOffsetsRequest,
    topic_partition: TopicPartition,
    asked: ListOffsetsPartition,
) -> list[int]:
    """Version 0's; a consumer sees the high watermark in the place of what is beyond it."""
    partition = _asked_partition(broker, request, topic_partition, NO_EPOCH)
    if asked.max_num_offsets < 0:
        raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)  # Kafka makes no list of such a length
    offsets = partition.log.segment_starts_before(asked.timestamp, asked.max_num_offsets)
    high_watermark = partition.high_watermark
    if request.replica_id != CONSUMER or not offsets or offsets[0] <= high_watermark:
        return offsets
    return [high_watermark, *(offset for offset in offsets if offset <= high_watermark)]


def _asked_partition(
    broker: Broker, request: ListOffsetsRequest, topic_partition: TopicPartition, epoch: int
) -> Partition:
    partition = broker.replicas.find(topic_partition)
    if request.replica_id == ANY_REPLICA:
        partition.serving(epoch)
    else:
        partition.leading(epoch)
    return partition


async def _look_up(
    broker: Broker,
    request: ListOffsetsRequest,
    topic_partition: TopicPartition,
    asked: ListOffsetsPartition,
) -> TimestampOffset:
    if request.replica_id == CONSUMER and request.isolation_level not in ISOLATION_LEVELS:
        raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)  # Kafka knows no better
    find = partial(_asked_partition, broker, request, topic_partition, asked.current_leader_epoch)
    if asked.timestamp in NAMES:
        found: TimestampOffset | None = find().log.named_offset(asked.timestamp)
    else:
        found = await find_record(find, asked.timestamp, broker.replicas.searching)
    partition = find()
    log = partition.log
    if request.replica_id != CONSUMER:
        end = log.log_end_offset
    elif request.isolation_level == READ_COMMITTED:
        end = log.last_stable_offset
    else:
        end = log.high_watermark
    lags = (
        request.replica_id == CONSUMER
        and log.high_watermark < partition.leading().epoch_start_offset
    )
    if asked.timestamp == LATEST_TIMESTAMP:
        if lags:
            raise KafkaError(ErrorCode.OFFSET_NOT_AVAILABLE)
        return TimestampOffset(timestamp_ms=-1, offset=end, leader_epoch=partition.leader_epoch)
    if found is None or (asked.timestamp not in STARTS and found.offset >= end):
        if lags:
            raise KafkaError(ErrorCode.OFFSET_NOT_AVAILABLE)
        return NOT_FOUND
    return found
