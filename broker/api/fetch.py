"""Fetch: records for a consumer or a follower, straight from the log's files.

Versions up to 12 name topics, 13 and later give topic ids (KIP-516). From 7 on a request may go on
with a fetch session (`broker.replica.fetch_sessions`): it names the partitions for which it asks
something new, and is answered those of which there's news.

A consumer that has used up its quota is answered without records, and asks for them again.

The answer keeps the order: a topic is answered anew whenever another one came in between.

From 16 on a client that asked the wrong broker is told who leads, and where (KIP-951).

Who asks in a version below 4 gets records of formats 0 and 1 (`broker.replica.down_conversion`).
One below 10 doesn't know of zstd, and is told so where the topic has that codec (KIP-110).
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial

import trio

from broker.api.context import RequestContext
from broker.api.current_leader import leader_and_epoch, leader_endpoints
from broker.api.permissions import Resource
from broker.api.throttling import replica_id_of
from broker.broker import Broker
from broker.log.values import UNDEFINED_EPOCH
from broker.quotas.rate import in_ms
from broker.replica.down_conversion import (
    FIRST_VERSION_WITH_FORMAT_2,
    MOST_BYTES,
    down_converted,
)
from broker.replica.fetch import fetch, note_progress, note_sent
from broker.replica.fetch_sessions import Exchange, FetchRequested
from broker.replica.interest import Interest, Key, key_of
from broker.replica.interests import CONSUMER, Reads
from broker.replica.looking import FetchParameters
from broker.replica.partition_read import PartitionFetch, PartitionRead
from broker.wire.compression import Compression
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.fetch import (
    AbortedTransaction,
    EpochEndOffset,
    FetchableTopicResponse,
    FetchPartition,
    FetchRequest,
    FetchResponse,
    LeaderIdAndEpoch,
    NodeEndpoint,
    PartitionData,
)
from coordination.values import ZERO_UUID

FIRST_VERSION_WITH_STORAGE_ERROR = 6
FIRST_VERSION_WITH_ZSTD = 10
FIRST_VERSION_WITH_RACKS = 11
FIRST_VERSION_WITH_TOPIC_IDS = 13
FIRST_VERSION_WITH_LEADERS = 16
READ_UNCOMMITTED, READ_COMMITTED = ISOLATION_LEVELS = (0, 1)
# Kafka's handler finds these itself, asks no log, and answers with an empty list of aborted
# transactions; with what a log has against the request there is no list.
REFUSED_BY_THE_HANDLER = (
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ErrorCode.UNKNOWN_TOPIC_ID,
    ErrorCode.TOPIC_AUTHORIZATION_FAILED,
)
WITHOUT_ABORTED = (*REFUSED_BY_THE_HANDLER, ErrorCode.UNSUPPORTED_COMPRESSION_TYPE)
WRONG_BROKER = (ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.FENCED_LEADER_EPOCH)


async def handle(broker: Broker, context: RequestContext, request: FetchRequest) -> FetchResponse:
    parameters = _parameters(broker, context, request)
    deadline_s = trio.current_time() + (parameters.max_wait_s if parameters.min_bytes > 0 else 0)
    sessions = broker.fetch_sessions
    try:
        exchange = sessions.begin(
            _requested(broker, context, parameters.replica_id, request), trio.current_time()
        )
    except KafkaError as error:
        return FetchResponse(error_code=error.code)
    try:
        if request.isolation_level not in ISOLATION_LEVELS and _is_of_a_log(broker, exchange):
            return _stumbling(context, request)
        if parameters.from_follower:
            for partition in note_progress(broker.replicas, parameters, exchange.interests):
                broker.isr_changes.follower_caught_up(partition, parameters.replica_id)
        reads = await fetch(broker.replicas, parameters, exchange.interests)
        quiet_ms = _quiet_ms(broker, context, parameters, reads)
        if quiet_ms:
            return _put_off(broker, exchange, reads, quiet_ms, request.session_id)
        session_id, reads = sessions.answer(exchange, reads, trio.current_time())
        note_sent(broker.replicas, parameters, reads)
    except KafkaError as error:
        return FetchResponse(error_code=error.code, session_id=request.session_id)
    finally:
        exchange.end()
    if context.api_version < FIRST_VERSION_WITH_FORMAT_2:
        reads = await down_converted(broker.replicas, reads, context.api_version, deadline_s)
    return _response(broker, context, parameters, session_id, reads)


def _is_of_a_log(broker: Broker, exchange: Exchange) -> bool:
    """Whether any of the partitions that are asked for is known here."""
    cluster = broker.metadata.current
    return any(
        interest.topic is not None and cluster.partition(interest.topic_partition) is not None
        for interest in exchange.interests.all.values()
    )


def _stumbling(context: RequestContext, request: FetchRequest) -> FetchResponse:
    """What Kafka answers to an isolation level that there is none of: it knows no better."""
    error = ErrorCode.UNKNOWN_SERVER_ERROR
    response = FetchResponse(error_code=error, session_id=request.session_id)
    if context.api_version < FIRST_VERSION_WITH_TOPIC_IDS:  # clients look at the partitions
        response.responses = [
            FetchableTopicResponse(
                topic=topic.topic,
                partitions=[
                    PartitionData(
                        partition_index=partition.partition,
                        error_code=error,
                        high_watermark=-1,
                        aborted_transactions=[],
                        records=None,
                    )
                    for partition in topic.partitions
                ],
            )
            for topic in request.topics
        ]
    return response


def _parameters(broker: Broker, context: RequestContext, request: FetchRequest) -> FetchParameters:
    state = request.replica_state
    replica_id = max(CONSUMER, replica_id_of(request))
    # Whoever waits longer is looked at as silent: it may be gone, and hold a descriptor for weeks.
    max_idle_ms = broker.config.connections_max_idle_ms
    wait_ms = request.max_wait_ms if max_idle_ms < 0 else min(request.max_wait_ms, max_idle_ms)
    max_bytes = min(request.max_bytes, broker.config.fetch_max_bytes)
    if context.api_version < FIRST_VERSION_WITH_FORMAT_2:
        max_bytes = min(max_bytes, MOST_BYTES)
    if replica_id == CONSUMER and broker.quotas.in_force:
        # More at once would be put off whenever it is asked for.
        most = broker.quotas.fetch.most_at_once(context.user, context.client)
        max_bytes = int(min(max_bytes, most))
    knows_racks = context.api_version >= FIRST_VERSION_WITH_RACKS
    return FetchParameters(
        replica_id=replica_id,
        replica_epoch=-1 if state is None else state.replica_epoch,
        max_wait_s=wait_ms / 1000,
        min_bytes=min(request.min_bytes, max_bytes),
        max_bytes=max_bytes,
        read_committed=request.isolation_level == READ_COMMITTED,
        client_rack=request.rack_id if knows_racks else None,
        listener=context.listener,
        may_read=_may_read(context, from_follower=replica_id != CONSUMER),
    )


def _put_off(
    broker: Broker, exchange: Exchange, reads: Reads, quiet_ms: int, session_id: int
) -> FetchResponse:
    """Without records, to be asked for again; whatever else is wrong, he is to be quiet."""
    response = FetchResponse(session_id=session_id, throttle_time_ms=quiet_ms)
    try:
        response.session_id = broker.fetch_sessions.put_off(exchange, reads)
    except KafkaError as error:
        response.error_code = error.code
    return response


def _quiet_ms(
    broker: Broker, context: RequestContext, parameters: FetchParameters, reads: Reads
) -> int:
    """For how long a consumer gets nothing, because with these it'd have read more than it may."""
    if parameters.from_follower or not broker.quotas.in_force:
        return 0
    quota, size_bytes = broker.quotas.fetch, sum(read.size_bytes for read in reads.values())
    quiet_ms = in_ms(quota.use(context.user, context.client, size_bytes))
    if quiet_ms:
        quota.give_back(context.user, context.client, size_bytes)
    return quiet_ms


def _may_read(context: RequestContext, from_follower: bool) -> Callable[[str], bool]:
    """Whether it may read a topic; asked once for each, and for a follower once for all."""
    if from_follower:
        may = context.may(Resource.CLUSTER)
        return lambda _topic: may
    return cache(partial(context.may, Resource.TOPIC))


def _requested(
    broker: Broker, context: RequestContext, replica_id: int, request: FetchRequest
) -> FetchRequested:
    by_id = context.api_version >= FIRST_VERSION_WITH_TOPIC_IDS
    return FetchRequested(
        request.session_id,
        request.session_epoch,
        by_id,
        replica_id,
        tuple(_named(broker, request, by_id)),
        tuple(_forgotten(request, by_id)),
    )


def _named(broker: Broker, request: FetchRequest, by_id: bool) -> Iterator[Interest]:
    for topic in request.topics:
        name = broker.replicas.topic_name(topic.topic_id) if by_id else topic.topic
        topic_id = topic.topic_id if by_id else ZERO_UUID
        for partition in topic.partitions:
            yield Interest(name, topic_id, partition.partition, _asked(partition))


def _asked(partition: FetchPartition) -> PartitionFetch:
    """Any negative epoch says that it isn't known (FetchRequest.optionalEpoch)."""
    return PartitionFetch(
        fetch_offset=partition.fetch_offset,
        max_bytes=partition.partition_max_bytes,
        current_leader_epoch=max(UNDEFINED_EPOCH, partition.current_leader_epoch),
        last_fetched_epoch=max(UNDEFINED_EPOCH, partition.last_fetched_epoch),
        log_start_offset=partition.log_start_offset,
    )


def _forgotten(request: FetchRequest, by_id: bool) -> Iterator[Key]:
    for topic in request.forgotten_topics_data:
        for partition in topic.partitions:
            yield key_of(topic.topic, topic.topic_id if by_id else ZERO_UUID, partition)


def _response(
    broker: Broker,
    context: RequestContext,
    parameters: FetchParameters,
    session_id: int,
    reads: Reads,
) -> FetchResponse:
    topics: list[FetchableTopicResponse] = []
    for interest, read in _in_order(reads):
        name = "" if interest.topic is None else interest.topic
        if not topics or (topics[-1].topic, topics[-1].topic_id) != (name, interest.topic_id):
            topics.append(FetchableTopicResponse(topic=name, topic_id=interest.topic_id))
        topics[-1].partitions.append(_data(broker, context, interest, read))
    response = FetchResponse(session_id=session_id, responses=topics)
    named = (each.current_leader for topic in topics for each in topic.partitions)
    response.node_endpoints = leader_endpoints(broker, context.listener, NodeEndpoint, named)
    return response


def _in_order(reads: Reads) -> Iterable[tuple[Interest, PartitionRead]]:
    """As they were looked at, but as in Kafka, those of which no log was asked come last.

    Its handler looks for names of ids first, and then for partitions of names.
    """

    def rank(read: PartitionRead) -> int:
        if read.error is None or read.error.code not in REFUSED_BY_THE_HANDLER:
            return 0
        return 1 if read.error.code is ErrorCode.UNKNOWN_TOPIC_ID else 2

    return sorted(reads.items(), key=lambda item: rank(item[1]))


def _data(
    broker: Broker,
    context: RequestContext,
    interest: Interest,
    read: PartitionRead,
) -> PartitionData:
    error = read.error or _unreadable(context, read)
    if error is not None:
        return PartitionData(
            partition_index=interest.partition,
            error_code=_error_code(context, error),
            high_watermark=-1,
            current_leader=_current_leader(broker, context, interest, error),
            aborted_transactions=[] if error.code in WITHOUT_ABORTED else None,
            records=[],
        )
    return PartitionData(
        partition_index=interest.partition,
        high_watermark=read.high_watermark,
        last_stable_offset=read.last_stable_offset,
        log_start_offset=read.log_start_offset,
        diverging_epoch=None
        if read.diverging is None
        else EpochEndOffset(
            epoch=read.diverging.leader_epoch, end_offset=read.diverging.end_offset
        ),
        aborted_transactions=None
        if read.aborted is None
        else [
            AbortedTransaction(producer_id=aborted.producer_id, first_offset=aborted.first_offset)
            for aborted in read.aborted
        ],
        preferred_read_replica=read.preferred_read_replica,
        records=list(read.regions) if read.converted is None else read.converted,
    )


def _unreadable(context: RequestContext, read: PartitionRead) -> KafkaError | None:
    """Why a client of that version could not make sense of the records, whatever they are."""
    if (
        context.api_version < FIRST_VERSION_WITH_ZSTD
        and read.partition is not None
        and read.partition.log.config.compression_type is Compression.ZSTD
    ):
        return KafkaError(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE)
    return None


def _error_code(context: RequestContext, error: KafkaError) -> ErrorCode:
    """An older client asks another broker, rather than give up on a code that it doesn't know."""
    if (
        error.code is ErrorCode.KAFKA_STORAGE_ERROR
        and context.api_version < FIRST_VERSION_WITH_STORAGE_ERROR
    ):
        return ErrorCode.NOT_LEADER_OR_FOLLOWER
    return error.code


def _current_leader(
    broker: Broker, context: RequestContext, interest: Interest, error: KafkaError
) -> LeaderIdAndEpoch | None:
    """Where the client should go instead, as far as we know."""
    if error.code not in WRONG_BROKER or context.api_version < FIRST_VERSION_WITH_LEADERS:
        return None
    leader, epoch = leader_and_epoch(broker, interest.topic_partition)
    return LeaderIdAndEpoch(leader_id=leader, leader_epoch=epoch)
