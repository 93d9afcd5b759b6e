"""OffsetDelete: a group forgets how far it had consumed partitions that it does not consume now."""

from broker.api.context import RequestContext
from broker.api.group_services import GroupServices, refused_partitions
from broker.api.permissions import Resource
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteResponse,
    OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
)
from coordination.values import TopicPartition


async def handle(
    broker: GroupServices, context: RequestContext, request: OffsetDeleteRequest
) -> OffsetDeleteResponse:
    asked = [
        TopicPartition(topic.name, partition.partition_index)
        for topic in request.topics
        for partition in topic.partitions
    ]
    try:
        context.require(Resource.GROUP, request.group_id)
        refused = refused_partitions(broker, context, asked)
        existing = [partition for partition in asked if partition not in refused]
        # The group is looked for even if there is nothing left to ask it for.
        deleted = await broker.groups.delete_offsets(request.group_id, existing)
    except KafkaError as error:
        return OffsetDeleteResponse(error_code=error.code)
    return OffsetDeleteResponse(topics=_topics(refused | deleted))


def _topics(errors: dict[TopicPartition, ErrorCode]) -> list[OffsetDeleteResponseTopic]:
    topics: dict[str, OffsetDeleteResponseTopic] = {}
    for tp, error in errors.items():
        topic = topics.setdefault(tp.topic, OffsetDeleteResponseTopic(name=tp.topic))
        topic.partitions.append(
            OffsetDeleteResponsePartition(partition_index=tp.partition, error_code=error)
        )
    return list(topics.values())
