"""DescribeTransactions: what the coordinator knows of transactional ids.

Topics that one may not describe are left out. Kafka: KafkaApis.handleDescribeTransactionsRequest.
"""

from broker.api.context import RequestContext
from broker.api.permissions import Resource
from broker.api.transaction_services import TransactionServices
from broker.wire.errors import KafkaError
from broker.wire.messages.describe_transactions import (
    DescribeTransactionsRequest,
    DescribeTransactionsResponse,
    TopicData,
    TransactionState,
)


async def handle(
    broker: TransactionServices, context: RequestContext, request: DescribeTransactionsRequest
) -> DescribeTransactionsResponse:
    return DescribeTransactionsResponse(
        transaction_states=[
            _state(broker, context, transactional_id)
            for transactional_id in request.transactional_ids
        ]
    )


def _state(
    broker: TransactionServices, context: RequestContext, transactional_id: str
) -> TransactionState:
    try:
        context.require(Resource.TRANSACTIONAL_ID, transactional_id)
        found = broker.transactions.describe(transactional_id)
    except KafkaError as error:
        return TransactionState(transactional_id=transactional_id, error_code=error.code)
    topics: dict[str, TopicData] = {}
    for partition in sorted(found.partitions, key=lambda tp: (tp.topic, tp.partition)):
        if context.may(Resource.TOPIC, partition.topic):
            topic = topics.setdefault(partition.topic, TopicData(topic=partition.topic))
            topic.partitions.append(partition.partition)
    return TransactionState(
        transactional_id=transactional_id,
        transaction_state=found.state.value,
        transaction_timeout_ms=found.timeout_ms,
        transaction_start_time_ms=found.start_ms,
        producer_id=found.producer_id,
        producer_epoch=found.producer_epoch,
        topics=list(topics.values()),
    )
