"""What the controller is told: everything that can start or continue a story.

    hints      a watch fired. They carry nothing: the story reads again and compares, for the
               watch may have fired for an older change, or twice, or late
    requests   what brokers ask of the controller; each is answered once, by a Reply
    answers    a broker's answer to a command (CommandAnswered), ZooKeeper's to the last effect
               of the story under way (Answered)

A new story adds a hint or a request here, its path in `hint_of`, and its line in step's table.
"""

import uuid
from collections.abc import Mapping, Sequence
from enum import Enum, IntEnum
from typing import TypeAlias

import attrs

from coordination.controller.commands import CommandAnswered
from coordination.store import Node, OpResult, StoreError
from coordination.values import LeaderAndIsr, PartitionAssignment, TopicPartition
from coordination.znodes import paths

__all__ = [
    "AllocateProducerIds",
    "AlterPartition",
    "AlterPartitionReassignments",
    "AlterPartitionResult",
    "AlterPartitionTopic",
    "Answer",
    "Answered",
    "BrokerModified",
    "BrokersChanged",
    "CommandAnswered",
    "ConfigsChanged",
    "ControlledShutdown",
    "ElectLeaders",
    "Elected",
    "Event",
    "FeatureUpdate",
    "FeaturesUpdated",
    "Hint",
    "IsrChangesNotified",
    "IsrProposal",
    "KafkaErrorName",
    "LeaderBalanceDue",
    "LeadersElected",
    "ListPartitionReassignments",
    "LogDirEventsNotified",
    "PreferredElectionChanged",
    "ProducerIdBlockAllocated",
    "ReassignmentsChanged",
    "Refusal",
    "Request",
    "Result",
    "TopicDeletionsChanged",
    "TopicsChanged",
    "TopicsModified",
    "UpdateFeatures",
    "UpgradeType",
    "WatchesLost",
    "hint_of",
]


# Hints


@attrs.frozen
class Elected:
    """This broker has just become controller: the first event of a term."""


@attrs.frozen
class WatchesLost:
    """The session was reconnected: every watch is gone, anything may have changed."""


@attrs.frozen
class BrokersChanged:
    """/brokers/ids has other children."""


@attrs.frozen
class BrokerModified:
    """/brokers/ids/N was changed (endpoints altered), deleted, or both and made anew."""

    broker_id: int


@attrs.frozen
class TopicsChanged:
    """/brokers/topics has other children."""


@attrs.frozen
class TopicsModified:
    """/brokers/topics/T was changed (partitions added), or deleted."""

    topics: tuple[str, ...]


@attrs.frozen
class TopicDeletionsChanged:
    """/admin/delete_topics has other children."""


@attrs.frozen
class IsrChangesNotified:
    """/isr_change_notification has other children: a broker before 2.7 wrote a state itself."""


@attrs.frozen
class LogDirEventsNotified:
    """/log_dir_event_notification has other children: a broker lost a log directory."""


@attrs.frozen
class ConfigsChanged:
    """/config/changes has other children: perhaps a topic may be led uncleanly now."""


@attrs.frozen
class PreferredElectionChanged:
    """/admin/preferred_replica_election was made, changed or deleted."""


@attrs.frozen
class LeaderBalanceDue:
    """Not a watch but the clock: time to look whether leaders are where they are preferred."""


@attrs.frozen
class ReassignmentsChanged:
    """/admin/reassign_partitions was written: a tool asks for reassignments past the API."""


Hint: TypeAlias = (
    Elected
    | WatchesLost
    | BrokersChanged
    | BrokerModified
    | TopicsChanged
    | TopicsModified
    | TopicDeletionsChanged
    | IsrChangesNotified
    | LogDirEventsNotified
    | ConfigsChanged
    | PreferredElectionChanged
    | LeaderBalanceDue
    | ReassignmentsChanged
)


def hint_of(path: str) -> Hint | None:
    """The hint that a watch event at `path` stands for; None if it is nobody's here."""
    match path.split("/")[1:]:
        case ["brokers", "ids"]:
            return BrokersChanged()
        case ["brokers", "ids", broker_id] if broker_id.isdecimal():
            return BrokerModified(int(broker_id))
        case ["brokers", "topics"]:
            return TopicsChanged()
        case ["brokers", "topics", topic]:
            return TopicsModified((topic,))
    return _HINT_OF_ONE_PATH.get(path)


_HINT_OF_ONE_PATH: Mapping[str, Hint] = {
    paths.DELETE_TOPICS: TopicDeletionsChanged(),
    paths.ISR_CHANGE_NOTIFICATION: IsrChangesNotified(),
    paths.LOG_DIR_EVENT_NOTIFICATION: LogDirEventsNotified(),
    paths.CONFIG_CHANGES: ConfigsChanged(),
    paths.PREFERRED_REPLICA_ELECTION: PreferredElectionChanged(),
    paths.REASSIGN_PARTITIONS: ReassignmentsChanged(),
}


# Requests and what they are answered


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


# Answers

Answer: TypeAlias = (
    Sequence[Node | None] | Sequence[str] | Sequence[list[OpResult] | StoreError] | bool | None
)
"""To a Read, a ListChildren, a Persist, an Exists; None to every other effect."""


@attrs.frozen
class Answered:
    """ZooKeeper's answer to the last effect that step returned."""

    answer: Answer


Event: TypeAlias = Hint | Request | CommandAnswered | Answered
