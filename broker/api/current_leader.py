"""Who leads a partition, and where: told to a client that asked the wrong broker (KIP-951).

A replica here knows it first, by LeaderAndIsr; of other partitions UpdateMetadata tells. A client
disregards a leader that is no newer than the one that it knows.

Kafka: KafkaApis.getCurrentLeader.
"""

from collections.abc import Iterable

import attrs

from broker.broker import Broker
from coordination.values import TopicPartition

NONE = -1


@attrs.frozen
class LeaderNode:
    node_id: int
    host: str
    port: int
    rack: str | None


def leader_and_epoch(broker: Broker, topic_partition: TopicPartition) -> tuple[int, int]:
    """The leader's id and its epoch, as far as we know; -1 for neither."""
    replica = broker.replicas.partitions.get(topic_partition)
    if replica is not None:
        return replica.leader, replica.leader_epoch
    known = broker.metadata.current.partition(topic_partition)
    if known is None:
        return NONE, NONE
    return known.leader_and_isr.leader, known.leader_and_isr.leader_epoch


def leader_nodes(broker: Broker, leaders: Iterable[int], listener: str) -> list[LeaderNode]:
    """Where those of `leaders` listen that are alive and have a listener of that name."""
    metadata = broker.metadata.current
    return [
        LeaderNode(leader, endpoint.host, endpoint.port, metadata.brokers[leader].rack)
        for leader in sorted(set(leaders))
        if (endpoint := metadata.endpoint(leader, listener)) is not None
    ]
