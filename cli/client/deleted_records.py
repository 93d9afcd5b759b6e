"""The oldest records of a partition deleted (KIP-107): its leader moves the log's start.

Followers take the new start over with their next fetch, and the leader answers when all live ones
have.
"""

from collections import defaultdict
from collections.abc import Mapping

import attrs

from broker.wire.errors import ErrorCode
from broker.wire.messages.delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsResponse,
    DeleteRecordsTopic,
)
from cli.client.cluster import RETRIABLE, Cluster
from cli.client.errors import RequestFailed
from cli.client.offsets import leaders_of
from cli.client.outcome import Outcome
from coordination.values import TopicPartition

HIGH_WATERMARK = -1  # as offset: all that consumers can read
TIMEOUT_MS = 30_000


@attrs.frozen
class NewStart:
    """A partition, and the least log start of its live replicas afterwards (None if refused)."""

    partition: TopicPartition
    low_watermark: int | None


async def delete_records(
    cluster: Cluster, before: Mapping[TopicPartition, int]
) -> list[Outcome[NewStart]]:
    """Delete what lies before these offsets; one outcome a partition, in the given order."""

    async def delete() -> list[Outcome[NewStart]]:
        leaders = await leaders_of(cluster, {each.topic for each in before})
        led: dict[int, dict[TopicPartition, int]] = defaultdict(dict)
        outcomes: dict[TopicPartition, Outcome[NewStart]] = {}
        for each, offset in before.items():
            leader = leaders.get(each)
            if leader is None:
                unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
                outcomes[each] = Outcome(NewStart(each, None), unknown)
            elif leader < 0:
                outcomes[each] = Outcome(NewStart(each, None), ErrorCode.LEADER_NOT_AVAILABLE)
            else:
                led[leader][each] = offset
        for leader, offsets in led.items():
            outcomes.update(await _at_leader(cluster, leader, offsets))
        return [outcomes[each] for each in before]

    # Deleting twice does no more than once.
    return await cluster.retrying(delete)


async def _at_leader(
    cluster: Cluster, leader: int, offsets: Mapping[TopicPartition, int]
) -> dict[TopicPartition, Outcome[NewStart]]:
    topics: dict[str, list[DeleteRecordsPartition]] = defaultdict(list)
    for each, offset in offsets.items():
        topics[each.topic].append(
            DeleteRecordsPartition(partition_index=each.partition, offset=offset)
        )
    broker = await cluster.broker(leader)
    answer = await broker.call(
        DeleteRecordsRequest(
            topics=[
                DeleteRecordsTopic(name=topic, partitions=each) for topic, each in topics.items()
            ],
            timeout_ms=TIMEOUT_MS,
        ),
        DeleteRecordsResponse,
    )
    outcomes = {}
    for topic in answer.topics:
        for result in topic.partitions:
            partition = TopicPartition(topic.name, result.partition_index)
            code = ErrorCode.of(result.error_code)
            if code in RETRIABLE:
                raise RequestFailed(str(partition), code)
            known = result.low_watermark if result.low_watermark >= 0 else None
            outcomes[partition] = Outcome(NewStart(partition, known), code)
    return outcomes
