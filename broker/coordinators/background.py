"""Work that a request began and that must end whether or not the client stays to hear of it.

That is waiting until a record is replicated, to act on it then. Each wait is a task in the
coordinator's own nursery; it ends with the record, or within the log's timeout, so there are as
many as records on their way.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVarTuple

import attrs
import trio

Ts = TypeVarTuple("Ts")


@attrs.define(eq=False)
class Background:
    """The nursery of the running coordinator; None while it does not run."""

    nursery: trio.Nursery | None = None

    @property
    def is_open(self) -> bool:
        return self.nursery is not None

    def start(self, task: Callable[[*Ts], Awaitable[object]], *args: *Ts) -> None:
        assert self.nursery is not None, "the coordinator does not run"
        self.nursery.start_soon(task, *args)
