"""What the controller knows: the cluster as ZooKeeper had it when this controller last looked.

It is read once at failover and afterwards changed only by what ZooKeeper said (a read) or accepted
(a write), never by an intention: if a write fails, nothing has to be taken back here.

    brokers          who is live, in which life (epoch), who is shutting down, and which replicas
                     lie in a log directory that has failed (until the broker's next life)
    topics           ids and assignments
    leadership       each partition's leader and ISR, with the version of its znode: what the next
                     conditional write expects
    states           where each partition and replica is in its state table
    reassignments    the partitions on their way to other brokers
    deletions        the topics to be deleted, and those whose deletion is held up

A partition or replica of which nothing is noted is NON_EXISTENT.

Source: kafka.controller.ControllerContext.
"""

import uuid
from collections.abc import Callable, Iterable

import attrs

from coordination.controller.commands import UpdateMetadataCommand
from coordination.controller.partition_states import PartitionState, check_partition_transition
from coordination.controller.replica_states import ReplicaState, check_replica_transition
from coordination.values import (
    LEADER_EPOCH_DURING_DELETE,
    NO_LEADER_EPOCH,
    BrokerRegistration,
    LeaderAndIsr,
    PartitionAssignment,
    TopicAssignment,
    TopicPartition,
)

__all__ = ["ControllerContext", "ControllerSettings", "Replica"]


@attrs.frozen(order=True)
class Replica:
    """A partition on one broker (Kafka's PartitionAndReplica)."""

    partition: TopicPartition
    broker_id: int

    def __str__(self) -> str:
        return f"{self.partition} on broker {self.broker_id}"


@attrs.frozen
class ControllerSettings:
    """The broker's properties that the controller goes by."""

    delete_topic_enable: bool = True
    unclean_leader_election_enable: bool = False
    auto_leader_rebalance_enable: bool = True
    leader_imbalance_check_interval_seconds: int = 300
    leader_imbalance_per_broker_percentage: int = 10


@attrs.define
class ControllerContext:
    """`epoch_version` is the version of /controller_epoch that this controller wrote."""

    controller_id: int
    epoch: int
    epoch_version: int
    settings: ControllerSettings = attrs.field(factory=ControllerSettings)
    new_topic_id: Callable[[], uuid.UUID] = uuid.uuid4

    brokers: dict[int, BrokerRegistration] = attrs.field(factory=dict)
    shutting_down: set[int] = attrs.field(factory=set)
    replicas_on_offline_dirs: dict[int, set[TopicPartition]] = attrs.field(factory=dict)

    topics: dict[str, dict[int, PartitionAssignment]] = attrs.field(factory=dict)
    topic_ids: dict[str, uuid.UUID] = attrs.field(factory=dict)
    topic_names: dict[uuid.UUID, str] = attrs.field(factory=dict)
    topics_as_of: dict[str, int] = attrs.field(factory=dict)
    """The mzxid of a topic's znode all of whose partitions are in `topics`: as long as ZooKeeper
    has no later one it needn't be decoded, which takes 50 ms where there are thousands."""

    being_reassigned: set[TopicPartition] = attrs.field(factory=set)
    leadership: dict[TopicPartition, LeaderAndIsr] = attrs.field(factory=dict)
    _partition_states: dict[TopicPartition, PartitionState] = attrs.field(factory=dict)
    _replica_states: dict[Replica, ReplicaState] = attrs.field(factory=dict)

    deletions_waiting: set[str] = attrs.field(factory=set)
    """Topics whose deletion was asked for while they are reassigned: until that is over they live
    on like others, or it would never be over."""
    topics_to_be_deleted: set[str] = attrs.field(factory=set)
    topics_ineligible_for_deletion: set[str] = attrs.field(factory=set)
    topics_with_deletion_started: set[str] = attrs.field(factory=set)

    behind_with_metadata: dict[int, UpdateMetadataCommand | None] = attrs.field(factory=dict)
    """Brokers that refused an UpdateMetadata, with the whole state that was sent instead and isn't
    answered yet; None if they refused that, too."""

    config_changes_seen: set[str] = attrs.field(factory=set)
    """The notifications in /config/changes that were looked at, of those that are there."""

    # Brokers

    def live_broker_ids(self) -> set[int]:
        """Live and not shutting down: these may lead and be in an ISR."""
        return set(self.brokers) - self.shutting_down

    def is_replica_online(self, replica: Replica) -> bool:
        return self.is_replica_serving(replica) and replica.broker_id not in self.shutting_down

    def is_replica_serving(self, replica: Replica) -> bool:
        """Its broker is live, shutting down or not, and its log directory has not failed."""
        offline = self.replicas_on_offline_dirs.get(replica.broker_id, set())
        return replica.broker_id in self.brokers and replica.partition not in offline

    # Topics

    def put_topic(self, topic: TopicAssignment) -> None:
        """Take over a topic's id and the assignments of its partitions."""
        self.topics.setdefault(topic.topic, {}).update(topic.partitions)
        if topic.topic_id is not None:
            self.topic_ids[topic.topic] = topic.topic_id
            self.topic_names[topic.topic_id] = topic.topic

    def put_assignment(self, partition: TopicPartition, assignment: PartitionAssignment) -> None:
        self.topics[partition.topic][partition.partition] = assignment

    def remove_topic(self, topic: str) -> None:
        """Forget everything about a topic that ZooKeeper no longer has."""
        for replica in self.replicas_of_topic(topic):
            self._replica_states.pop(replica, None)
        for partition in self.partitions_of_topic(topic):
            self._partition_states.pop(partition, None)
            self.leadership.pop(partition, None)
            for offline in self.replicas_on_offline_dirs.values():
                offline.discard(partition)
            self.being_reassigned.discard(partition)
        del self.topics[topic]
        self.topics_as_of.pop(topic, None)
        topic_id = self.topic_ids.pop(topic, None)
        if topic_id is not None:
            del self.topic_names[topic_id]
        self.deletions_waiting.discard(topic)
        self.topics_to_be_deleted.discard(topic)
        self.topics_ineligible_for_deletion.discard(topic)
        self.topics_with_deletion_started.discard(topic)

    def is_to_be_deleted(self, partition: TopicPartition) -> bool:
        return partition.topic in self.topics_to_be_deleted

    def is_topic_being_reassigned(self, topic: str) -> bool:
        return any(partition.topic == topic for partition in self.being_reassigned)

    # Partitions and replicas

    def assignment(self, partition: TopicPartition) -> PartitionAssignment:
        return self.topics[partition.topic][partition.partition]

    def all_partitions(self) -> list[TopicPartition]:
        return [partition for topic in self.topics for partition in self.partitions_of_topic(topic)]

    def partitions_of_topic(self, topic: str) -> list[TopicPartition]:
        return [TopicPartition(topic, number) for number in self.topics[topic]]

    def replicas_of(self, partitions: Iterable[TopicPartition]) -> list[Replica]:
        return [Replica(p, broker) for p in partitions for broker in self.assignment(p).replicas]

    def replicas_of_topic(self, topic: str) -> list[Replica]:
        return self.replicas_of(self.partitions_of_topic(topic))

    def replicas_on(self, broker_ids: Iterable[int]) -> list[Replica]:
        wanted = set(broker_ids)
        return [r for r in self.replicas_of(self.all_partitions()) if r.broker_id in wanted]

    def leader_epoch(self, partition: TopicPartition) -> int:
        """As StopReplica names it (KIP-570): a sentinel overrides every epoch during deletion."""
        if self.is_to_be_deleted(partition):
            return LEADER_EPOCH_DURING_DELETE
        state = self.leadership.get(partition)
        return NO_LEADER_EPOCH if state is None else state.leader_epoch

    def partitions_with_leaders(self) -> list[TopicPartition]:
        """All that brokers must know of: those that once had a leader and are to stay."""
        return [partition for partition in self.leadership if not self.is_to_be_deleted(partition)]

    def partitions_with_offline_leader(self) -> list[TopicPartition]:
        return [
            partition
            for partition in self.partitions_with_leaders()
            if not self.is_replica_online(Replica(partition, self.leadership[partition].leader))
        ]

    # States

    def partition_state(self, partition: TopicPartition) -> PartitionState:
        return self._partition_states.get(partition, PartitionState.NON_EXISTENT)

    def partitions_in(self, *states: PartitionState) -> list[TopicPartition]:
        return [p for p, state in self._partition_states.items() if state in states]

    def move_partition(self, partition: TopicPartition, target: PartitionState) -> None:
        check_partition_transition(partition, self.partition_state(partition), target)
        self._partition_states[partition] = target

    def replica_state(self, replica: Replica) -> ReplicaState:
        return self._replica_states.get(replica, ReplicaState.NON_EXISTENT)

    def move_replica(self, replica: Replica, target: ReplicaState) -> None:
        check_replica_transition(replica, self.replica_state(replica), target)
        if target is ReplicaState.NON_EXISTENT:
            del self._replica_states[replica]
        else:
            self._replica_states[replica] = target

    def start_partition(self, partition: TopicPartition, state: PartitionState) -> None:
        """Where a partition stands when a term begins: read from ZooKeeper, not a transition."""
        self._partition_states[partition] = state

    def start_replica(self, replica: Replica, state: ReplicaState) -> None:
        self._replica_states[replica] = state
