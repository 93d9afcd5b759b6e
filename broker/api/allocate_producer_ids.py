"""AllocateProducerIds: a broker asks the controller for its next block of producer ids."""

from broker.api.context import RequestContext
from broker.broker import Broker
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.allocate_producer_ids import (
    AllocateProducerIdsRequest,
    AllocateProducerIdsResponse,
)
from coordination.controller.requests import (
    AllocateProducerIds,
    ProducerIdBlockAllocated,
)


async def handle(
    broker: Broker, context: RequestContext, request: AllocateProducerIdsRequest
) -> AllocateProducerIdsResponse:
    try:
        result = await broker.ask_controller(
            AllocateProducerIds(request.broker_id, request.broker_epoch)
        )
    except KafkaError as error:
        return AllocateProducerIdsResponse(error_code=error.code)
    if not isinstance(result, ProducerIdBlockAllocated):
        return AllocateProducerIdsResponse(error_code=ErrorCode.UNKNOWN_SERVER_ERROR)
    return AllocateProducerIdsResponse(
        producer_id_start=result.first_id, producer_id_len=result.size
    )
