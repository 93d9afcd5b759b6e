"""The last committed records of a replica, in pieces that can be compared with another replica's.

A broker serves consumers from any of its replicas, up to the high watermark that it knows
(KIP-392), so it is read as by a consumer. Replicas hold the same batches, byte for byte. Only where
a log is compacted, which every broker does for itself, are batches without some of their records,
and then what is left of a record is compared: key, value, headers, time, and its epoch.

    Fetch    32 partitions at a time, 64 KiB of each
     └─ Fetch    one whose batch is larger, alone: then it comes whole (KIP-74)
"""

import itertools
from collections import defaultdict
from collections.abc import Mapping
from uuid import UUID

import attrs
from crc32c import crc32c

from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.fetch import (
    FetchPartition,
    FetchRequest,
    FetchResponse,
    FetchTopic,
    PartitionData,
)
from broker.wire.record_batch import RecordBatch, batches
from broker.wire.records import Record, encode_records
from cli.client import Cluster
from cli.doctor.facts import Piece, Sample
from coordination.values import TopicPartition

SAMPLE_RECORDS = 100
PARTITIONS_AT_ONCE = 32
PARTITION_BYTES = 64 * 1024
FOLLOWERS_SINCE = 11  # version of Fetch from which on followers answer consumers


@attrs.frozen
class Wanted:
    """From where on a partition is read. `by_record`: its log is compacted."""

    start_offset: int
    topic_id: UUID
    by_record: bool


async def read_samples(
    cluster: Cluster, wanted: Mapping[TopicPartition, Wanted]
) -> dict[TopicPartition, Sample | str]:
    """The one broker's samples, or why there's none of a partition."""
    found: dict[TopicPartition, Sample | str] = {}
    partitions = iter(wanted)
    while at_once := list(itertools.islice(partitions, PARTITIONS_AT_ONCE)):
        answers = await _fetch(cluster, {each: wanted[each] for each in at_once})
        for partition in at_once:
            its = wanted[partition]
            data = answers.get(partition)
            if data is not None and _is_cut_short(data, its):
                data = (await _fetch(cluster, {partition: its})).get(partition)
            found[partition] = "the broker left it out" if data is None else _sample(data, its)
    return found


async def _fetch(
    cluster: Cluster, wanted: Mapping[TopicPartition, Wanted]
) -> dict[TopicPartition, PartitionData]:
    by_topic: dict[tuple[str, UUID], list[FetchPartition]] = defaultdict(list)
    for each, its in wanted.items():
        by_topic[each.topic, its.topic_id].append(
            FetchPartition(
                partition=each.partition,
                fetch_offset=its.start_offset,
                partition_max_bytes=PARTITION_BYTES,
            )
        )
    broker = await cluster.any_broker()
    answer = await broker.call(
        FetchRequest(
            max_wait_ms=0,
            min_bytes=0,
            max_bytes=PARTITION_BYTES * len(wanted),
            topics=[
                FetchTopic(topic=name, topic_id=topic_id, partitions=its)
                for (name, topic_id), its in by_topic.items()
            ],
        ),
        FetchResponse,
        needs=FOLLOWERS_SINCE,
    )
    names = {topic_id: name for name, topic_id in by_topic}
    return {
        TopicPartition(topic.topic or names[topic.topic_id], data.partition_index): data
        for topic in answer.responses
        for data in topic.partitions
    }


def _is_cut_short(data: PartitionData, wanted: Wanted) -> bool:
    """Whether there is more than the answer had room for, and not one whole batch in it."""
    if data.error_code or data.high_watermark <= wanted.start_offset:
        return False
    try:
        return next(batches(_bytes_of(data)), None) is None
    except KafkaError:
        return False


def _sample(data: PartitionData, wanted: Wanted) -> Sample | str:
    if data.error_code:
        return ErrorCode.of(data.error_code).name
    pieces: list[Piece] = []
    end_offset = wanted.start_offset
    corrupt: int | None = None
    try:
        for batch in batches(_bytes_of(data)):
            batch.check_crc()
            pieces += _records(batch) if wanted.by_record else [_whole(batch)]
            end_offset = batch.end_offset
    except KafkaError as error:
        if error.code is ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT:
            return "its records are of message format 0 or 1"
        corrupt = end_offset
    return Sample(wanted.start_offset, end_offset, tuple(pieces), corrupt)


def _bytes_of(data: PartitionData) -> bytes | bytearray | memoryview:
    records = data.records
    return records if isinstance(records, bytes | bytearray | memoryview) else b""


def _whole(batch: RecordBatch) -> Piece:
    return Piece(batch.base_offset, batch.end_offset, batch.leader_epoch, batch.crc)


def _records(batch: RecordBatch) -> list[Piece]:
    return [
        Piece(each.offset, each.offset + 1, batch.leader_epoch, _checksum(each))
        for each in batch.records()
    ]


def _checksum(record: Record) -> int:
    """The offset in the batch is no part of it: compaction leaves that as it was."""
    return crc32c(encode_records([record], 0))
