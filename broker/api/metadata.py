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

The answer about all topics is kept, as bytes, for as long as the state of the
cluster that it tells.
"""

from collections.abc import Container, Mapping

from broker.api.context import RequestContext
from broker.broker import Broker
from broker.metadata_cache import ClusterMetadata, PartitionMetadata, TopicMetadata
from broker.topic_admin import INTERNAL_TOPICS
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.framing import EncodedResponse
from broker.wire.messages.metadata import (
    MetadataRequest,
    MetadataRequestTopic,
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from coordination.values import ZERO_UUID, Endpoint

FIRST_VERSION_WHERE_EMPTY_IS_NONE = 1
FIRST_VERSION_WITH_LISTENER_NOT_FOUND = 6
FIRST_VERSION_WITH_IDS = 12


async def handle(
    broker: Broker, context: RequestContext, request: MetadataRequest
) -> MetadataResponse | EncodedResponse:
    cluster = broker.metadata.current
    if _asks_for_all(context, request):
        return _all_topics(broker, cluster, context)
    asked_topics = request.topics or []
    if context.api_version < FIRST_VERSION_WITH_IDS and any(map(_is_by_id, asked_topics)):
        return _refused(request)
    listening = _listening(cluster, context)
    topics = [
        _found(cluster, context, listening, asked)
        if isinstance(asked, TopicMetadata)
        else await _not_found(broker, asked, request.allow_auto_topic_creation)
        for asked in _asked_for(cluster, asked_topics)
    ]
    return _answer(broker, cluster, listening, topics)


def _asks_for_all(context: RequestContext, request: MetadataRequest) -> bool:
    return request.topics is None or (
        not request.topics and context.api_version < FIRST_VERSION_WHERE_EMPTY_IS_NONE
    )


def _all_topics(
    broker: Broker, cluster: ClusterMetadata, context: RequestContext
) -> EncodedResponse:
    key = context.listener, context.api_version
    answer = cluster.answers.get(key)
    if answer is None:
        listening = _listening(cluster, context)
        topics = [_found(cluster, context, listening, topic) for topic in cluster.topics.values()]
        response = _answer(broker, cluster, listening, topics)
        answer = EncodedResponse.of(context.api_key, context.api_version, response)
        cluster.answers[key] = answer
    return answer


def _listening(cluster: ClusterMetadata, context: RequestContext) -> Mapping[int, Endpoint]:
    """The live brokers that this client can reach: those with a listener of the same name."""
    return {
        broker_id: endpoint
        for broker_id, registration in cluster.brokers.items()
        if (endpoint := registration.endpoint(context.listener)) is not None
    }


def _answer(
    broker: Broker,
    cluster: ClusterMetadata,
    listening: Mapping[int, Endpoint],
    topics: list[MetadataResponseTopic],
) -> MetadataResponse:
    return MetadataResponse(
        brokers=[
            MetadataResponseBroker(
                node_id=broker_id,
                host=endpoint.host,
                port=endpoint.port,
                rack=cluster.brokers[broker_id].rack,
            )
            for broker_id, endpoint in listening.items()
        ],
        cluster_id=broker.cluster_id,
        controller_id=cluster.controller_id,
        topics=topics,
    )


def _asked_for(
    cluster: ClusterMetadata, asked_topics: list[MetadataRequestTopic]
) -> list[TopicMetadata | MetadataRequestTopic]:
    if any(asked.topic_id != ZERO_UUID for asked in asked_topics):
        by_id = {asked.topic_id: asked for asked in asked_topics if _is_by_id(asked)}
        names = {topic_id: cluster.topic_names.get(topic_id) for topic_id in by_id}
        return [cluster.topics.get(names[topic_id] or "", by_id[topic_id]) for topic_id in by_id]
    by_name = {asked.name: asked for asked in asked_topics}  # each once
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
    cluster: ClusterMetadata,
    context: RequestContext,
    listening: Container[int],
    topic: TopicMetadata,
) -> MetadataResponseTopic:
    return MetadataResponseTopic(
        name=topic.name,
        topic_id=topic.topic_id,
        is_internal=topic.name in INTERNAL_TOPICS,
        partitions=[
            _partition(cluster, context, listening, index, state)
            for index, state in topic.partitions.items()
        ],
    )


def _partition(
    cluster: ClusterMetadata,
    context: RequestContext,
    listening: Container[int],
    index: int,
    state: PartitionMetadata,
) -> MetadataResponsePartition:
    leader = state.leader_and_isr.leader
    error = ErrorCode.NONE
    if leader not in listening:
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
