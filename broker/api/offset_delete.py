"""OffsetDelete: a group forgets how far it had consumed partitions that it does not consume now."""

from broker.api.context import RequestContext
from broker.api.group_services import GroupServices
from broker.api.named_partitions import add, sort_out
from broker.api.permissions import Resource
from broker.wire.errors import KafkaError
from broker.wire.messages.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteResponse,
    OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
)


async def handle(
    broker: GroupServices, context: RequestContext, request: OffsetDeleteRequest
) -> OffsetDeleteResponse:
    try:
        context.require(Resource.GROUP, request.group_id)
        errors, existing = sort_out(broker, context, request.topics)
        # The group is looked for even if there is nothing left to ask it for.
        partitions = [partition for partition, _ in existing]
        deleted = await broker.groups.delete_offsets(request.group_id, partitions)
    except KafkaError as error:
        return OffsetDeleteResponse(error_code=error.code)
    add(errors, deleted.items())
    return OffsetDeleteResponse(
        topics=[
            OffsetDeleteResponseTopic(
                name=topic,
                partitions=[
                    OffsetDeleteResponsePartition(partition_index=partition, error_code=error)
                    for partition, error in partitions_of_it
                ],
            )
            for topic, partitions_of_it in errors.items()
        ]
    )
