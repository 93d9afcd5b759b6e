"""Fetch: records for a consumer or a follower, straight from the log's files.

Versions up to 12 name topics, 13 and later give topic ids (KIP-516). Fetch
sessions (KIP-227) are not made: every answer carries session id 0, which tells
the client to send its whole list of partitions the next time too. A request that goes on
with a session is told FETCH_SESSION_ID_NOT_FOUND.
"""

from collections.abc import Iterator
from uuid import UUID

import attrs

from broker.api.context import RequestContext
from broker.api.permissions import Resource
from broker.broker import Broker
from broker.replica.fetch import (
    FetchParameters,
    PartitionFetch,
    PartitionRead,
    fetch,
    note_progress,
)
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.fetch import (
    EpochEndOffset,
    FetchableTopicResponse,
    FetchPartition,
    FetchRequest,
    FetchResponse,
    FetchTopic,
    LeaderIdAndEpoch,
    PartitionData,
)
from coordination.values import TopicPartition

FIRST_VERSION_WITH_TOPIC_IDS = 13
FIRST_VERSION_WITH_TAGS = 12
NO_SESSION = 0
# Session epochs of a request that doesn't go on with a session, whatever id it names.
FULL_FETCHES = (-1, 0)
UNDEFINED_EPOCH = -1
READ_COMMITTED = 1


@attrs.define
class _Entry:
    """One partition of the request, with the answer as far as it is known already."""

    topic: FetchTopic
    partition: FetchPartition
    name: str | None  # None: no topic has this id
    refusal: ErrorCode | None  # why it isn't read

    @property
    def key(self) -> tuple[str, UUID, int]:
        return self.topic.topic, self.topic.topic_id, self.partition.partition


async def handle(broker: Broker, context: RequestContext, request: FetchRequest) -> FetchResponse:
    if request.session_epoch not in FULL_FETCHES:
        return FetchResponse(error_code=ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
    # As in Kafka, the last one counts if a partition is named twice.
    parameters = _parameters(request, broker.config.fetch_max_bytes)
    entries = list({e.key: e for e in _entries(broker, context, request, parameters)}.values())
    readable = [entry for entry in entries if entry.refusal is None]
    fetches = [_partition_fetch(entry) for entry in readable]
    if len(readable) < len(entries):
        # There is an error to answer: don't wait for records.
        parameters = attrs.evolve(parameters, max_wait_s=0)
    if parameters.from_follower:
        for partition in note_progress(broker.replicas, parameters, fetches):
            broker.isr_changes.follower_caught_up(partition, parameters.replica_id)
    reads = await fetch(broker.replicas, parameters, fetches)
    return _response(broker, context, parameters, entries, reads)


def _parameters(request: FetchRequest, max_bytes: int) -> FetchParameters:
    state = request.replica_state
    return FetchParameters(
        replica_id=request.replica_id if state is None else state.replica_id,
        replica_epoch=-1 if state is None else state.replica_epoch,
        max_wait_s=request.max_wait_ms / 1000,
        min_bytes=request.min_bytes,
        max_bytes=min(request.max_bytes, max_bytes),
        read_committed=request.isolation_level == READ_COMMITTED,
    )


def _entries(
    broker: Broker, context: RequestContext, request: FetchRequest, parameters: FetchParameters
) -> Iterator[_Entry]:
    by_id = context.api_version >= FIRST_VERSION_WITH_TOPIC_IDS
    for topic in request.topics:
        name = broker.replicas.topic_name(topic.topic_id) if by_id else topic.topic
        refusal = _refusal(context, parameters, name)
        for partition in topic.partitions:
            yield _Entry(topic, partition, name, refusal)


def _refusal(
    context: RequestContext, parameters: FetchParameters, name: str | None
) -> ErrorCode | None:
    if name is None:
        return ErrorCode.UNKNOWN_TOPIC_ID
    follower = parameters.from_follower
    may_read = context.may(Resource.CLUSTER) if follower else context.may(Resource.TOPIC, name)
    return None if may_read else ErrorCode.TOPIC_AUTHORIZATION_FAILED


def _partition_fetch(entry: _Entry) -> PartitionFetch:
    assert entry.name is not None
    partition = entry.partition
    return PartitionFetch(
        TopicPartition(entry.name, partition.partition),
        topic_id=entry.topic.topic_id,
        fetch_offset=partition.fetch_offset,
        max_bytes=partition.partition_max_bytes,
        # Any negative epoch says that it isn't known (FetchRequest.optionalEpoch).
        current_leader_epoch=max(UNDEFINED_EPOCH, partition.current_leader_epoch),
        last_fetched_epoch=max(UNDEFINED_EPOCH, partition.last_fetched_epoch),
        log_start_offset=partition.log_start_offset,
    )


def _response(
    broker: Broker,
    context: RequestContext,
    parameters: FetchParameters,
    entries: list[_Entry],
    reads: list[PartitionRead],
) -> FetchResponse:
    remaining = iter(reads)
    topics: dict[str | UUID, FetchableTopicResponse] = {}
    for entry in entries:
        key = entry.topic.topic or entry.topic.topic_id
        topic = topics.setdefault(
            key,
            FetchableTopicResponse(topic=entry.topic.topic, topic_id=entry.topic.topic_id),
        )
        if entry.refusal is not None:
            topic.partitions.append(_error_data(entry.partition.partition, entry.refusal))
        else:
            data = _data(broker, context, next(remaining), parameters.read_committed)
            topic.partitions.append(data)
    return FetchResponse(session_id=NO_SESSION, responses=list(topics.values()))


def _data(
    broker: Broker, context: RequestContext, read: PartitionRead, read_committed: bool
) -> PartitionData:
    index = read.fetch.topic_partition.partition
    if read.error is not None:
        data = _error_data(index, read.error.code)
        if context.api_version >= FIRST_VERSION_WITH_TAGS:
            data.current_leader = _current_leader(broker, read.fetch.topic_partition, read.error)
        return data
    return PartitionData(
        partition_index=index,
        high_watermark=read.high_watermark,
        last_stable_offset=read.last_stable_offset,
        log_start_offset=read.log_start_offset,
        diverging_epoch=None
        if read.diverging is None
        else EpochEndOffset(
            epoch=read.diverging.leader_epoch, end_offset=read.diverging.end_offset
        ),
        aborted_transactions=[] if read_committed else None,
        records=list(read.regions),
    )


def _error_data(index: int, code: ErrorCode) -> PartitionData:
    return PartitionData(
        partition_index=index,
        error_code=code,
        high_watermark=-1,
        aborted_transactions=None,
        records=[],
    )


def _current_leader(
    broker: Broker, topic_partition: TopicPartition, error: KafkaError
) -> LeaderIdAndEpoch | None:
    """Where the client should go instead, as far as we know (KIP-595)."""
    if error.code not in (ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.FENCED_LEADER_EPOCH):
        return None
    known = broker.metadata.current.partition(topic_partition)
    if known is None:
        return None
    return LeaderIdAndEpoch(
        leader_id=known.leader_and_isr.leader, leader_epoch=known.leader_and_isr.leader_epoch
    )
