"""All deadlines of all groups in one heap, so that one task can watch them.

A group has few: when its round of joining ends, by when everyone must have synced, and one for each
member's session. A task a group, or a member, would do; but a broker may coordinate thousands of
groups, nearly all deadlines are pushed back (by every heartbeat) before they come, and a group that
is idle should cost nothing. So a heartbeat only overwrites a number in a table; the heap keeps the
earlier moment, and when that comes the deadline is put back to where the table says it is now.

Source: in Kafka this is a hierarchical timing wheel (`SystemTimer`) below two purgatories.
"""

import heapq
from enum import Enum
from itertools import count
from typing import NamedTuple

import trio

from broker.groups.group import Group


class Kind(Enum):
    JOIN = "join"  # the round of joining ends
    SYNC = "sync"  # every member must have asked for its assignment
    SESSION = "session"  # a member, or a pending one, must have been heard of


class Deadline(NamedTuple):
    """What is due. `group` is the very object: one loaded anew has its own deadlines."""

    kind: Kind
    group: Group
    member_id: str = ""


class Deadlines:
    """At most one moment for each `Deadline`, in seconds of trio's clock."""

    def __init__(self) -> None:
        self._due_at: dict[Deadline, float] = {}
        self._queued_at: dict[Deadline, float] = {}  # the earliest entry of it in the heap
        self._heap: list[tuple[float, int, Deadline]] = []
        self._order = count()  # entries of the same moment leave in the order they came
        self._sooner = trio.Event()

    def __len__(self) -> int:
        return len(self._due_at)

    def set(self, deadline: Deadline, after_ms: int) -> None:
        """Let it be due in `after_ms`, instead of whenever it was due before."""
        due_at = trio.current_time() + after_ms / 1000
        self._due_at[deadline] = due_at
        if due_at < self._queued_at.get(deadline, float("inf")):
            self._queue(deadline, due_at)

    def cancel(self, deadline: Deadline) -> None:
        self._due_at.pop(deadline, None)

    async def next_due(self) -> Deadline:
        """Wait for the next one; it is not set any more then. For one task only."""
        while True:
            self._sooner = trio.Event()
            until = self._heap[0][0] if self._heap else float("inf")
            with trio.move_on_at(until):
                await self._sooner.wait()
            due = self._pop()
            if due is not None:
                return due

    def _queue(self, deadline: Deadline, due_at: float) -> None:
        heapq.heappush(self._heap, (due_at, next(self._order), deadline))
        self._queued_at[deadline] = due_at
        if self._heap[0][2] is deadline:
            self._sooner.set()

    def _pop(self) -> Deadline | None:
        """Take the first entry out if its time has come; None if it was not due after all."""
        if not self._heap or self._heap[0][0] > trio.current_time():
            return None
        queued_at, _, deadline = heapq.heappop(self._heap)
        if self._queued_at.get(deadline) != queued_at:
            return None  # there is an earlier entry of it, or it has been dealt with
        del self._queued_at[deadline]
        due_at = self._due_at.get(deadline)
        if due_at is None:
            return None
        if due_at > trio.current_time():
            self._queue(deadline, due_at)
            return None
        del self._due_at[deadline]
        return deadline
