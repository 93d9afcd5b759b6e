"""What a broker's replicas and traffic are measured by, under the names of Kafka's MBeans.

Source: kafka.server.ReplicaManager, BrokerTopicMetrics, ReplicaFetcherManager.
"""

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Final

from broker.broker import Broker
from broker.monitoring.mbeans import gauge, meter
from broker.monitoring.text_format import Family, Sample
from broker.replica.traffic import Traffic, TrafficByTopic

# An attribute of `Traffic`, Kafka's name of it, and what it means.
_OF_TOPICS: Final = (
    ("messages_in", "MessagesInPerSec", "Records that producers have sent."),
    ("bytes_in", "BytesInPerSec", "Bytes that producers have sent."),
    (
        "bytes_rejected",
        "BytesRejectedPerSec",
        "Bytes that were refused, because a batch had more than max.message.bytes.",
    ),
    ("bytes_out", "BytesOutPerSec", "Bytes that consumers were sent."),
    (
        "produce_requests",
        "TotalProduceRequestsPerSec",
        "Produce requests, one for each partition that a request names.",
    ),
    (
        "failed_produce_requests",
        "FailedProduceRequestsPerSec",
        "Those whose records a log refused.",
    ),
    (
        "fetch_requests",
        "TotalFetchRequestsPerSec",
        "Fetch requests, one for each partition that was read from; of a fetch session, only those "
        "with news are.",
    ),
)
# These only Kafka's sum over all topics has.
_OF_ALL: Final = (
    ("replication_bytes_in", "ReplicationBytesInPerSec", "Bytes copied from leaders."),
    ("replication_bytes_out", "ReplicationBytesOutPerSec", "Bytes that followers were sent."),
    (
        "reassignment_bytes_in",
        "ReassignmentBytesInPerSec",
        "Those of them that were copied for a replica which a reassignment adds here.",
    ),
    (
        "reassignment_bytes_out",
        "ReassignmentBytesOutPerSec",
        "Those of them that were sent to a replica which a reassignment adds.",
    ),
)


def traffic_families(broker: Broker) -> Iterator[Family]:
    """Each topic's, and without a label that of all together, as Kafka has it."""
    traffic = broker.replicas.traffic
    total = traffic.of_all()
    for attribute, name, meaning in _OF_TOPICS:
        yield meter(
            f"kafka.server:type=BrokerTopicMetrics,name={name}",
            meaning,
            _of_all_and_each(traffic, total, attrgetter(attribute)),
        )
    for attribute, name, meaning in _OF_ALL:
        mbean = f"kafka.server:type=BrokerTopicMetrics,name={name}"
        yield meter(mbean, meaning, getattr(total, attribute))


def _of_all_and_each(
    traffic: TrafficByTopic, total: Traffic, number_of: Callable[[Traffic], int]
) -> Iterator[Sample]:
    yield Sample(number_of(total))
    for topic, of_topic in list(traffic.by_topic.items()):
        yield Sample(number_of(of_topic), {"topic": topic})


def replica_families(broker: Broker) -> Iterator[Family]:
    replicas, isr_changes = broker.replicas, broker.isr_changes
    leading = replicas.leading()
    in_sync = [(len(partition.leading().isr), partition.min_isr) for partition in leading]
    for name, meaning, count in (
        ("LeaderCount", "Partitions that this broker leads.", len(leading)),
        (
            "PartitionCount",
            "Replicas on this broker.",
            len(replicas.partitions) + len(replicas.offline),
        ),
        (
            "OfflineReplicaCount",
            "Replicas in log directories that have failed.",
            len(replicas.offline),
        ),
        (
            "UnderReplicatedPartitions",
            "Partitions led here that have a replica which is not in sync.",
            sum(partition.is_under_replicated for partition in leading),
        ),
        (
            "ReassigningPartitions",
            "Partitions led here that are being reassigned.",
            sum(partition.is_reassigning for partition in leading),
        ),
        (
            "UnderMinIsrPartitionCount",
            "Partitions led here with less in-sync replicas than min.insync.replicas: acks=all is "
            "refused.",
            sum(isr < min_isr for isr, min_isr in in_sync),
        ),
        (
            "AtMinIsrPartitionCount",
            "Partitions led here with just min.insync.replicas in-sync replicas.",
            sum(isr == min_isr for isr, min_isr in in_sync),
        ),
    ):
        yield gauge(f"kafka.server:type=ReplicaManager,name={name}", meaning, count)
    for name, meaning, count in (
        ("IsrShrinksPerSec", "ISRs led here that have become smaller.", isr_changes.shrinks),
        ("IsrExpandsPerSec", "ISRs led here that have grown.", isr_changes.expands),
        ("FailedIsrUpdatesPerSec", "Changes that the controller refused.", isr_changes.failed),
    ):
        yield meter(f"kafka.server:type=ReplicaManager,name={name}", meaning, count)
    yield gauge(
        "kafka.server:type=ReplicaFetcherManager,name=MaxLag",
        "How many records the replica here that is furthest behind its leader lacks.",
        [Sample(broker.fetchers.max_lag, {"clientid": "Replica"})],
    )
