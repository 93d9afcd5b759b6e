"""What the controller is told: everything that can start or continue a story.

    hints      a watch fired. They carry nothing: the story reads again and compares, for the
               watch may have fired for an older change, or twice, or late
    requests   what brokers ask of the controller; each is answered once, by a Reply
    answers    a broker's answer to a command (CommandAnswered), ZooKeeper's to the last effect
               of the story under way (Answered)

Later stories (reassignment, preferred elections, log directory failures) add a hint or a request
here, its path in `hint_of`, and its line in step's table.
"""

import uuid
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import TypeAlias

import attrs

from coordination.controller.commands import CommandAnswered
from coordination.store import Node, OpResult, StoreError
from coordination.values import LeaderAndIsr, TopicPartition
from coordination.znodes import paths

__all__ = [
    "AllocateProducerIds",
    "AlterPartition",
    "AlterPartitionResult",
    "AlterPartitionTopic",
    "Answer",
    "Answered",
    "BrokerModified",
    "BrokersChanged",
    "CommandAnswered",
    "ControlledShutdown",
    "Elected",
    "Event",
    "Hint",
    "IsrChangesNotified",
    "IsrProposal",
    "KafkaErrorName",
    "ProducerIdBlockAllocated",
    "Request",
    "Result",
    "TopicDeletionsChanged",
    "TopicsChanged",
    "TopicsModified",
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


Hint: TypeAlias = (
    Elected
    | WatchesLost
    | BrokersChanged
    | BrokerModified
    | TopicsChanged
    | TopicsModified
    | TopicDeletionsChanged
    | IsrChangesNotified
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
    if path == paths.DELETE_TOPICS:
        return TopicDeletionsChanged()
    if path == paths.ISR_CHANGE_NOTIFICATION:
        return IsrChangesNotified()
    return None


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


Request: TypeAlias = ControlledShutdown | AlterPartition | AllocateProducerIds

Result: TypeAlias = (
    set[TopicPartition] | AlterPartitionResult | ProducerIdBlockAllocated | KafkaErrorName
)


# Answers

Answer: TypeAlias = (
    Sequence[Node | None] | Sequence[str] | Sequence[list[OpResult] | StoreError] | None
)
"""To a Read, a ListChildren, a Persist; None to every other effect."""


@attrs.frozen
class Answered:
    """ZooKeeper's answer to the last effect that step returned."""

    answer: Answer


Event: TypeAlias = Hint | Request | CommandAnswered | Answered
