"""Metadata: which brokers there are, which topics, and who leads what.

    version  topics given as               all topics are asked for by
    0        names                         an empty list
    1-9      names                         null
    10-11    names; an id is refused       null
    12       names or ids                  null

One id among the topics makes it a request by ids: names are not looked at then.

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
FIRST_VERSION_WITH_IDS = 12


async def handle(
    broker: Broker, context: RequestContext, request: MetadataRequest
) -> MetadataResponse:
    cluster = broker.metadata.current
    if context.api_version < FIRST_VERSION_WITH_IDS and any(map(_is_by_id, request.topics or [])):
        return _refused(request)
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
    if any(asked.topic_id != ZERO_UUID for asked in request.topics):
        by_id = {asked.topic_id: asked for asked in request.topics if _is_by_id(asked)}
        names = {topic_id: cluster.topic_names.get(topic_id) for topic_id in by_id}
        return [cluster.topics.get(names[topic_id] or "", by_id[topic_id]) for topic_id in by_id]
    by_name = {asked.name: asked for asked in request.topics}  # each once
    return [cluster.topics.get(name or "", asked) for name, asked in by_name.items()]


def _is_by_id(asked: MetadataRequestTopic) -> bool:
    return asked.name is None or asked.topic_id != ZERO_UUID


def _refused(request: MetadataRequest) -> MetadataResponse:
    """The answer to ids in a version that can't yet answer an unknown one."""
    return MetadataResponse(
        topics=[
            MetadataResponseTopic(error_code=ErrorCode.INVALID_REQUEST, name=asked.name or "")
            for asked in request.topics or []
        ]
    )


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
    if asked.name is None or asked.topic_id != ZERO_UUID:
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
