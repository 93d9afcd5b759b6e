"""Waiting until a partition has moved on.

A request that can't be answered yet (an acks=all produce, a fetch of records
that don't exist) awaits here under a deadline. It's one event, registered with
every partition that the request waits for, set by whoever moves one of them:
an append, a high watermark, an epoch. Then the request looks again at
everything. There is no list of callbacks and no purgatory to sweep: a wait
that ends, for whatever reason, takes its event back out.
"""

from collections.abc import Callable, Collection

import trio


class Movement:
    """What one partition wakes: the waits that have registered with it."""

    __slots__ = ("_events",)

    def __init__(self) -> None:
        self._events: set[trio.Event] = set()

    def happened(self) -> None:
        """Wake everyone who waits; they look again and register anew if they must."""
        if self._events:
            for event in self._events:
                event.set()
            self._events.clear()

    def register(self, event: trio.Event) -> None:
        self._events.add(event)

    def unregister(self, event: trio.Event) -> None:
        self._events.discard(event)


async def wait_until(
    satisfied: Callable[[], bool], movements: Collection[Movement], timeout_s: float
) -> bool:
    """Wait until `satisfied()`, looking again after each movement; False after `timeout_s`."""
    if satisfied():
        return True
    with trio.move_on_after(timeout_s):
        while True:
            event = trio.Event()
            for movement in movements:
                movement.register(event)
            try:
                await event.wait()
            finally:
                for movement in movements:
                    movement.unregister(event)
            if satisfied():
                return True
    return satisfied()
