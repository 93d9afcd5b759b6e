"""What is told of each partition: a line each for every number, so this is most of a scrape.

With thousands of partitions it's tens of thousands of lines. They're worked out one by one while
they are written (`text_format` makes way for others in between), so a partition or a log that goes
meanwhile is told as it was last. A partition's labels are the same in each of its lines, and are
made once a scrape.

As in Kafka a follower tells 0 of what only a leader knows: the sum over all brokers is right.

Source: kafka.cluster.Partition, kafka.log.UnifiedLog and LogManager.
"""

from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter
from typing import Final, TypeVar

from broker.broker import Broker
from broker.log.partition_log import PartitionLog
from broker.monitoring.mbeans import gauge
from broker.monitoring.text_format import Family, Labels, Sample
from broker.replica.partition import Partition
from broker.replica.roles import Leading
from coordination.values import TopicPartition

T = TypeVar("T", Partition, PartitionLog)

# Kafka's name, what of a log it is, and what it means.
_OF_LOGS: Final = (
    ("Size", attrgetter("local.segments.size_bytes"), "Bytes that the log has."),
    ("LogStartOffset", attrgetter("log_start_offset"), "The offset of the first record."),
    ("LogEndOffset", attrgetter("log_end_offset"), "The offset that the next record gets."),
    ("NumLogSegments", lambda log: len(log.local.segments), "Segments that the log has."),
)


def _as_leader(value_of: Callable[[Partition, int], int]) -> Callable[[Partition], int]:
    """What a leader tells, by the size of its ISR."""

    def value(partition: Partition) -> int:
        role = partition.role
        return int(value_of(partition, len(role.isr))) if isinstance(role, Leading) else 0

    return value


# The same of a partition.
_OF_PARTITIONS: Final[tuple[tuple[str, Callable[[Partition], int], str], ...]] = (
    (
        "UnderReplicated",
        _as_leader(lambda partition, isr: isr < partition.expected_isr),
        "1 where it is led, if a replica is not in sync.",
    ),
    (
        "UnderMinIsr",
        _as_leader(lambda partition, isr: isr < partition.min_isr),
        "1 where it is led, if acks=all is refused.",
    ),
    (
        "AtMinIsr",
        _as_leader(lambda partition, isr: isr == partition.min_isr),
        "1 where it is led, if acks=all is refused with one in-sync replica less.",
    ),
    (
        "InSyncReplicasCount",
        _as_leader(lambda _partition, isr: isr),
        "Where it is led, how many replicas are in sync.",
    ),
    (
        "ReplicasCount",
        _as_leader(lambda partition, _isr: len(partition.replicas)),
        "Where it is led, how many replicas it has.",
    ),
    (
        "LastStableOffsetLag",
        lambda partition: partition.high_watermark - partition.last_stable_offset,
        "Committed records that read_committed consumers don't see yet, for an open transaction.",
    ),
)


def partition_families(broker: Broker) -> Iterator[Family]:
    """Of the replicas on this broker, and of their logs."""
    labels: dict[TopicPartition, Labels] = {}
    partitions = list(broker.replicas.partitions.values())
    for name, value_of, meaning in _OF_PARTITIONS:
        mbean = f"kafka.cluster:type=Partition,name={name}"
        yield gauge(mbean, meaning, _of_each(partitions, value_of, labels))
    logs = list(broker.logs.logs.values())
    for name, value_of_log, meaning in _OF_LOGS:
        mbean = f"kafka.log:type=Log,name={name}"
        yield gauge(mbean, meaning, _of_each(logs, value_of_log, labels))
    yield gauge(
        "kafka.log:type=LogManager,name=OfflineLogDirectoryCount",
        "Log directories that have failed.",
        len(broker.logs.directories.offline),
    )


def _of_each(
    all_of_them: Iterable[T],
    value_of: Callable[[T], int],
    known: dict[TopicPartition, Labels],
) -> Iterator[Sample]:
    for each in all_of_them:
        partition = each.topic_partition
        labels = known.get(partition)
        if labels is None:
            labels = known[partition] = Labels.of(
                {"topic": partition.topic, "partition": str(partition.partition)}
            )
        yield Sample(value_of(each), labels)
