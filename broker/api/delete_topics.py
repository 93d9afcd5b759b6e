"""DeleteTopics: mark topics for deletion, wait until they're gone from this broker's metadata.

By name, from version 6 also by id. Only the controller does it. A deletion
that a dead replica holds up is answered with REQUEST_TIMED_OUT and goes on when
that broker is back.
"""

import trio

from broker.api.context import RequestContext
from broker.api.permissions import Operation, Resource
from broker.broker import Broker
from broker.quotas.mutations import Mutations
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.delete_topics import (
    DeletableTopicResult,
    DeleteTopicsRequest,
    DeleteTopicsResponse,
    DeleteTopicState,
)
from coordination.values import ZERO_UUID

FIRST_VERSION_WITH_TOPIC_DELETION_DISABLED = 3
FIRST_VERSION_WITH_QUOTA_ERROR = 5  # KIP-599


async def handle(
    broker: Broker, context: RequestContext, request: DeleteTopicsRequest
) -> DeleteTopicsResponse:
    deadline_s = trio.current_time() + request.timeout_ms / 1000
    asked = request.topics or [DeleteTopicState(name=name) for name in request.topic_names]
    mutations = broker.quotas.mutations.begin(
        context.user, context.client, strict=context.api_version >= FIRST_VERSION_WITH_QUOTA_ERROR
    )
    results = [await _delete(broker, context, topic, mutations) for topic in asked]
    marked = {r.name: r for r in results if r.error_code == ErrorCode.NONE and r.name is not None}
    for name in await broker.topic_admin.wait_until_gone(set(marked), deadline_s):
        marked[name].error_code = ErrorCode.REQUEST_TIMED_OUT
        marked[name].error_message = ErrorCode.REQUEST_TIMED_OUT.message
    return DeleteTopicsResponse(responses=results, throttle_time_ms=mutations.throttle_time_ms)


async def _delete(
    broker: Broker, context: RequestContext, topic: DeleteTopicState, mutations: Mutations
) -> DeletableTopicResult:
    cluster = broker.metadata.current
    name = topic.name if topic.name is not None else cluster.topic_names.get(topic.topic_id)
    result = DeletableTopicResult(name=name, topic_id=topic.topic_id)
    try:
        if not broker.is_controller:
            raise KafkaError(ErrorCode.NOT_CONTROLLER)
        if not broker.config.delete_topic_enable:
            raise KafkaError(
                ErrorCode.TOPIC_DELETION_DISABLED
                if context.api_version >= FIRST_VERSION_WITH_TOPIC_DELETION_DISABLED
                else ErrorCode.INVALID_REQUEST
            )
        if topic.name is not None and topic.topic_id != ZERO_UUID:
            raise KafkaError(
                ErrorCode.INVALID_REQUEST, "Topic name and topic ID can not both be specified."
            )
        if name is None:
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_ID)
        if topic.name is None and not context.may(Resource.TOPIC, name, Operation.DESCRIBE):
            result.name = None  # whoever doesn't know it isn't told
            raise KafkaError(ErrorCode.TOPIC_AUTHORIZATION_FAILED)
        context.require(Resource.TOPIC, name, Operation.DELETE)
        known = cluster.topics.get(name)
        if known is not None:
            result.topic_id = known.topic_id
            mutations.take(len(known.partitions))
        await broker.topic_admin.delete(name)
    except KafkaError as error:
        result.error_code = error.code
        result.error_message = error.message
    return result
