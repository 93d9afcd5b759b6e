"""A story: a pure account of what the controller does about one event, told in order.

It is a generator. It yields effects; where the effect asks ZooKeeper something, the story goes on
with the answer:

    names = yield from list_children(paths.TOPICS, watch=True)

so that the order of things (read, decide, persist, and only then send) can be read from top to
bottom, across any number of round trips, and nothing here awaits. Between two effects of a story
no other story runs: the controller does one thing at a time, as Kafka's event thread.

`persist` is the only way to write. It puts the Check on /controller_epoch before every multi, so
that no story can forget it: KAFKA-6082, a controller that lost its session while it was paused
must not write over its successor's decisions.
"""

from collections.abc import Generator, Sequence
from typing import Any, TypeAlias, TypeVar

from coordination.controller.context import ControllerContext
from coordination.controller.effects import Effect, Exists, ListChildren, Persist, Read, Record
from coordination.store import Check, MultiFailed, Node, Op, OpResult, StoreError
from coordination.values import LeaderAndIsr, TopicPartition
from coordination.znodes import BadZnode, paths

__all__ = [
    "ControllerMoved",
    "Outcome",
    "Story",
    "exists",
    "headline",
    "list_children",
    "persist",
    "read",
    "record",
    "record_bad_znode",
]

T = TypeVar("T")

Story: TypeAlias = Generator[Effect, Any, T]
"""Yields effects, is sent each one's answer, and returns a T to the story that it is part of."""

Outcome: TypeAlias = list[OpResult] | StoreError
"""Of one multi: its results, or the error of the op that failed (then nothing of it was done)."""


class ControllerMoved(Exception):
    """/controller_epoch has moved on: another controller was elected. Stop at once."""


def read(znode_paths: Sequence[str], *, watch: bool = False) -> Story[list[Node | None]]:
    if not znode_paths:
        return []
    nodes: list[Node | None] = yield Read(tuple(znode_paths), watch)
    return nodes


def exists(path: str) -> Story[bool]:
    """And watch it, until it is made, changed or deleted."""
    there: bool = yield Exists(path)
    return there


def list_children(path: str, *, watch: bool = False) -> Story[list[str]]:
    names: list[str] = yield ListChildren(path, watch)
    return sorted(names)


def persist(context: ControllerContext, writes: Sequence[Sequence[Op]]) -> Story[list[Outcome]]:
    """Each of `writes` as one multi, guarded by the controller epoch. Outcomes in order.

    The error of a multi that failed is returned for the story to judge (somebody else changed
    that znode); an error of ZooKeeper itself, or a newer controller, ends the term.
    """
    if not writes:
        return []
    guard = Check(paths.CONTROLLER_EPOCH, context.epoch_version)
    answers: list[list[OpResult] | StoreError] = yield Persist(
        tuple((guard, *ops) for ops in writes)
    )
    outcomes: list[Outcome] = []
    for answer in answers:
        if isinstance(answer, MultiFailed):
            if answer.index == 0:
                raise ControllerMoved(
                    f"controller {context.controller_id} with epoch {context.epoch} was replaced"
                )
            outcomes.append(answer.error)
        elif isinstance(answer, StoreError):
            raise answer
        else:
            outcomes.append(answer[1:])
    return outcomes


def headline(kind: str, **facts: object) -> Story[None]:
    yield Record(kind, facts, headline=True)


def record(kind: str, **facts: object) -> Story[None]:
    yield Record(kind, facts)


def record_bad_znode(error: BadZnode) -> Story[None]:
    """Somebody wrote what cannot be meant: say where and go on without it."""
    yield Record("znode.unreadable", {"path": error.path, "why": error.why})


def state_facts(partition: TopicPartition, state: LeaderAndIsr) -> dict[str, object]:
    """How the trace tells of a partition's state."""
    return {
        "partition": str(partition),
        "leader": state.leader,
        "isr": state.isr,
        "leader_epoch": state.leader_epoch,
        "partition_epoch": state.partition_epoch,
    }
