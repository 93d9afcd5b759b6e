"""OffsetFetch: how far groups have consumed.

version  groups  partitions               an error of the group is told
0        one     some, of ZooKeeper       -
1        one     some                     at each partition
2-7      one     some, or null for all    beside the topics
8-       many    some, or null for all    beside each group's topics
"""

from collections.abc import Iterable, Mapping
from typing import Final, TypeVar

from broker.api.context import RequestContext
from broker.api.group_services import GroupServices
from broker.api.permissions import Resource
from broker.groups.committed_offsets import CommittedOffset
from broker.groups.offsets import FetchedOffset
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopic,
    OffsetFetchResponse,
    OffsetFetchResponseGroup,
    OffsetFetchResponsePartition,
    OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic,
    OffsetFetchResponseTopics,
)
from coordination.values import TopicPartition

VERSION_FROM_ZOOKEEPER: Final = 0
FIRST_VERSION_WITH_GROUP_ERROR: Final = 2
FIRST_VERSION_WITH_MANY_GROUPS: Final = 8

Fetched = Mapping[TopicPartition, FetchedOffset]
Answer = TypeVar("Answer", OffsetFetchResponsePartition, OffsetFetchResponsePartitions)


async def handle(
    broker: GroupServices, context: RequestContext, request: OffsetFetchRequest
) -> OffsetFetchResponse:
    version = context.api_version
    if version >= FIRST_VERSION_WITH_MANY_GROUPS:
        return OffsetFetchResponse(
            groups=[
                await _fetch_group(broker, context, group, require_stable=request.require_stable)
                for group in request.groups
            ]
        )
    partitions = None if request.topics is None else _partitions(request.topics)
    fetch = _fetch_from_zookeeper if version == VERSION_FROM_ZOOKEEPER else _fetch
    try:
        fetched = await fetch(
            broker, context, request.group_id, partitions, require_stable=request.require_stable
        )
    except KafkaError as error:
        if version >= FIRST_VERSION_WITH_GROUP_ERROR:
            return OffsetFetchResponse(error_code=error.code)
        fetched = dict.fromkeys(partitions or [], FetchedOffset(error=error.code))
    return OffsetFetchResponse(topics=_topics(fetched))


async def _fetch(
    broker: GroupServices,
    context: RequestContext,
    group_id: str,
    partitions: list[TopicPartition] | None,
    *,
    require_stable: bool,
) -> Fetched:
    """What the coordinator has, of the topics that who asks may see."""
    context.require(Resource.GROUP, group_id)
    if partitions is None:
        fetched = await broker.groups.fetch_offsets(group_id, None, require_stable=require_stable)
        return {tp: each for tp, each in fetched.items() if context.may(Resource.TOPIC, tp.topic)}
    allowed = [tp for tp in partitions if context.may(Resource.TOPIC, tp.topic)]
    fetched = await broker.groups.fetch_offsets(group_id, allowed, require_stable=require_stable)
    denied = FetchedOffset(error=ErrorCode.TOPIC_AUTHORIZATION_FAILED)
    return {tp: fetched.get(tp, denied) for tp in partitions}


async def _fetch_group(
    broker: GroupServices,
    context: RequestContext,
    group: OffsetFetchRequestGroup,
    *,
    require_stable: bool,
) -> OffsetFetchResponseGroup:
    partitions = None
    if group.topics is not None:
        partitions = [TopicPartition(t.name, p) for t in group.topics for p in t.partition_indexes]
    try:
        fetched = await _fetch(
            broker, context, group.group_id, partitions, require_stable=require_stable
        )
    except KafkaError as error:
        return OffsetFetchResponseGroup(group_id=group.group_id, error_code=error.code)
    return OffsetFetchResponseGroup(
        group_id=group.group_id,
        topics=[
            OffsetFetchResponseTopics(
                name=topic,
                partitions=_answers(OffsetFetchResponsePartitions, partitions_of_topic),
            )
            for topic, partitions_of_topic in _by_topic(fetched).items()
        ],
    )


def _topics(fetched: Fetched) -> list[OffsetFetchResponseTopic]:
    return [
        OffsetFetchResponseTopic(
            name=topic,
            partitions=_answers(OffsetFetchResponsePartition, partitions),
        )
        for topic, partitions in _by_topic(fetched).items()
    ]


def _answers(answer_type: type[Answer], partitions: Mapping[int, FetchedOffset]) -> list[Answer]:
    """Of one topic: the versions before batching and those since name the same fields."""
    return [
        answer_type(
            partition_index=partition,
            committed_offset=found.committed.offset,
            committed_leader_epoch=found.committed.leader_epoch,
            metadata=found.committed.metadata,
            error_code=found.error,
        )
        for partition, found in partitions.items()
    ]


def _by_topic(fetched: Fetched) -> dict[str, dict[int, FetchedOffset]]:
    topics: dict[str, dict[int, FetchedOffset]] = {}
    for tp, found in fetched.items():
        topics.setdefault(tp.topic, {})[tp.partition] = found
    return topics


def _partitions(topics: Iterable[OffsetFetchRequestTopic]) -> list[TopicPartition]:
    return [TopicPartition(topic.name, p) for topic in topics for p in topic.partition_indexes]


async def _fetch_from_zookeeper(
    broker: GroupServices,
    context: RequestContext,
    group_id: str,
    partitions: list[TopicPartition] | None,
    *,
    require_stable: bool,
) -> Fetched:
    """Of the partitions that are named, for this version can't ask for all."""
    context.require(Resource.GROUP, group_id)
    cluster = broker.metadata.current
    fetched = {}
    for tp in partitions or []:
        found = FetchedOffset(error=ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        try:
            context.require(Resource.TOPIC, tp.topic)
            offset = (
                await broker.old_offsets.get(group_id, tp)
                if cluster.partition(tp) is not None
                else None
            )
            if offset is not None:
                found = FetchedOffset(CommittedOffset(offset))
        except KafkaError as error:
            found = FetchedOffset(error=error.code)
        fetched[tp] = found
    return fetched
