"""The async end of a ticket: a request that waits for its one answer.

The group answers the ticket when a round of joining ends or an assignment is stored; the request's
own task wakes and sends it. A client that has gone away meanwhile changes nothing: its connection
is not read while its request waits, the answer goes nowhere, and the member is found missing when
it does not sync or beat, as in Kafka.
"""

from typing import Generic, TypeVar

import trio

T = TypeVar("T")


class Waiting(Generic[T]):
    """A `member.Ticket` that one task waits for."""

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
