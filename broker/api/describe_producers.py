"""DescribeProducers: what partitions know of their idempotent and transactional producers.

By it an operator finds the transaction that holds back the consumers of committed records: whose it
is, where it began, how long it has been silent (KIP-664, `kafka-transactions describe-producers`
and `find-hanging`). A follower answers too, as far as it has the log.

Kafka: KafkaApis.handleDescribeProducersRequest, UnifiedLog.activeProducers.
"""

from broker.api.context import RequestContext
from broker.api.permissions import Resource
from broker.broker import Broker
from broker.log.producer_entry import ProducerEntry
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.describe_producers import (
    DescribeProducersRequest,
    DescribeProducersResponse,
    PartitionResponse,
    ProducerState,
    TopicRequest,
    TopicResponse,
)
from coordination.values import TopicPartition


async def handle(
    broker: Broker, context: RequestContext, request: DescribeProducersRequest
) -> DescribeProducersResponse:
    return DescribeProducersResponse(
        topics=[_topic(broker, context, topic) for topic in request.topics]
    )


def _topic(broker: Broker, context: RequestContext, topic: TopicRequest) -> TopicResponse:
    refused = _refusal(broker, context, topic.name)
    return TopicResponse(
        name=topic.name,
        partitions=[
            _partition(broker, TopicPartition(topic.name, partition), refused)
            for partition in topic.partition_indexes
        ],
    )


def _refusal(broker: Broker, context: RequestContext, topic: str) -> KafkaError | None:
    try:
        broker.topic_admin.check_name(topic)
        context.require(Resource.TOPIC, topic)
    except KafkaError as error:
        return error
    if topic not in broker.metadata.current.topics:
        return KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    return None


def _partition(
    broker: Broker, topic_partition: TopicPartition, refused: KafkaError | None
) -> PartitionResponse:
    response = PartitionResponse(partition_index=topic_partition.partition)
    if refused is not None:
        response.error_code = refused.code
        response.error_message = refused.message
        return response
    try:
        partition = broker.replicas.find(topic_partition)
    except KafkaError as error:
        response.error_code = error.code
        return response
    response.active_producers = [_producer(entry) for entry in partition.log.producers.entries()]
    return response


def _producer(entry: ProducerEntry) -> ProducerState:
    first_offset = entry.transaction_first_offset
    return ProducerState(
        producer_id=entry.producer_id,
        producer_epoch=entry.epoch,
        last_sequence=entry.last_sequence,
        last_timestamp=entry.last_timestamp_ms,
        coordinator_epoch=entry.coordinator_epoch,
        current_txn_start_offset=-1 if first_offset is None else first_offset,
    )
