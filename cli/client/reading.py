"""Records of one partition read by offset, as a consumer without a group does.

    leader   Fetch   batches from the one that has the offset on
                     └─ leave out: markers; records before the offset;
                        if only committed ones are wanted, those of aborted transactions

The leader names aborted transactions by producer and first offset. In a batch's order they begin
there and end at the producer's abort marker (Kafka: CompletedFetch).
"""

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

import attrs

from broker.wire.control_records import read_marker
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.fetch import (
    AbortedTransaction,
    FetchPartition,
    FetchRequest,
    FetchResponse,
    FetchTopic,
)
from broker.wire.record_batch import RecordBatch, batches
from broker.wire.records import Record
from cli.client.cluster import Cluster
from cli.client.errors import ClientError, RequestFailed
from cli.client.offsets import READ_COMMITTED, leaders_of
from coordination.values import TopicPartition

MAX_WAIT_MS = 500
MAX_BYTES = 1024 * 1024  # a batch that is larger comes all the same (KIP-74)


@attrs.frozen
class Fetched:
    """Records that a consumer may see, and the offset to go on at."""

    records: Sequence[Record]
    next_offset: int


async def fetch(
    cluster: Cluster,
    partition: TopicPartition,
    topic_id: UUID,
    offset: int,
    *,
    isolation_level: int,
) -> Fetched:
    """What the leader has from this offset on; nothing new within half a second is empty."""
    request = FetchRequest(
        max_wait_ms=MAX_WAIT_MS,
        min_bytes=1,
        max_bytes=MAX_BYTES,
        isolation_level=isolation_level,
        topics=[
            FetchTopic(
                topic=partition.topic,
                topic_id=topic_id,
                partitions=[
                    FetchPartition(
                        partition=partition.partition,
                        fetch_offset=offset,
                        partition_max_bytes=MAX_BYTES,
                    )
                ],
            )
        ],
    )

    async def ask() -> Fetched:
        leader = (await leaders_of(cluster, [partition.topic])).get(partition)
        if leader is None:
            raise RequestFailed(str(partition), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        if leader < 0:
            raise RequestFailed(str(partition), ErrorCode.LEADER_NOT_AVAILABLE)
        broker = await cluster.broker(leader)
        answer = await broker.call(request, FetchResponse, needs=4)
        for topic in answer.responses:
            for data in topic.partitions:
                code = ErrorCode.of(data.error_code)
                if code:
                    raise RequestFailed(str(partition), code)
                aborted = data.aborted_transactions if isolation_level == READ_COMMITTED else None
                return _opened(partition, data.records, aborted or [], offset)
        raise RequestFailed(str(partition), ErrorCode.of(answer.error_code))

    return await cluster.retrying(ask)


def _opened(
    partition: TopicPartition,
    data: object,
    aborted: Sequence[AbortedTransaction],
    offset: int,
) -> Fetched:
    if not isinstance(data, bytes | bytearray | memoryview):
        return Fetched([], offset)
    try:
        read = list(batches(data))
        for batch in read:
            batch.check_crc()
        records = [each for each in visible(read, aborted) if each.offset >= offset]
    except KafkaError as error:
        raise ClientError(f"{partition}: unreadable records: {error}") from error
    return Fetched(records, max(offset, read[-1].end_offset) if read else offset)


def visible(read: Iterable[RecordBatch], aborted: Sequence[AbortedTransaction]) -> Iterator[Record]:
    """The records that are neither markers nor of an aborted transaction."""
    to_come = sorted(aborted, key=lambda each: each.first_offset)
    aborting: set[int] = set()
    for batch in read:
        while to_come and to_come[0].first_offset <= batch.last_offset:
            aborting.add(to_come.pop(0).producer_id)
        if batch.is_control:
            marker = read_marker(batch)
            if marker is not None and not marker.commit:
                aborting.discard(batch.producer_id)
        elif not (batch.is_transactional and batch.producer_id in aborting):
            yield from batch.records()
