"""EndTxn: commit or abort. Answered when the outcome is decided, that is, in the coordinator's log.

Kafka: KafkaApis.handleEndTxnRequest.
"""

from broker.api.context import RequestContext
from broker.api.permissions import Resource
from broker.api.transaction_services import TransactionServices, known_to
from broker.transactions.decisions import Producer
from broker.wire.errors import KafkaError
from broker.wire.messages.end_txn import EndTxnRequest, EndTxnResponse


async def handle(
    broker: TransactionServices, context: RequestContext, request: EndTxnRequest
) -> EndTxnResponse:
    try:
        context.require(Resource.TRANSACTIONAL_ID, request.transactional_id)
        await broker.transactions.end_transaction(
            request.transactional_id,
            Producer(request.producer_id, request.producer_epoch),
            commit=request.committed,
        )
    except KafkaError as error:
        return EndTxnResponse(error_code=known_to(context.api_version, error.code))
    return EndTxnResponse()
