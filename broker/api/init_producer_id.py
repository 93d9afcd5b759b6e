"""InitProducerId: an id for an idempotent producer.

Without a transactional id every call gives a new id with epoch 0. A producer
that brings its old id and epoch (version 3+, KIP-360) gets a new one too: its
state in the log belongs to the old id, so nothing can be mistaken.
Kafka: TransactionCoordinator.handleInitProducerId.
"""

from broker.api.context import RequestContext
from broker.api.permissions import Resource
from broker.broker import Broker
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from broker.wire.record_batch import NO_PRODUCER_EPOCH, NO_PRODUCER_ID


async def handle(
    broker: Broker, context: RequestContext, request: InitProducerIdRequest
) -> InitProducerIdResponse:
    try:
        producer_id = await _producer_id(broker, context, request)
    except KafkaError as error:
        return InitProducerIdResponse(error_code=error.code, producer_epoch=-1)
    return InitProducerIdResponse(producer_id=producer_id, producer_epoch=0)


async def _producer_id(
    broker: Broker, context: RequestContext, request: InitProducerIdRequest
) -> int:
    if request.transactional_id is not None:
        context.require(Resource.TRANSACTIONAL_ID, request.transactional_id)
        raise KafkaError(
            ErrorCode.COORDINATOR_NOT_AVAILABLE
            if request.transactional_id
            else ErrorCode.INVALID_REQUEST
        )
    context.require(Resource.CLUSTER)
    if (request.producer_id == NO_PRODUCER_ID) != (request.producer_epoch == NO_PRODUCER_EPOCH):
        # Half of a producer: which one, or in which life, isn't said.
        raise KafkaError(ErrorCode.INVALID_REQUEST)
    return await broker.producer_ids.next_id(broker.broker_epoch)
