"""Produce: append batches, answer when they're as safe as `acks` asks.

The appends of a request happen before the next one is looked at (see
`broker.network.listener` and `broker.replica.append`), and all at once; with acks=all
the answer comes `Later`. Two things may have to be waited for before: the word of
the coordinator, for records that begin a transaction
(`broker.api.produced_transactions`), and a thread, for a batch that must be
opened or compressed anew and is large (`broker.replica.preparation`).

Kafka's order of refusals, of which producers see the first one that applies:

    all of the request     bytes that can be no batch, before a transactional one is found;
                           transactional records without permission for the transactional id
    single partitions      no permission; no such partition, or not one batch; zstd before version 7
    all of the request     bytes anywhere in a message set that can be no message, before version 3;
                           transactional records of several producers
    single partitions      the coordinator knows nothing of the transaction
    what is left           other acks than -1, 0, 1
    single partitions      an internal topic; all that the log has against the batch
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

from broker.admin.topics import INTERNAL_TOPICS
from broker.api.context import RequestContext
from broker.api.current_leader import leader_and_epoch, leader_endpoints
from broker.api.permissions import Resource
from broker.api.produced_transactions import Unverified, is_transactional, verified
from broker.broker import Broker
from broker.log.old_formats import is_old
from broker.log.record_validation import InvalidRecords
from broker.log.validation import only_batch
from broker.network.answers import Answer, CloseConnection, Later
from broker.replica.append import (
    ALL,
    NO_GUARDS,
    Appended,
    append,
    are_acknowledged,
    wait_until_acknowledged,
)
from broker.replica.preparation import Entries, check_message_sets, prepare
from broker.wire.compression import Compression
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.message_set import is_whole
from broker.wire.messages.produce import (
    BatchIndexAndErrorMessage,
    LeaderIdAndEpoch,
    NodeEndpoint,
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceResponse,
)
from broker.wire.record_batch import CODEC_MASK, attributes_of, begins_with_batch
from coordination.values import TopicPartition

FIRST_VERSION_WITH_FORMAT_2: Final = 3  # and with no other
FIRST_VERSION_WITH_ZSTD: Final = 7
FIRST_VERSION_WITH_LEADERS: Final = 10  # KIP-951
# By this name, Kafka lets who administers the cluster mend its internal topics.
ADMIN_CLIENT_ID: Final = "__admin_client"


class Spoilt(KafkaError):
    """The whole request is refused for what is wrong with a part of it."""


# Of these the producer is told more than the code, as by Kafka.
EXPLAINED: Final = (InvalidRecords, Unverified, Spoilt)

Mentions = list[tuple[TopicPartition, memoryview]]


async def handle(broker: Broker, context: RequestContext, request: ProduceRequest) -> Answer:
    mentions: Mentions = [
        (TopicPartition(topic.name, partition.index), memoryview(partition.records or b""))
        for topic in request.topic_data
        for partition in topic.partition_data
    ]
    try:
        _check(context, request, mentions)
        appended = await _append(broker, context, request, mentions)
        refusal = None
    except KafkaError as error:
        refusal = error.alone()
        appended = [Appended(tp, refusal) for tp in dict(mentions)]
    if request.acks == 0:
        failed = next((entry for entry in appended if entry.error is not None), None)
        if failed is not None:
            # The producer hears of nothing, so it hears of this: by having to connect anew.
            raise CloseConnection(f"acks=0, and {failed.topic_partition}: {failed.error}")
        return None
    if request.acks != ALL or refusal is not None:
        return _response(broker, context, appended)
    timeout_s = request.timeout_ms / 1000  # what waits must not keep the request, and all its bytes

    async def wait() -> ProduceResponse:
        await wait_until_acknowledged(appended, timeout_s)
        return _response(broker, context, appended)

    return Later(wait, partial(are_acknowledged, appended))


async def _append(
    broker: Broker, context: RequestContext, request: ProduceRequest, mentions: Mentions
) -> list[Appended]:
    """Append those that may be appended. `Spoilt`: none of them may."""
    entries, refused_first = _sorted_out(broker, context, mentions)
    guards = NO_GUARDS
    refused: list[Appended] = []
    if context.api_version < FIRST_VERSION_WITH_FORMAT_2:
        known = [records for tp, records in entries.items() if not _unknown(broker, tp)]
        try:
            await check_message_sets(broker.replicas, known)
        except KafkaError as error:
            raise Spoilt(error.code, error.message) from error
    if request.transactional_id is not None:
        in_transaction = {tp: records for tp, records in entries.items() if _may_begin(records)}
        try:
            guards, refused = await verified(
                broker, context.api_version, request.transactional_id, in_transaction
            )
        except KafkaError as error:
            raise Spoilt(error.code, error.message) from error
        for entry in refused:
            del entries[entry.topic_partition]
    if request.acks not in (ALL, 0, 1):
        why = KafkaError(ErrorCode.INVALID_REQUIRED_ACKS, f"acks={request.acks}")
        appended = [
            Appended(tp, _not_one_batch_of(broker, context, tp, records) or why)
            for tp, records in entries.items()
        ]
    else:
        refused += _taken_out(entries, lambda tp, records: _internal(broker, context, tp, records))
        if context.api_version < FIRST_VERSION_WITH_FORMAT_2:
            empty = {tp for tp, records in entries.items() if not is_whole(records)}
            refused += [_nothing_appended(broker, tp) for tp in empty]
            entries = {tp: records for tp, records in entries.items() if tp not in empty}
        ready: Entries = {**entries}
        await prepare(broker.replicas, ready)
        appended = append(broker.replicas, ready.items(), request.acks, guards=guards)
    told = {entry.topic_partition: entry for entry in (*appended, *refused, *refused_first)}
    return list(told.values())


def _sorted_out(
    broker: Broker, context: RequestContext, mentions: Mentions
) -> tuple[dict[TopicPartition, memoryview], list[Appended]]:
    """What to append, and what is refused before any log is asked.

    As in Kafka, of a partition that is named twice the last batch counts that isn't refused here;
    but if one is, the producer hears of that.
    """
    entries, refused = {}, []
    some_twice = len(dict(mentions)) < len(mentions)
    for tp, records in mentions:
        error = _refusal_of(broker, context, tp, records)
        if error is None and some_twice:  # else the log finds it
            error = _not_one_batch_of(broker, context, tp, records)
        if error is None:
            entries[tp] = records
        else:
            refused.append(Appended(tp, error))
    return entries, refused


def _taken_out(
    entries: dict[TopicPartition, memoryview],
    refusal_of: Callable[[TopicPartition, memoryview], KafkaError | None],
) -> list[Appended]:
    """Those that are refused, with their errors; they are no longer among `entries`."""
    refused = [
        Appended(tp, error)
        for tp, records in entries.items()
        if (error := refusal_of(tp, records)) is not None
    ]
    for entry in refused:
        del entries[entry.topic_partition]
    return refused


def _nothing_appended(broker: Broker, topic_partition: TopicPartition) -> Appended:
    """For an old producer whose message set has no whole message: that's no error."""
    try:
        partition = broker.replicas.find(topic_partition)
        epoch = partition.leading().epoch
    except KafkaError as error:
        return Appended(topic_partition, error)
    return Appended(topic_partition, end_offset=0, leader_epoch=epoch, partition=partition)


def _check(context: RequestContext, request: ProduceRequest, mentions: Mentions) -> None:
    """Raise why nothing of the request is appended. Kafka: KafkaApis.handleProduceRequest."""
    try:
        has_transactional = any(is_transactional(records) for _, records in mentions)
    except KafkaError as error:
        raise Spoilt(error.code, error.message) from error
    if has_transactional and not (
        request.transactional_id is not None
        and context.may(Resource.TRANSACTIONAL_ID, request.transactional_id)
    ):
        raise KafkaError(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)


def _refusal_of(
    broker: Broker, context: RequestContext, topic_partition: TopicPartition, records: memoryview
) -> KafkaError | None:
    """Why this partition's records may not come by this request, whatever they are."""
    if not context.may(Resource.TOPIC, topic_partition.topic):
        return KafkaError(ErrorCode.TOPIC_AUTHORIZATION_FAILED)
    if context.api_version >= FIRST_VERSION_WITH_FORMAT_2 and is_old(records):
        return _not_one_batch_of(broker, context, topic_partition, records)
    if (
        FIRST_VERSION_WITH_FORMAT_2 <= context.api_version < FIRST_VERSION_WITH_ZSTD
        and attributes_of(records) & CODEC_MASK == Compression.ZSTD
        and _is_whole(records)
    ):
        return _unknown(broker, topic_partition) or KafkaError(
            ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
            f"Produce requests with version {context.api_version} are not allowed to use "
            "ZStandard compression",
        )
    return None


def _may_begin(records: memoryview) -> bool:
    """Whether the records are of a transaction; what is no batch is left to the log to refuse."""
    with suppress(KafkaError):
        return is_transactional(records)
    return False


def _is_whole(records: memoryview) -> bool:
    with suppress(KafkaError):
        return begins_with_batch(records)
    return False


def _internal(
    broker: Broker, context: RequestContext, topic_partition: TopicPartition, records: memoryview
) -> KafkaError | None:
    """Whether the topic is one that only the coordinators write to."""
    if topic_partition.topic not in INTERNAL_TOPICS or context.client_id == ADMIN_CLIENT_ID:
        return None
    return _not_one_batch_of(broker, context, topic_partition, records) or KafkaError(
        ErrorCode.INVALID_TOPIC_EXCEPTION,
        f"Cannot append to internal topic {topic_partition.topic}",
    )


def _not_one_batch_of(
    broker: Broker, context: RequestContext, topic_partition: TopicPartition, records: memoryview
) -> KafkaError | None:
    """What the append itself would find first, for records that are refused before it."""
    if context.api_version < FIRST_VERSION_WITH_FORMAT_2:
        return _unknown(broker, topic_partition)  # a message set may be anything
    try:
        only_batch(records)
    except KafkaError as error:
        return _unknown(broker, topic_partition) or error
    return _unknown(broker, topic_partition)


def _unknown(broker: Broker, topic_partition: TopicPartition) -> KafkaError | None:
    if broker.metadata.current.partition(topic_partition) is None:
        return KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    return None


def _response(broker: Broker, context: RequestContext, appended: list[Appended]) -> ProduceResponse:
    topics: dict[str, TopicProduceResponse] = {}
    for entry in appended:
        name = entry.topic_partition.topic
        topic = topics.setdefault(name, TopicProduceResponse(name=name))
        topic.partition_responses.append(_partition_response(broker, entry, context.api_version))
    response = ProduceResponse(responses=list(topics.values()))
    named = (each.current_leader for topic in topics.values() for each in topic.partition_responses)
    response.node_endpoints = leader_endpoints(broker, context.listener, NodeEndpoint, named)
    return response


def _partition_response(broker: Broker, entry: Appended, version: int) -> PartitionProduceResponse:
    response = PartitionProduceResponse(
        index=entry.topic_partition.partition,
        base_offset=entry.base_offset,
        log_append_time_ms=entry.log_append_time_ms,
        log_start_offset=entry.log_start_offset,
    )
    if entry.error is None:
        return response
    response.error_code = entry.error.code
    if isinstance(entry.error, EXPLAINED):
        response.error_message = entry.error.message
    if isinstance(entry.error, InvalidRecords):
        response.record_errors = [
            BatchIndexAndErrorMessage(batch_index=at, batch_index_error_message=why)
            for at, why in entry.error.reasons.items()
        ]
    if (
        entry.error.code is ErrorCode.NOT_LEADER_OR_FOLLOWER
        and version >= FIRST_VERSION_WITH_LEADERS
    ):
        leader, epoch = leader_and_epoch(broker, entry.topic_partition)
        response.current_leader = LeaderIdAndEpoch(leader_id=leader, leader_epoch=epoch)
    return response
