"""CreatePartitions: more partitions for a topic; keys may hash elsewhere afterwards (KIP-195)."""

import trio

from broker.api.context import RequestContext
from broker.api.permissions import Resource
from broker.broker import Broker
from broker.quotas.mutations import Mutations
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.create_partitions import (
    CreatePartitionsRequest,
    CreatePartitionsResponse,
    CreatePartitionsTopic,
    CreatePartitionsTopicResult,
)

FIRST_VERSION_WITH_QUOTA_ERROR = 3  # KIP-599


async def handle(
    broker: Broker, context: RequestContext, request: CreatePartitionsRequest
) -> CreatePartitionsResponse:
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
    if not request.validate_only:
        created = {r.name: r for r in results if r.error_code == ErrorCode.NONE}
        counts = {topic.name: topic.count for topic in request.topics if topic.name in created}
        for name in await broker.topic_admin.wait_for_leaders(set(created), deadline_s, counts):
            created[name].error_code = ErrorCode.REQUEST_TIMED_OUT
            created[name].error_message = ErrorCode.REQUEST_TIMED_OUT.message
    return CreatePartitionsResponse(results=results, throttle_time_ms=mutations.throttle_time_ms)


async def _create(
    broker: Broker,
    context: RequestContext,
    topic: CreatePartitionsTopic,
    mutations: Mutations,
    validate_only: bool,
    duplicate: bool,
) -> CreatePartitionsTopicResult:
    result = CreatePartitionsTopicResult(name=topic.name)
    try:
        if not broker.is_controller:
            raise KafkaError(ErrorCode.NOT_CONTROLLER)
        if duplicate:
            raise KafkaError(ErrorCode.INVALID_REQUEST, "Duplicate topic in request.")
        context.require(Resource.TOPIC, topic.name)
        assignments = (
            None
            if topic.assignments is None
            else [tuple(entry.broker_ids) for entry in topic.assignments]
        )
        if mutations.are_limited and not validate_only:
            # What can't be added costs nothing, so that is found out before it's counted.
            mutations.take(
                await broker.topic_admin.create_partitions(
                    topic.name, topic.count, assignments, validate_only=True
                )
            )
        await broker.topic_admin.create_partitions(
            topic.name, topic.count, assignments, validate_only=validate_only
        )
    except KafkaError as error:
        result.error_code = error.code
        result.error_message = error.message
    return result
