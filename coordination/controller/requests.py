"""What the controller is asked, and what it answers: each request once, by a Reply.

    by brokers    ControlledShutdown, AlterPartition, AllocateProducerIds
    by admins     ElectLeaders, AlterPartitionReassignments, ListPartitionReassignments,
                  UpdateFeatures

The handlers of the controller's own broker make them of requests on the wire (broker/api), and
wire answers of the results: a value, an error for all of it (KafkaErrorName), or a Refusal for a
part of it.
"""

import uuid
from collections.abc import Mapping, Sequence
from enum import Enum, IntEnum
from typing import TypeAlias

import attrs

from coordination.values import LeaderAndIsr, PartitionAssignment, TopicPartition

__all__ = [
    "NO_SUCH_PARTITION",
    "AllocateProducerIds",
    "AlterPartition",
    "AlterPartitionReassignments",
    "AlterPartitionResult",
    "AlterPartitionTopic",
    "ControlledShutdown",
    "ElectLeaders",
    "FeatureUpdate",
    "FeaturesUpdated",
    "IsrProposal",
    "KafkaErrorName",
    "LeadersElected",
    "ListPartitionReassignments",
    "ProducerIdBlockAllocated",
    "Refusal",
    "Request",
    "Result",
    "UpdateFeatures",
    "UpgradeType",
]


class KafkaErrorName(Enum):
    """The errors that the controller answers with. The names are Kafka's; codes are the wire's."""

    NOT_CONTROLLER = "NOT_CONTROLLER"
    STALE_BROKER_EPOCH = "STALE_BROKER_EPOCH"
    BROKER_NOT_AVAILABLE = "BROKER_NOT_AVAILABLE"
    BROKER_ID_NOT_REGISTERED = "BROKER_ID_NOT_REGISTERED"
    UNKNOWN_TOPIC_ID = "UNKNOWN_TOPIC_ID"
    UNKNOWN_TOPIC_OR_PARTITION = "UNKNOWN_TOPIC_OR_PARTITION"
    FENCED_LEADER_EPOCH = "FENCED_LEADER_EPOCH"
    INVALID_UPDATE_VERSION = "INVALID_UPDATE_VERSION"
    INVALID_REQUEST = "INVALID_REQUEST"
    INELIGIBLE_REPLICA = "INELIGIBLE_REPLICA"
    INVALID_TOPIC_EXCEPTION = "INVALID_TOPIC_EXCEPTION"
    ELECTION_NOT_NEEDED = "ELECTION_NOT_NEEDED"
    PREFERRED_LEADER_NOT_AVAILABLE = "PREFERRED_LEADER_NOT_AVAILABLE"
    ELIGIBLE_LEADERS_NOT_AVAILABLE = "ELIGIBLE_LEADERS_NOT_AVAILABLE"
    FEATURE_UPDATE_FAILED = "FEATURE_UPDATE_FAILED"
    INVALID_REPLICA_ASSIGNMENT = "INVALID_REPLICA_ASSIGNMENT"
    NO_REASSIGNMENT_IN_PROGRESS = "NO_REASSIGNMENT_IN_PROGRESS"
    UNKNOWN_SERVER_ERROR = "UNKNOWN_SERVER_ERROR"


@attrs.frozen
class ControlledShutdown:
    """Broker N wants to stop: move its leaders away.

    Answered with the partitions that it still leads (set[TopicPartition]) or an error.
    """

    broker_id: int
    broker_epoch: int


@attrs.frozen
class IsrProposal:
    """The ISR that a leader wants. `new_isr` maps a broker to the epoch the leader knows of it.

    The epoch is -1 where the leader does not say (AlterPartition before version 3, and Kafka's
    own brokers in ZooKeeper mode).
    """

    leader_epoch: int
    partition_epoch: int
    new_isr: Mapping[int, int]


@attrs.frozen
class AlterPartitionTopic:
    """A topic by name (versions 0 and 1) or by id (versions 2 and 3)."""

    topic: str | uuid.UUID
    partitions: Mapping[int, IsrProposal]


@attrs.frozen
class AlterPartition:
    """A leader asks for new ISRs.

    Answered with one error for all of it, or with a state or an error for each partition:
    `dict[(topic as asked, partition), LeaderAndIsr | KafkaErrorName]`.
    """

    broker_id: int
    broker_epoch: int
    topics: Sequence[AlterPartitionTopic]


AlterPartitionResult: TypeAlias = (
    KafkaErrorName | dict[tuple[str | uuid.UUID, int], LeaderAndIsr | KafkaErrorName]
)


@attrs.frozen
class AllocateProducerIds:
    """A broker needs producer ids. Answered with ProducerIdBlockAllocated or an error."""

    broker_id: int
    broker_epoch: int


@attrs.frozen
class ProducerIdBlockAllocated:
    first_id: int
    size: int


@attrs.frozen
class Refusal:
    """Why one part of a request was not done. Without a message the error's own is meant."""

    error: KafkaErrorName
    message: str | None = None


NO_SUCH_PARTITION = Refusal(
    KafkaErrorName.UNKNOWN_TOPIC_OR_PARTITION, "The partition does not exist."
)


@attrs.frozen
class ElectLeaders:
    """An admin asks for the preferred leaders, or for any live ones (`unclean`).

    Answered with LeadersElected.
    """

    partitions: Sequence[TopicPartition]
    unclean: bool = False


@attrs.frozen
class LeadersElected:
    """Each partition's new leader, or why there is none."""

    results: Mapping[TopicPartition, int | Refusal]


class UpgradeType(IntEnum):
    """How a feature's level may move. Nothing else is known; the numbers are the wire's."""

    UPGRADE = 1
    SAFE_DOWNGRADE = 2
    UNSAFE_DOWNGRADE = 3


@attrs.frozen
class FeatureUpdate:
    """The level that a feature is to be finalized at; below 1, to be forgotten."""

    feature: str
    level: int
    upgrade_type: int = UpgradeType.UPGRADE


@attrs.frozen
class UpdateFeatures:
    """An admin changes finalized features (KIP-584).

    Answered with FeaturesUpdated.
    """

    updates: Sequence[FeatureUpdate]
    validate_only: bool = False


@attrs.frozen
class FeaturesUpdated:
    """For each feature named why it was not done, None if it was."""

    results: Mapping[str, Refusal | None]


@attrs.frozen
class AlterPartitionReassignments:
    """An admin wants these partitions on other brokers; None cancels what is under way.

    Answered with `dict[TopicPartition, Refusal | None]`: None means that it has begun.
    """

    targets: Mapping[TopicPartition, tuple[int, ...] | None]


@attrs.frozen
class ListPartitionReassignments:
    """Answered with those of `partitions` (None: of all) that are being reassigned:
    `dict[TopicPartition, PartitionAssignment]`."""

    partitions: frozenset[TopicPartition] | None = None


Request: TypeAlias = (
    ControlledShutdown
    | AlterPartition
    | AllocateProducerIds
    | AlterPartitionReassignments
    | ElectLeaders
    | UpdateFeatures
    | ListPartitionReassignments
)

Result: TypeAlias = (
    set[TopicPartition]
    | AlterPartitionResult
    | ProducerIdBlockAllocated
    | LeadersElected
    | FeaturesUpdated
    | dict[TopicPartition, Refusal | None]
    | dict[TopicPartition, PartitionAssignment]
    | KafkaErrorName
)
