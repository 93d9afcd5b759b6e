"""CreateTopics: write the topics' znodes, wait until the brokers know their leaders.

Only the controller does it; others answer NOT_CONTROLLER, and clients look
for it anew. A topic that isn't led everywhere when the time is over is answered
with REQUEST_TIMED_OUT; it exists all the same.
"""

import trio

from broker.admin.topics import CLUSTER_METADATA_TOPIC, CreatedTopic, NewTopic
from broker.api.context import RequestContext
from broker.api.permissions import Operation, Resource
from broker.broker import Broker
from broker.config.described import describe_topic
from broker.quotas.mutations import Mutations
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.create_topics import (
    CreatableTopic,
    CreatableTopicConfigs,
    CreatableTopicResult,
    CreateTopicsRequest,
    CreateTopicsResponse,
)

FIRST_VERSION_WITH_QUOTA_ERROR = 6  # KIP-599


async def handle(
    broker: Broker, context: RequestContext, request: CreateTopicsRequest
) -> CreateTopicsResponse:
    deadline_s = trio.current_time() + request.timeout_ms / 1000
    mutations = broker.quotas.mutations.begin(
        context.user, context.client, strict=context.api_version >= FIRST_VERSION_WITH_QUOTA_ERROR
    )
    names = [topic.name for topic in request.topics]
    results = [
        await _create(
            broker, context, topic, mutations, request.validate_only, names.count(topic.name) > 1
        )
        for topic in request.topics
    ]
    if request.validate_only:
        return CreateTopicsResponse(topics=results)
    created = {r.name: r for r in results if r.error_code == ErrorCode.NONE}
    for name in await broker.topic_admin.wait_for_leaders(set(created), deadline_s):
        created[name].error_code = ErrorCode.REQUEST_TIMED_OUT
        created[name].error_message = ErrorCode.REQUEST_TIMED_OUT.message
        created[name].configs = None
    return CreateTopicsResponse(topics=results, throttle_time_ms=mutations.throttle_time_ms)


async def _create(
    broker: Broker,
    context: RequestContext,
    topic: CreatableTopic,
    mutations: Mutations,
    validate_only: bool,
    duplicate: bool,
) -> CreatableTopicResult:
    try:
        if not broker.is_controller:
            raise KafkaError(ErrorCode.NOT_CONTROLLER)
        if duplicate:
            raise KafkaError(ErrorCode.INVALID_REQUEST, "Found multiple entries for this topic.")
        if topic.name == CLUSTER_METADATA_TOPIC:
            raise KafkaError(
                ErrorCode.INVALID_REQUEST,
                f"Creation of internal topic {topic.name} is prohibited.",
            )
        if not context.may(Resource.CLUSTER) and not context.may(
            Resource.TOPIC, topic.name, Operation.CREATE
        ):
            raise KafkaError(ErrorCode.TOPIC_AUTHORIZATION_FAILED, "Authorization failed.")
        new = NewTopic(
            name=topic.name,
            partition_count=topic.num_partitions,
            replication_factor=topic.replication_factor,
            assignment={
                entry.partition_index: tuple(entry.broker_ids) for entry in topic.assignments
            },
            configs={entry.name: entry.value for entry in topic.configs},
        )
        if mutations.are_limited and not validate_only:
            # What can't be made costs nothing, so that is found out before it's counted.
            possible = await broker.topic_admin.create(new, validate_only=True)
            mutations.take(possible.partition_count)
        created = await broker.topic_admin.create(new, validate_only=validate_only)
    except KafkaError as error:
        return CreatableTopicResult(
            name=topic.name,
            error_code=error.code,
            error_message=error.message,
            configs=None,
        )
    result = _result(broker, created)
    if not context.may(Resource.TOPIC, topic.name, Operation.DESCRIBE_CONFIGS):
        # It's made, but what it's like is not this client's business.
        result.topic_config_error_code = ErrorCode.TOPIC_AUTHORIZATION_FAILED
        result.num_partitions = result.replication_factor = -1
        result.configs = []
    return result


def _result(broker: Broker, created: CreatedTopic) -> CreatableTopicResult:
    return CreatableTopicResult(
        name=created.name,
        topic_id=created.topic_id,
        error_message=None,
        num_partitions=created.partition_count,
        replication_factor=created.replication_factor,
        configs=[
            CreatableTopicConfigs(
                name=entry.name,
                value=entry.value,
                read_only=entry.read_only,
                config_source=entry.source,
                is_sensitive=entry.is_sensitive,
            )
            for entry in describe_topic(broker.config, created.overrides)
        ],
    )
