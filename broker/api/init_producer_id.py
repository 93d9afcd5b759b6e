"""InitProducerId: an id and an epoch for an idempotent or a transactional producer.

Without a transactional id every call gives a new id with epoch 0. A producer
that brings its old id and epoch (version 3+, KIP-360) gets a new one too: its
state in the log belongs to the old id, so nothing can be mistaken. With one, its
coordinator knows better; see `broker.transactions.decisions`.
Kafka: KafkaApis.handleInitProducerIdRequest.
"""

from typing import Final

from broker.api.context import RequestContext
from broker.api.permissions import Resource
from broker.api.transaction_services import known_to
from broker.broker import Broker
from broker.transactions.decisions import Producer
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from broker.wire.record_batch import NO_PRODUCER_EPOCH, NO_PRODUCER_ID

FIRST_VERSION_WITH_PRODUCER_FENCED: Final = 4


async def handle(
    broker: Broker, context: RequestContext, request: InitProducerIdRequest
) -> InitProducerIdResponse:
    try:
        producer = await _producer(broker, context, request)
    except KafkaError as error:
        code = known_to(context.api_version, error.code, FIRST_VERSION_WITH_PRODUCER_FENCED)
        return InitProducerIdResponse(error_code=code, producer_epoch=NO_PRODUCER_EPOCH)
    return InitProducerIdResponse(
        producer_id=producer.producer_id, producer_epoch=producer.producer_epoch
    )


async def _producer(
    broker: Broker, context: RequestContext, request: InitProducerIdRequest
) -> Producer:
    if request.transactional_id is not None:
        context.require(Resource.TRANSACTIONAL_ID, request.transactional_id)
    else:
        context.require(Resource.CLUSTER)
    has_id = request.producer_id != NO_PRODUCER_ID
    if has_id != (request.producer_epoch != NO_PRODUCER_EPOCH):
        # Half of a producer: which one, or in which life, isn't said.
        raise KafkaError(ErrorCode.INVALID_REQUEST)
    if request.transactional_id is None:
        return Producer(await broker.producer_ids.next_id(), producer_epoch=0)
    expected = Producer(request.producer_id, request.producer_epoch) if has_id else None
    return await broker.transactions.init_producer_id(
        request.transactional_id, request.transaction_timeout_ms, expected
    )
