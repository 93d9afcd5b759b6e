"""Who leads a partition, and where: told to a client that asked the wrong broker (KIP-951).

A replica here knows it first, by LeaderAndIsr; of other partitions UpdateMetadata tells. A client
disregards a leader that is no newer than the one that it knows.

Kafka: KafkaApis.getCurrentLeader.
"""

from collections.abc import Iterable
from typing import TypeAlias, TypeVar

from broker.broker import Broker
from broker.wire.messages import fetch, produce
from coordination.values import TopicPartition

NONE = -1


E = TypeVar("E", fetch.NodeEndpoint, produce.NodeEndpoint)
CurrentLeader: TypeAlias = fetch.LeaderIdAndEpoch | produce.LeaderIdAndEpoch


def leader_and_epoch(broker: Broker, topic_partition: TopicPartition) -> tuple[int, int]:
    """The leader's id and its epoch, as far as we know; -1 for neither."""
    replica = broker.replicas.partitions.get(topic_partition)
    if replica is not None:
        return replica.leader, replica.leader_epoch
    known = broker.metadata.current.partition(topic_partition)
    if known is None:
        return NONE, NONE
    return known.leader_and_isr.leader, known.leader_and_isr.leader_epoch


def leader_endpoints(
    broker: Broker,
    listener: str,
    endpoint_type: type[E],
    leaders: Iterable[CurrentLeader | None],
) -> list[E]:
    """Where those of `leaders` listen that are alive and have a listener of that name.

    `endpoint_type` is the NodeEndpoint of the answer: Fetch's or Produce's.
    """
    metadata = broker.metadata.current
    ids = sorted({leader.leader_id for leader in leaders if leader is not None})
    return [
        endpoint_type(
            node_id=node_id,
            host=endpoint.host,
            port=endpoint.port,
            rack=metadata.brokers[node_id].rack,
        )
        for node_id in ids
        if (endpoint := metadata.endpoint(node_id, listener)) is not None
    ]
