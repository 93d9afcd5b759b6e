"""What this broker knows of the cluster: the controller's last word.

The controller tells every broker which brokers live and who leads what by
UpdateMetadata requests. The cache holds one immutable `ClusterMetadata`; a
request makes the next one and swaps it in whole, so a handler that has taken
`cache.current` sees one state of the cluster however often it awaits.

Tables are shared between successive snapshots but for the topics that a
request names, and `TopicMetadata` of one topic is found by one dictionary
look-up: answering for one topic does not depend on how many there are.

Kafka: ZkMetadataCache.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from uuid import UUID

import attrs

from broker.waiting import Movement
from broker.wire.framing import EncodedResponse
from coordination.values import (
    LEADER_DURING_DELETE,
    ZERO_UUID,
    BrokerRegistration,
    Endpoint,
    LeaderAndIsr,
    TopicPartition,
)


@attrs.frozen
class PartitionMetadata:
    """One partition as the controller describes it. `offline_replicas` are on dead brokers."""

    leader_and_isr: LeaderAndIsr
    replicas: tuple[int, ...]
    offline_replicas: tuple[int, ...]


@attrs.frozen
class TopicMetadata:
    name: str
    topic_id: UUID
    partitions: Mapping[int, PartitionMetadata]


@attrs.frozen
class ClusterMetadata:
    """One state of the cluster. `brokers` are the live ones."""

    controller_id: int = -1
    brokers: Mapping[int, BrokerRegistration] = MappingProxyType({})
    topics: Mapping[str, TopicMetadata] = MappingProxyType({})
    topic_names: Mapping[UUID, str] = MappingProxyType({})
    # What was answered to who asked for all topics, by listener and version: they ask often, and
    # of thousands of partitions the answer takes longer to put together than to send.
    answers: dict[tuple[str, int], EncodedResponse] = attrs.field(
        factory=dict, init=False, eq=False, repr=False
    )

    def partition(self, topic_partition: TopicPartition) -> PartitionMetadata | None:
        topic = self.topics.get(topic_partition.topic)
        return topic.partitions.get(topic_partition.partition) if topic else None

    def endpoint(self, broker_id: int, listener: str) -> Endpoint | None:
        """Where the live broker `broker_id` listens by that listener's name; None if nowhere."""
        broker = self.brokers.get(broker_id)
        return broker.endpoint(listener) if broker else None


class MetadataCache:
    """Holds the current `ClusterMetadata` and wakes those who wait for the next."""

    def __init__(self) -> None:
        self.current = ClusterMetadata()
        self.changed = Movement()

    def update(
        self,
        controller_id: int,
        brokers: Iterable[BrokerRegistration],
        partitions: Mapping[TopicPartition, PartitionMetadata],
        topic_ids: Mapping[str, UUID],
    ) -> set[TopicPartition]:
        """Swap in the next snapshot; returns the partitions that were deleted by it.

        `brokers` replace the old ones, `partitions` are merged in. A partition
        whose leader is `LEADER_DURING_DELETE` is removed.
        """
        topics = dict(self.current.topics)
        topic_names = dict(self.current.topic_names)
        deleted: set[TopicPartition] = set()
        by_topic: dict[str, dict[int, PartitionMetadata]] = {}
        for topic_partition, state in partitions.items():
            by_topic.setdefault(topic_partition.topic, {})[topic_partition.partition] = state
        for name, changes in by_topic.items():
            old = topics.get(name)
            topic_id = topic_ids.get(name, ZERO_UUID)
            merged: dict[int, PartitionMetadata] = {}
            if old is not None and ZERO_UUID in (old.topic_id, topic_id):
                # Who doesn't name an id (an old version, a topic that has none yet) says no more
                # by it: it's the same topic. Not so another id, of which nothing old holds.
                topic_id = old.topic_id if topic_id == ZERO_UUID else topic_id
                merged.update(old.partitions)
            elif old is not None and old.topic_id == topic_id:
                merged.update(old.partitions)
            elif old is not None:
                topic_names.pop(old.topic_id, None)
            for index, state in changes.items():
                if state.leader_and_isr.leader == LEADER_DURING_DELETE:
                    merged.pop(index, None)
                    deleted.add(TopicPartition(name, index))
                else:
                    merged[index] = state
            if merged:
                topics[name] = TopicMetadata(name, topic_id, merged)
                if topic_id != ZERO_UUID:
                    topic_names[topic_id] = name
            else:
                topics.pop(name, None)
                topic_names.pop(topic_id, None)
        self.current = ClusterMetadata(
            controller_id=controller_id,
            brokers={broker.broker_id: broker for broker in brokers},
            topics=topics,
            topic_names=topic_names,
        )
        self.changed.happened()
        return deleted
