"""Log directories of a broker: what lies in them, and replicas moved from one to another (KIP-113).

Each broker knows its own alone. A replica that is being moved is in two of them for a while: in the
old one, which is used, and in the new one, the future replica, which catches up.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import attrs

from broker.wire.errors import ErrorCode
from broker.wire.messages.alter_replica_log_dirs import (
    AlterReplicaLogDir,
    AlterReplicaLogDirsRequest,
    AlterReplicaLogDirsResponse,
    AlterReplicaLogDirTopic,
)
from broker.wire.messages.describe_log_dirs import (
    DescribableLogDirTopic,
    DescribeLogDirsRequest,
    DescribeLogDirsResponse,
)
from cli.client.cluster import Cluster
from cli.client.errors import RequestFailed
from cli.client.outcome import Outcome, outcome_of
from coordination.values import TopicPartition


@attrs.frozen
class Placement:
    """Where a replica lies. `is_future`: it is being moved there, `offset_lag` records to go."""

    log_dir: str
    size_bytes: int
    offset_lag: int
    is_future: bool


@attrs.frozen
class LogDir:
    """One directory; an offline one has an error, and nothing in it. Bytes are the volume's."""

    path: str
    error: ErrorCode
    total_bytes: int | None
    usable_bytes: int | None
    replicas: Mapping[TopicPartition, Placement]


async def describe_log_dirs(
    cluster: Cluster, broker_id: int, partitions: Iterable[TopicPartition] | None = None
) -> list[LogDir]:
    """The directories of a broker, with these partitions' replicas, with all for None."""
    topics: list[DescribableLogDirTopic] | None = None
    if partitions is not None:
        numbers: dict[str, list[int]] = defaultdict(list)
        for each in partitions:
            numbers[each.topic].append(each.partition)
        topics = [
            DescribableLogDirTopic(topic=topic, partitions=indexes)
            for topic, indexes in numbers.items()
        ]
    broker = await cluster.broker(broker_id)
    answer = await broker.call(DescribeLogDirsRequest(topics=topics), DescribeLogDirsResponse)
    if answer.error_code:
        raise RequestFailed(f"log dirs of broker {broker_id}", ErrorCode.of(answer.error_code))
    return [
        LogDir(
            directory.log_dir,
            ErrorCode.of(directory.error_code),
            directory.total_bytes if directory.total_bytes >= 0 else None,
            directory.usable_bytes if directory.usable_bytes >= 0 else None,
            {
                TopicPartition(topic.name, lies.partition_index): Placement(
                    directory.log_dir, lies.partition_size, lies.offset_lag, lies.is_future_key
                )
                for topic in directory.topics
                for lies in topic.partitions
            },
        )
        for directory in answer.results
    ]


def placements_of(log_dirs: Iterable[LogDir]) -> dict[TopicPartition, list[Placement]]:
    """Where each replica lies, the directory in use first."""
    found: dict[TopicPartition, list[Placement]] = defaultdict(list)
    for directory in log_dirs:
        for partition, placement in directory.replicas.items():
            found[partition].append(placement)
    for placements in found.values():
        placements.sort(key=lambda each: each.is_future)
    return found


async def move_replicas(
    cluster: Cluster, broker_id: int, targets: Mapping[TopicPartition, str]
) -> list[Outcome[TopicPartition]]:
    """Begin to move a broker's replicas to other directories; one outcome a partition.

    REPLICA_NOT_AVAILABLE: the broker has no such replica yet, and will make it there.
    """
    by_dir: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for partition, path in targets.items():
        by_dir[path][partition.topic].append(partition.partition)
    request = AlterReplicaLogDirsRequest(
        dirs=[
            AlterReplicaLogDir(
                path=path,
                topics=[
                    AlterReplicaLogDirTopic(name=topic, partitions=numbers)
                    for topic, numbers in topics.items()
                ],
            )
            for path, topics in by_dir.items()
        ]
    )

    async def move() -> list[Outcome[TopicPartition]]:
        broker = await cluster.broker(broker_id)
        answer = await broker.call(request, AlterReplicaLogDirsResponse)
        return [
            outcome_of(
                TopicPartition(topic.topic_name, each.partition_index),
                f"broker {broker_id}",
                each.error_code,
            )
            for topic in answer.results
            for each in topic.partitions
        ]

    # A second request for the same move changes nothing.
    return await cluster.retrying(move)
