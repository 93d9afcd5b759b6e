"""A request that waits for its one answer, which something else gives it.

    who asks      answer = OneAnswer[..](); .. await answer.wait()
    who answers   answer.answer(..)       once; the asking task wakes and sends it

A group answers a JoinGroup when the round of joining ends, a SyncGroup when the assignment is
stored (there it is known as a *ticket*, see `broker.groups.member`); a transaction answers when its
record is replicated, from a task that goes on when the client is gone (`background`). A client that
has gone away changes nothing: its connection is not read while its request waits, and the answer
goes nowhere.
"""

from typing import Generic, TypeVar

import trio

T = TypeVar("T")


class OneAnswer(Generic[T]):
    """One answer, for the one task that waits for it."""

    __slots__ = ("_answered", "_result")

    def __init__(self) -> None:
        self._answered = trio.Event()
        self._result: T | None = None

    def answer(self, result: T) -> None:
        self._result = result
        self._answered.set()

    async def wait(self) -> T:
        await self._answered.wait()
        assert self._result is not None
        return self._result
