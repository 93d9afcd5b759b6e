"""AddPartitionsToTxn: partitions that a transaction will write to, or: whether they are in it.

Producers send versions 0-3, with one transaction, and need permission to write to each topic.
Brokers send version 4 and later, with many, mostly only to verify (KIP-890), and need the
cluster's.

One partition that may not be added keeps all of its transaction from being added: the others are
OPERATION_NOT_ATTEMPTED. Kafka: KafkaApis.handleAddPartitionsToTxnRequest.
"""

from collections.abc import Mapping
from typing import Final

from broker.admin.topics import INTERNAL_TOPICS
from broker.api.context import RequestContext
from broker.api.permissions import Resource
from broker.api.transaction_services import TransactionServices, known_to
from broker.transactions.decisions import Producer
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.add_partitions_to_txn import (
    AddPartitionsToTxnPartitionResult,
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnResponse,
    AddPartitionsToTxnResult,
    AddPartitionsToTxnTopicResult,
    AddPartitionsToTxnTransaction,
)
from coordination.values import TopicPartition

FIRST_VERSION_FOR_BROKERS: Final = 4

Errors = Mapping[TopicPartition, ErrorCode]


async def handle(
    broker: TransactionServices, context: RequestContext, request: AddPartitionsToTxnRequest
) -> AddPartitionsToTxnResponse:
    if context.api_version >= FIRST_VERSION_FOR_BROKERS:
        if not context.may(Resource.CLUSTER):
            return AddPartitionsToTxnResponse(error_code=ErrorCode.CLUSTER_AUTHORIZATION_FAILED)
        return AddPartitionsToTxnResponse(
            results_by_transaction=[
                AddPartitionsToTxnResult(
                    transactional_id=each.transactional_id,
                    topic_results=_results(await _add_or_verify(broker, each)),
                )
                for each in request.transactions
            ]
        )
    transaction = AddPartitionsToTxnTransaction(
        transactional_id=request.v3_and_below_transactional_id,
        producer_id=request.v3_and_below_producer_id,
        producer_epoch=request.v3_and_below_producer_epoch,
        topics=request.v3_and_below_topics,
    )
    errors = _refusals(context, transaction) or await _add_or_verify(broker, transaction)
    return AddPartitionsToTxnResponse(
        results_by_topic_v3_and_below=_results(
            {partition: known_to(context.api_version, error) for partition, error in errors.items()}
        )
    )


def _refusals(context: RequestContext, transaction: AddPartitionsToTxnTransaction) -> Errors | None:
    """An error for each partition if the client may not write to all of them."""
    partitions = _partitions(transaction)
    if not context.may(Resource.TRANSACTIONAL_ID, transaction.transactional_id):
        return dict.fromkeys(partitions, ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    refused = {
        partition
        for partition in partitions
        if partition.topic in INTERNAL_TOPICS or not context.may(Resource.TOPIC, partition.topic)
    }
    return _all_or_none(partitions, refused, ErrorCode.TOPIC_AUTHORIZATION_FAILED)


async def _add_or_verify(
    broker: TransactionServices, transaction: AddPartitionsToTxnTransaction
) -> Errors:
    partitions = _partitions(transaction)
    cluster = broker.metadata.current
    unknown = {partition for partition in partitions if cluster.partition(partition) is None}
    errors = _all_or_none(partitions, unknown, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    if errors is not None:
        return errors
    producer = Producer(transaction.producer_id, transaction.producer_epoch)
    try:
        if transaction.verify_only:
            return broker.transactions.verify_partitions(
                transaction.transactional_id, producer, partitions
            )
        await broker.transactions.add_partitions(transaction.transactional_id, producer, partitions)
    except KafkaError as error:
        return dict.fromkeys(partitions, error.code)
    return dict.fromkeys(partitions, ErrorCode.NONE)


def _partitions(transaction: AddPartitionsToTxnTransaction) -> list[TopicPartition]:
    return [
        TopicPartition(topic.name, index)
        for topic in transaction.topics
        for index in topic.partitions
    ]


def _all_or_none(
    partitions: list[TopicPartition], failed: set[TopicPartition], error: ErrorCode
) -> Errors | None:
    if not failed:
        return None
    return {
        partition: error if partition in failed else ErrorCode.OPERATION_NOT_ATTEMPTED
        for partition in partitions
    }


def _results(errors: Errors) -> list[AddPartitionsToTxnTopicResult]:
    topics: dict[str, AddPartitionsToTxnTopicResult] = {}
    for partition, error in errors.items():
        topic = topics.setdefault(
            partition.topic, AddPartitionsToTxnTopicResult(name=partition.topic)
        )
        topic.results_by_partition.append(
            AddPartitionsToTxnPartitionResult(
                partition_index=partition.partition, partition_error_code=error
            )
        )
    return list(topics.values())
