"""Metadata: which brokers there are, which topics, and who leads what.

    version  topics given as               all topics are asked for by
    0        names                         an empty list
    1-9      names                         null
    10-11    names; an id is refused       null
    12       names or ids                  null

Brokers are told as far as they have the listener that the request came by: each client
sees the cluster from where it is. A leader that doesn't have it is LISTENER_NOT_FOUND.

One id among the topics makes it a request by ids: names are not looked at then.

An unknown topic is created if the client allows it (always before version 4)
and `auto.create.topics.enable` is on; the client is told LEADER_NOT_AVAILABLE
and asks again. Kafka: KafkaApis.handleTopicMetadataRequest.

The answer about all topics is kept, as bytes, for as long as the state of the
cluster that it tells; unless an authorizer makes it another for each client, or
it's also to say what the client may do (KIP-430), or anybody at all has a request_percentage,
by which any answer may have to tell a throttle time.
"""

from collections.abc import Container, Mapping

from broker.admin.topics import INTERNAL_TOPICS
from broker.api.context import RequestContext
from broker.api.permissions import Operation, Resource
from broker.broker import Broker
from broker.control.metadata_cache import ClusterMetadata, PartitionMetadata, TopicMetadata
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
FIRST_VERSION_WITH_DEAD_REPLICAS = 1  # before, they are left out, with an error
FIRST_VERSION_WITH_LISTENER_NOT_FOUND = 6
FIRST_VERSION_WITH_IDS = 12


async def handle(
    broker: Broker, context: RequestContext, request: MetadataRequest
) -> MetadataResponse | EncodedResponse:
    cluster = broker.metadata.current
    if _asks_for_all(context, request):
        return _all_topics(broker, cluster, context, request)
    asked_topics = request.topics or []
    by_id = any(map(_is_by_id, asked_topics))
    if by_id and context.api_version < FIRST_VERSION_WITH_IDS:
        return _refused(request)
    listening = _listening(cluster, context)
    topics = [
        _found(cluster, context, listening, asked, by_id)
        if isinstance(asked, TopicMetadata)
        else await _not_found(broker, context, asked, request.allow_auto_topic_creation)
        for asked in _asked_for(cluster, asked_topics)
    ]
    return _answer(broker, cluster, context, request, listening, topics)


def _asks_for_all(context: RequestContext, request: MetadataRequest) -> bool:
    return request.topics is None or (
        not request.topics and context.api_version < FIRST_VERSION_WHERE_EMPTY_IS_NONE
    )


def _all_topics(
    broker: Broker, cluster: ClusterMetadata, context: RequestContext, request: MetadataRequest
) -> MetadataResponse | EncodedResponse:
    if (
        context.authorizer is not None
        or broker.quotas.request.limits
        or request.include_topic_authorized_operations
        or request.include_cluster_authorized_operations
    ):
        return _all_topics_now(broker, cluster, context, request)
    key = context.listener, context.api_version
    answer = cluster.answers.get(key)
    if answer is None:
        response = _all_topics_now(broker, cluster, context, request)
        answer = EncodedResponse.of(context.api_key, context.api_version, response)
        cluster.answers[key] = answer
    return answer


def _all_topics_now(
    broker: Broker, cluster: ClusterMetadata, context: RequestContext, request: MetadataRequest
) -> MetadataResponse:
    listening = _listening(cluster, context)
    topics = [
        _found(cluster, context, listening, topic, by_id=False)
        for topic in cluster.topics.values()
        if _sees(context, topic.name)
    ]
    return _answer(broker, cluster, context, request, listening, topics)


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
    context: RequestContext,
    request: MetadataRequest,
    listening: Mapping[int, Endpoint],
    topics: list[MetadataResponseTopic],
) -> MetadataResponse:
    response = MetadataResponse(
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
    if request.include_cluster_authorized_operations:
        response.cluster_authorized_operations = context.authorized_cluster_operations()
    if request.include_topic_authorized_operations:
        for topic in topics:
            if topic.error_code != ErrorCode.TOPIC_AUTHORIZATION_FAILED and topic.name is not None:
                topic.topic_authorized_operations = context.authorized_operations(
                    Resource.TOPIC, topic.name
                )
    return response


def _asked_for(
    cluster: ClusterMetadata, asked_topics: list[MetadataRequestTopic]
) -> list[TopicMetadata | MetadataRequestTopic]:
    if any(asked.topic_id != ZERO_UUID for asked in asked_topics):
        by_id = {asked.topic_id: asked for asked in asked_topics if _is_by_id(asked)}
        names = {topic_id: cluster.topic_names.get(topic_id) for topic_id in by_id}
        return [cluster.topics.get(names[topic_id] or "", by_id[topic_id]) for topic_id in by_id]
    by_name = {asked.name: asked for asked in asked_topics}  # each once
    return [cluster.topics.get(name or "", asked) for name, asked in by_name.items()]


def _sees(context: RequestContext, topic: str) -> bool:
    return context.may(Resource.TOPIC, topic, Operation.DESCRIBE)


def _may_create(context: RequestContext, topic: str) -> bool:
    return context.may(Resource.CLUSTER, operation=Operation.CREATE) or context.may(
        Resource.TOPIC, topic, Operation.CREATE
    )


def _is_by_id(asked: MetadataRequestTopic) -> bool:
    return asked.name is None or asked.topic_id != ZERO_UUID


def _refused(request: MetadataRequest) -> MetadataResponse:
    """The answer to ids in a version that can't yet answer an unknown one."""
    return MetadataResponse(
        topics=[
            MetadataResponseTopic(
                error_code=ErrorCode.INVALID_REQUEST,
                name=asked.name or "",
                topic_id=asked.topic_id,
            )
            for asked in request.topics or []
        ]
    )


def _found(
    cluster: ClusterMetadata,
    context: RequestContext,
    listening: Container[int],
    topic: TopicMetadata,
    by_id: bool,
) -> MetadataResponseTopic:
    if not _sees(context, topic.name):
        # An id is no secret, but who asks by it doesn't learn the name; nor the id by the name.
        return MetadataResponseTopic(
            error_code=ErrorCode.TOPIC_AUTHORIZATION_FAILED,
            name=None if by_id else topic.name,
            topic_id=topic.topic_id if by_id else ZERO_UUID,
        )
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
    replicas, isr = list(state.replicas), list(state.leader_and_isr.isr)
    error = ErrorCode.NONE
    if context.api_version < FIRST_VERSION_WITH_DEAD_REPLICAS:
        for nodes in (replicas, isr):
            reachable = [broker_id for broker_id in nodes if broker_id in listening]
            if reachable != nodes:
                error, nodes[:] = ErrorCode.REPLICA_NOT_AVAILABLE, reachable
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
        replica_nodes=replicas,
        isr_nodes=isr,
        offline_replicas=list(state.offline_replicas),
    )


async def _not_found(
    broker: Broker, context: RequestContext, asked: MetadataRequestTopic, may_create: bool
) -> MetadataResponseTopic:
    if asked.name is None or asked.topic_id != ZERO_UUID:
        return MetadataResponseTopic(
            error_code=ErrorCode.UNKNOWN_TOPIC_ID, name=None, topic_id=asked.topic_id
        )
    if not _sees(context, asked.name):
        return MetadataResponseTopic(
            error_code=ErrorCode.TOPIC_AUTHORIZATION_FAILED, name=asked.name
        )
    code = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    try:
        if may_create and broker.config.auto_create_topics_enable:
            if not _may_create(context, asked.name):
                raise KafkaError(ErrorCode.TOPIC_AUTHORIZATION_FAILED)
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
