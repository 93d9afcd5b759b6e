"""What the controller wants done: values that the runner carries out, in order.

Four effects ask ZooKeeper, and the story waits for the answer (`ASKS`): step's list ends with
one of them or with the story's end. All others are done without an answer.
"""

from collections.abc import Mapping
from typing import TypeAlias

import attrs

from coordination.controller.commands import Command
from coordination.controller.requests import (
    Result,
)
from coordination.store import Op
from coordination.values import BrokerRegistration

__all__ = [
    "ASKS",
    "CloseChannel",
    "Effect",
    "Exists",
    "ListChildren",
    "OpenChannel",
    "Persist",
    "Read",
    "Record",
    "Reply",
    "Send",
]


@attrs.frozen
class Read:
    """Get these znodes. Answered with their Nodes in order, None where there is none."""

    paths: tuple[str, ...]
    watch: bool = False


@attrs.frozen
class Exists:
    """Is there such a znode? Answered with a bool, and watched: also for one to be made."""

    path: str


@attrs.frozen
class ListChildren:
    """Answered with the names of a znode's children, [] if there is no such znode."""

    path: str
    watch: bool = False


@attrs.frozen
class Persist:
    """Do these multis, each atomic on its own and each small. Each begins with a Check that
    /controller_epoch still has our version: this controller's writes end when another is elected.

    Answered with each multi's results, or the error in its place.
    """

    multis: tuple[tuple[Op, ...], ...]


@attrs.frozen
class Send:
    """Put the command into the broker's queue. A broker without a channel gets none."""

    broker_id: int
    command: Command


@attrs.frozen
class OpenChannel:
    """A broker is there, in the life that `registration.epoch` names."""

    registration: BrokerRegistration


@attrs.frozen
class CloseChannel:
    """A broker, or its earlier life, is gone: drop its queue and connection."""

    broker_id: int


@attrs.frozen
class Reply:
    """The result of the request that began this story."""

    result: Result


@attrs.frozen
class Record:
    """An event for the trace. A `headline` is what happened (broker.left); the records after it,
    to the next headline, are what was done about it, and name it as their cause."""

    kind: str
    facts: Mapping[str, object]
    headline: bool = False


ASKS = (Read, Exists, ListChildren, Persist)

Effect: TypeAlias = (
    Read | Exists | ListChildren | Persist | Send | OpenChannel | CloseChannel | Reply | Record
)
