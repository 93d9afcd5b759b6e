"""ListTransactions: the transactional ids of this coordinator, as far as one may see them.

A filter by states that there are not is answered with their names, and selects nothing.
Kafka: KafkaApis.handleListTransactionsRequest.
"""

from broker.api.context import RequestContext
from broker.api.permissions import Resource
from broker.api.transaction_services import TransactionServices
from broker.transactions.inspection import Filters
from broker.wire.errors import KafkaError
from broker.wire.messages.list_transactions import (
    ListTransactionsRequest,
    ListTransactionsResponse,
    TransactionState,
)


async def handle(
    broker: TransactionServices, context: RequestContext, request: ListTransactionsRequest
) -> ListTransactionsResponse:
    filters = Filters(request.state_filters, request.producer_id_filters, request.duration_filter)
    try:
        found = broker.transactions.list(filters)
    except KafkaError as error:
        return ListTransactionsResponse(error_code=error.code)
    return ListTransactionsResponse(
        unknown_state_filters=filters.unknown_states,
        transaction_states=[
            TransactionState(
                transactional_id=each.transactional_id,
                producer_id=each.producer_id,
                transaction_state=each.state.value,
            )
            for each in found
            if context.may(Resource.TRANSACTIONAL_ID, each.transactional_id)
        ],
    )
