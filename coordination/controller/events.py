"""What the controller is told: everything that can start or continue a story.

    hints      a watch fired. They carry nothing: the story reads again and compares, for the
               watch may have fired for an older change, or twice, or late
    requests   what brokers and admins ask of the controller (requests.py)
    answers    a broker's answer to a command (CommandAnswered), ZooKeeper's to the last effect
               of the story under way (Answered)

A new story adds a hint here, with its path in `hint_of`, or a request there, and its line in step's
table.
"""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import attrs

from coordination.controller.commands import CommandAnswered
from coordination.controller.requests import Request
from coordination.store import Node, OpResult, StoreError
from coordination.znodes import broker_id_of, paths

__all__ = [
    "Answer",
    "Answered",
    "BrokerModified",
    "BrokersChanged",
    "CommandAnswered",
    "ConfigsChanged",
    "Elected",
    "Event",
    "Hint",
    "IsrChangesNotified",
    "LeaderBalanceDue",
    "LogDirEventsNotified",
    "PreferredElectionChanged",
    "ReassignmentsChanged",
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
        case ["brokers", "ids", name]:
            broker_id = broker_id_of(name)
            return None if broker_id is None else BrokerModified(broker_id)
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
