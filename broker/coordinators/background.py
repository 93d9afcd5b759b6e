"""Work that a request began and that must end whether or not the client stays to hear of it.

Most of it is waiting until a record is replicated, to act on it then. Each wait is a task in the
coordinator's own nursery; it ends with the record, or within the log's timeout, so there are as
many as records on their way. Others go on for as long as their partition is owned: one for each
partition that is being loaded, each transaction that is being ended, each marker that is being
replicated. And one sends to each broker that markers were sent to, for good.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVarTuple

import attrs
import trio

Ts = TypeVarTuple("Ts")


@attrs.define(eq=False)
class Background:
    """The tasks of the running coordinator."""

    _nursery: trio.Nursery | None = attrs.field(default=None, init=False)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Open while the coordinator runs, and for as long as its last task needs to end.

        Not only until it is cancelled: until a task has heard of that, it may start another.
        """
        try:
            async with trio.open_nursery() as self._nursery:
                yield
        finally:
            self._nursery = None

    @property
    def is_open(self) -> bool:
        return self._nursery is not None

    def start(self, task: Callable[[*Ts], Awaitable[object]], *args: *Ts) -> None:
        assert self._nursery is not None, "the coordinator does not run"
        self._nursery.start_soon(task, *args)
