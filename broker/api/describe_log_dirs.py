"""DescribeLogDirs: what lies in each log directory of this broker, and which of them work.

Of each replica: the bytes of its segments, and by how much it's behind, which is how much of what
is known to be committed it lacks (never less than 0). A replica that is being moved between
directories is told of twice: the copy has `is_future_key`, and lags by what is yet to be copied. A
directory that is offline is answered with KAFKA_STORAGE_ERROR and without topics.

Kafka: ReplicaManager.describeLogDirs, KIP-113, KIP-827 (the volume's size).
"""

import os
from collections.abc import Iterable

import trio

from broker.api.context import RequestContext
from broker.broker import Broker
from broker.log.log_directory import LogDirectory
from broker.log.partition_log import PartitionLog
from broker.wire.errors import KafkaError
from broker.wire.messages.describe_log_dirs import (
    DescribeLogDirsPartition,
    DescribeLogDirsRequest,
    DescribeLogDirsResponse,
    DescribeLogDirsResult,
    DescribeLogDirsTopic,
)
from coordination.values import TopicPartition

LONG_MAX = 2**63 - 1
NO_LAG_KNOWN = -1


async def handle(
    broker: Broker, context: RequestContext, request: DescribeLogDirsRequest
) -> DescribeLogDirsResponse:
    return DescribeLogDirsResponse(
        results=[
            await _describe(broker, directory, request) for directory in broker.logs.directories.all
        ]
    )


async def _describe(
    broker: Broker, directory: LogDirectory, request: DescribeLogDirsRequest
) -> DescribeLogDirsResult:
    path = str(directory.path.absolute())
    try:
        with directory.storage:
            volume = await trio.to_thread.run_sync(os.statvfs, path)
    except KafkaError as error:
        return DescribeLogDirsResult(log_dir=path, error_code=error.code)
    return DescribeLogDirsResult(
        log_dir=path,
        topics=_topics(broker, _asked_for(broker, directory, request)),
        total_bytes=min(volume.f_blocks * volume.f_frsize, LONG_MAX),
        usable_bytes=min(volume.f_bavail * volume.f_frsize, LONG_MAX),
    )


def _asked_for(
    broker: Broker, directory: LogDirectory, request: DescribeLogDirsRequest
) -> list[PartitionLog]:
    logs = [*broker.logs.logs.values(), *broker.logs.futures.logs.values()]
    here = [log for log in logs if log.directory.parent == directory.path]
    if request.topics is None:
        return here
    named = {
        TopicPartition(topic.topic, partition)
        for topic in request.topics
        for partition in topic.partitions
    }
    return [log for log in here if log.topic_partition in named]


def _topics(broker: Broker, logs: Iterable[PartitionLog]) -> list[DescribeLogDirsTopic]:
    topics: dict[str, DescribeLogDirsTopic] = {}
    for log in logs:
        name, partition = log.topic_partition.topic, log.topic_partition.partition
        topic = topics.setdefault(name, DescribeLogDirsTopic(name=name))
        topic.partitions.append(
            DescribeLogDirsPartition(
                partition_index=partition,
                partition_size=log.local.segments.size_bytes,
                offset_lag=_lag(broker, log),
                is_future_key=log.is_future,
            )
        )
    return list(topics.values())


def _lag(broker: Broker, log: PartitionLog) -> int:
    partition = broker.replicas.partitions.get(log.topic_partition)
    if partition is None:
        return NO_LAG_KNOWN
    if log.is_future:
        return partition.log.log_end_offset - log.log_end_offset
    return max(log.high_watermark - log.log_end_offset, 0)
