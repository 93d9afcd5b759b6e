"""Metadata: which brokers there are, which topics, and who leads what.

    version  topics given as               all topics are asked for by
    0        names                         an empty list
    1-9      names                         null
    10-12    names or ids (12: really)     null

An unknown topic is created if the client allows it (always before version 4)
and `auto.create.topics.enable` is on; the client is told LEADER_NOT_AVAILABLE
and asks again. Kafka: KafkaApis.handleTopicMetadataRequest.
"""

from broker.api.context import RequestContext
from broker.broker import Broker
from broker.metadata_cache import ClusterMetadata, PartitionMetadata, TopicMetadata
from broker.topic_admin import INTERNAL_TOPICS
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.metadata import (
    MetadataRequest,
    MetadataRequestTopic,
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from coordination.values import ZERO_UUID

FIRST_VERSION_WHERE_EMPTY_IS_NONE = 1
FIRST_VERSION_WITH_LISTENER_NOT_FOUND = 6


async def handle(
    broker: Broker, context: RequestContext, request: MetadataRequest
) -> MetadataResponse:
    cluster = broker.metadata.current
    topics = [
        _found(cluster, context, asked)
        if isinstance(asked, TopicMetadata)
        else await _not_found(broker, asked, request.allow_auto_topic_creation)
        for asked in _asked_for(cluster, context, request)
    ]
    return MetadataResponse(
        brokers=[
            MetadataResponseBroker(
                node_id=registration.broker_id,
                host=endpoint.host,
                port=endpoint.port,
                rack=registration.rack,
            )
            for registration in cluster.brokers.values()
            if (endpoint := registration.endpoint(context.listener)) is not None
        ],
        cluster_id=broker.cluster_id,
        controller_id=cluster.controller_id,
        topics=topics,
    )


def _asked_for(
    cluster: ClusterMetadata, context: RequestContext, request: MetadataRequest
) -> list[TopicMetadata | MetadataRequestTopic]:
    if request.topics is None or (
        not request.topics and context.api_version < FIRST_VERSION_WHERE_EMPTY_IS_NONE
    ):
        return list(cluster.topics.values())
    found: list[TopicMetadata | MetadataRequestTopic] = []
    for asked in request.topics:
        name = asked.name if asked.name is not None else cluster.topic_names.get(asked.topic_id)
        topic = cluster.topics.get(name) if name is not None else None
        found.append(topic or asked)
    return found


def _found(
    cluster: ClusterMetadata, context: RequestContext, topic: TopicMetadata
) -> MetadataResponseTopic:
    return MetadataResponseTopic(
        name=topic.name,
        topic_id=topic.topic_id,
        is_internal=topic.name in INTERNAL_TOPICS,
        partitions=[
            _partition(cluster, context, index, state) for index, state in topic.partitions.items()
        ],
    )


def _partition(
    cluster: ClusterMetadata, context: RequestContext, index: int, state: PartitionMetadata
) -> MetadataResponsePartition:
    leader = state.leader_and_isr.leader
    error = ErrorCode.NONE
    if cluster.endpoint(leader, context.listener) is None:
        # No leader, a dead one, or one that doesn't listen where this client came in.
        listener_missing = leader in cluster.brokers
        error = (
            ErrorCode.LISTENER_NOT_FOUND
            if listener_missing and context.api_version >= FIRST_VERSION_WITH_LISTENER_NOT_FOUND
            else ErrorCode.LEADER_NOT_AVAILABLE
        )
        leader = -1
    return MetadataResponsePartition(
        error_code=error,
        partition_index=index,
        leader_id=leader,
        leader_epoch=state.leader_and_isr.leader_epoch,
        replica_nodes=list(state.replicas),
        isr_nodes=list(state.leader_and_isr.isr),
        offline_replicas=list(state.offline_replicas),
    )


async def _not_found(
    broker: Broker, asked: MetadataRequestTopic, may_create: bool
) -> MetadataResponseTopic:
    if asked.name is None:
        return MetadataResponseTopic(
            error_code=ErrorCode.UNKNOWN_TOPIC_ID, name=None, topic_id=asked.topic_id
        )
    code = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    try:
        if may_create and broker.config.auto_create_topics_enable:
            await broker.topic_admin.create_automatically(asked.name)
            code = ErrorCode.LEADER_NOT_AVAILABLE
        else:
            broker.topic_admin.check_name(asked.name)
    except KafkaError as error:
        code = error.code
    return MetadataResponseTopic(
        error_code=code,
        name=asked.name,
        topic_id=ZERO_UUID,
        is_internal=asked.name in INTERNAL_TOPICS,
    )
