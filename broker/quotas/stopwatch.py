"""How long the event loop was busy with one task's work, without the time that the task waited.

A coroutine runs from one wait to the next, and each run is one `send` of whoever drives it. So
whoever stands between the loop and the coroutine can take the time of each:

    loop ── send ──▶ Stopwatch ── send ──▶ handler      computes
         ◀─ yields ──          ◀─ yields ──             waits: the watch stands still
"""

from collections.abc import Callable, Coroutine, Generator
from functools import partial
from types import coroutine
from typing import Any, TypeVar

import attrs

T = TypeVar("T")


@attrs.define(eq=False)
class Stopwatch:
    """`busy_s` is what has been taken so far."""

    clock_s: Callable[[], float]
    busy_s: float = attrs.field(default=0.0, init=False)

    @coroutine
    def time(self, work: Coroutine[Any, Any, T]) -> Generator[Any, Any, T]:
        """Do the work; what it returns or raises is returned or raised."""
        resume: Callable[[], Any] = partial(work.send, None)
        while True:
            begin_s = self.clock_s()
            try:
                awaited = resume()
            except StopIteration as end:
                result: T = end.value
                return result
            finally:
                self.busy_s += self.clock_s() - begin_s
                del resume  # what it throws has this frame in its traceback
            try:
                resume = partial(work.send, (yield awaited))
            except BaseException as thrown:  # noqa: BLE001  (it's for the work to hear)
                resume = partial(work.throw, thrown)
