"""AddOffsetsToTxn: a transaction is about to commit offsets of a group.

What is added is the group's partition of `__consumer_offsets`: there its marker goes, with which
the offsets are committed.
Kafka: KafkaApis.handleAddOffsetsToTxnRequest.
"""

from broker.api.context import RequestContext
from broker.api.permissions import Resource
from broker.api.transaction_services import OffsetTransactionServices, known_to
from broker.groups.offsets_log import OFFSETS_TOPIC
from broker.transactions.decisions import Producer
from broker.wire.errors import KafkaError
from broker.wire.messages.add_offsets_to_txn import (
    AddOffsetsToTxnRequest,
    AddOffsetsToTxnResponse,
)
from coordination.values import TopicPartition


async def handle(
    broker: OffsetTransactionServices, context: RequestContext, request: AddOffsetsToTxnRequest
) -> AddOffsetsToTxnResponse:
    try:
        context.require(Resource.TRANSACTIONAL_ID, request.transactional_id)
        context.require(Resource.GROUP, request.group_id)
        await broker.transactions.add_partitions(
            request.transactional_id,
            Producer(request.producer_id, request.producer_epoch),
            [TopicPartition(OFFSETS_TOPIC, broker.groups.partition_for(request.group_id))],
        )
    except KafkaError as error:
        return AddOffsetsToTxnResponse(error_code=known_to(context.api_version, error.code))
    return AddOffsetsToTxnResponse()
