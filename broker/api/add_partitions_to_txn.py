"""AddPartitionsToTxn: partitions that a transaction will write to, or: whether they are in it.

Producers send versions 0-3, with one transaction, and need permission to write to each topic.
Brokers send version 4 and later, with many, mostly only to verify (KIP-890), and need the
cluster's.

One partition that may not be added keeps all of its transaction from being added: the others are
OPERATION_NOT_ATTEMPTED. What is added, or refused together, is answered topic for topic as it was
asked for, where partitions have errors of their own each of them is named once.

Of a transactional id that a request names twice, the partitions named last count both times, and
what is refused or added together is answered by the topics named first: as in Kafka, which keeps
the one in a map and looks for the other in a list.
Kafka: KafkaApis.handleAddPartitionsToTxnRequest.
"""

from collections.abc import Mapping, Sequence
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
    AddPartitionsToTxnTopic,
    AddPartitionsToTxnTopicResult,
    AddPartitionsToTxnTransaction,
)
from coordination.values import TopicPartition

FIRST_VERSION_FOR_BROKERS: Final = 4

Errors = Mapping[TopicPartition, ErrorCode]
Answer = list[AddPartitionsToTxnTopicResult]
Topics = Sequence[AddPartitionsToTxnTopic]


async def handle(
    broker: TransactionServices, context: RequestContext, request: AddPartitionsToTxnRequest
) -> AddPartitionsToTxnResponse:
    if context.api_version >= FIRST_VERSION_FOR_BROKERS:
        if not context.may(Resource.CLUSTER):
            return AddPartitionsToTxnResponse(error_code=ErrorCode.CLUSTER_AUTHORIZATION_FAILED)
        named_last = {each.transactional_id: each.topics for each in request.transactions}
        named_first = {each.transactional_id: each.topics for each in request.transactions[::-1]}
        return AddPartitionsToTxnResponse(
            results_by_transaction=[
                AddPartitionsToTxnResult(
                    transactional_id=each.transactional_id,
                    topic_results=await _add_or_verify(
                        broker,
                        context,
                        each,
                        named_last[each.transactional_id],
                        named_first[each.transactional_id],
                    ),
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
    refusal = _refusal(context, transaction)
    return AddPartitionsToTxnResponse(
        results_by_topic_v3_and_below=await _add_or_verify(
            broker, context, transaction, transaction.topics, transaction.topics
        )
        if refusal is None
        else refusal
    )


def _refusal(context: RequestContext, transaction: AddPartitionsToTxnTransaction) -> Answer | None:
    """If the client may not write to all of the partitions."""
    if not context.may(Resource.TRANSACTIONAL_ID, transaction.transactional_id):
        return _together(transaction.topics, ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    partitions = _partitions(transaction.topics)
    refused = {
        partition
        for partition in partitions
        if partition.topic in INTERNAL_TOPICS or not context.may(Resource.TOPIC, partition.topic)
    }
    return _all_or_none(partitions, refused, ErrorCode.TOPIC_AUTHORIZATION_FAILED)


async def _add_or_verify(
    broker: TransactionServices,
    context: RequestContext,
    transaction: AddPartitionsToTxnTransaction,
    topics: Topics,
    answered: Topics,
) -> Answer:
    """Those of `topics`. answered: which to name for what is added, or refused together."""
    partitions = _partitions(topics)
    cluster = broker.metadata.current
    unknown = {partition for partition in partitions if cluster.partition(partition) is None}
    refused = _all_or_none(partitions, unknown, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    if refused is not None:
        return refused
    transactional_id = transaction.transactional_id
    producer = Producer(transaction.producer_id, transaction.producer_epoch)
    if transaction.verify_only:
        try:
            errors: Errors = broker.transactions.verify_partitions(
                transactional_id, producer, partitions
            )
        except KafkaError as error:
            errors = dict.fromkeys(partitions, error.code)
        return _each(errors)
    try:
        await broker.transactions.add_partitions(transactional_id, producer, partitions)
    except KafkaError as error:
        return _together(answered, known_to(context.api_version, error.code))
    return _together(answered, ErrorCode.NONE)


def _partitions(topics: Topics) -> list[TopicPartition]:
    return [TopicPartition(topic.name, index) for topic in topics for index in topic.partitions]


def _all_or_none(
    partitions: list[TopicPartition], failed: set[TopicPartition], error: ErrorCode
) -> Answer | None:
    if not failed:
        return None
    return _each(
        {
            partition: error if partition in failed else ErrorCode.OPERATION_NOT_ATTEMPTED
            for partition in partitions
        }
    )


def _together(topics: Topics, error: ErrorCode) -> Answer:
    return [
        AddPartitionsToTxnTopicResult(
            name=topic.name,
            results_by_partition=[
                AddPartitionsToTxnPartitionResult(partition_index=index, partition_error_code=error)
                for index in topic.partitions
            ],
        )
        for topic in topics
    ]


def _each(errors: Errors) -> Answer:
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
