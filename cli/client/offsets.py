"""Offsets by time: each partition's leader is asked what its log has.

Who leads is asked first (Metadata), then every leader for all of its partitions at once
(ListOffsets). What a leader refuses because it isn't the leader any more is asked again.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from enum import IntEnum

import attrs

from broker.wire.errors import ErrorCode
from broker.wire.messages.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopic,
)
from broker.wire.messages.metadata import MetadataRequest, MetadataRequestTopic, MetadataResponse
from cli.client.cluster import RETRIABLE, Cluster
from cli.client.errors import RequestFailed
from coordination.values import TopicPartition

# Who asks, as replica id: a consumer, answered by the leader alone, or a tool that wants to know
# how far any replica has its log (Kafka: DEBUGGING_REPLICA_ID).
CONSUMER, ANY_REPLICA = -1, -2
READ_UNCOMMITTED, READ_COMMITTED = 0, 1


class At(IntEnum):
    """Timestamps with a meaning of their own; all others are milliseconds since 1970."""

    LATEST = -1
    EARLIEST = -2
    MAX_TIMESTAMP = -3  # KIP-734
    EARLIEST_LOCAL = -4  # KIP-405
    LATEST_TIERED = -5  # KIP-1005


# The version of ListOffsets from which on a leader knows them.
_NEEDS = {At.MAX_TIMESTAMP: 7, At.EARLIEST_LOCAL: 8, At.LATEST_TIERED: 9}


@attrs.frozen
class Found:
    """What a leader answered: offset and timestamp are None where the log has none such."""

    offset: int | None
    timestamp_ms: int | None
    leader_epoch: int | None
    error: ErrorCode = ErrorCode.NONE


async def list_offsets(
    cluster: Cluster, wanted: Mapping[TopicPartition, int]
) -> dict[TopicPartition, Found]:
    """What is at each partition's timestamp (`At`, or milliseconds).

    A partition that does not exist, or has no leader at present, has an error instead.
    """

    async def ask() -> dict[TopicPartition, Found]:
        led, found = await _by_leader(cluster, wanted)
        for leader, partitions in led.items():
            asked = {partition: wanted[partition] for partition in partitions}
            answered = await offsets_at(cluster, leader, asked, replica_id=CONSUMER)
            for partition, at in answered.items():
                if at.error in RETRIABLE:
                    raise RequestFailed(f"offsets of {partition}", at.error)
            found.update(answered)
        return found

    return await cluster.retrying(ask) if wanted else {}


async def log_end_offsets(
    cluster: Cluster, partitions: Iterable[TopicPartition]
) -> dict[TopicPartition, int]:
    """How far consumers may read each partition that has a leader which answers."""
    found = await list_offsets(cluster, dict.fromkeys(partitions, At.LATEST))
    return {each: at.offset for each, at in found.items() if at.offset is not None}


async def _by_leader(
    cluster: Cluster, partitions: Collection[TopicPartition]
) -> tuple[dict[int, list[TopicPartition]], dict[TopicPartition, Found]]:
    """The partitions that each broker leads, and those that nobody does."""
    leaders = await leaders_of(cluster, {each.topic for each in partitions})
    led: dict[int, list[TopicPartition]] = defaultdict(list)
    leaderless = {}
    for each in partitions:
        leader = leaders.get(each)
        if leader is None:
            leaderless[each] = Found(None, None, None, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        elif leader < 0:
            leaderless[each] = Found(None, None, None, ErrorCode.LEADER_NOT_AVAILABLE)
        else:
            led[leader].append(each)
    return led, leaderless


async def leaders_of(cluster: Cluster, topics: Iterable[str]) -> dict[TopicPartition, int]:
    """The leader of each partition of these topics, -1 for none."""
    broker = await cluster.any_broker()
    metadata = await broker.call(
        MetadataRequest(
            topics=[MetadataRequestTopic(name=topic) for topic in sorted(topics)],
            allow_auto_topic_creation=False,
        ),
        MetadataResponse,
        needs=4,
    )
    return {
        TopicPartition(topic.name or "", partition.partition_index): partition.leader_id
        for topic in metadata.topics
        for partition in topic.partitions
    }


async def offsets_at(
    cluster: Cluster,
    broker_id: int,
    wanted: Mapping[TopicPartition, int],
    *,
    replica_id: int,
    isolation_level: int = READ_UNCOMMITTED,
) -> dict[TopicPartition, Found]:
    """What one broker answers for each partition's timestamp (`At`, or milliseconds)."""
    by_topic: dict[str, list[ListOffsetsPartition]] = defaultdict(list)
    for each, timestamp in wanted.items():
        by_topic[each.topic].append(
            ListOffsetsPartition(partition_index=each.partition, timestamp=timestamp)
        )
    request = ListOffsetsRequest(
        replica_id=replica_id,
        isolation_level=isolation_level,
        topics=[ListOffsetsTopic(name=topic, partitions=each) for topic, each in by_topic.items()],
    )
    needs = max((_NEEDS.get(At(at), 1) if at < 0 else 1) for at in wanted.values())
    broker = await cluster.broker(broker_id)
    answer = await broker.call(
        request, ListOffsetsResponse, needs=max(needs, 2 if isolation_level else 1)
    )
    return {
        TopicPartition(topic.name, result.partition_index): Found(
            _known(result.offset),
            _known(result.timestamp),
            _known(result.leader_epoch),
            ErrorCode.of(result.error_code),
        )
        for topic in answer.topics
        for result in topic.partitions
    }


def _known(number: int) -> int | None:
    return number if number >= 0 else None
