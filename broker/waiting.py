"""Waiting until something has moved on: a partition, a log's start, the metadata.

A request that can't be answered yet (an acks=all produce, a fetch of records
that don't exist) awaits here under a deadline. It's one event, registered with
every partition that the request waits for, set by whoever moves one of them:
an append, a high watermark, an epoch. Then the request looks again at
everything. There is no list of callbacks and no purgatory to sweep: a wait
that ends, for whatever reason, takes its event back out.

Whoever waits for one of thousands of partitions, again and again, can't afford
to register with all of them and to look at all of them each time. A fetch
session registers once: each partition that moves is then put down in the
session's `Due`, and the next fetch looks at those.

    movement ──happened()──►  event of a wait             once, then it's taken out
                        └──►  Due: this one has moved     until it's unwatched
"""

from collections.abc import Callable, Collection, Iterator
from typing import Any, Generic, TypeVar

import trio

T = TypeVar("T")


class Due(Generic[T]):
    """Of many things, those that must be looked at, longest due first.

    It is for one task that waits at a time; a second one takes the bell away from the first.
    """

    __slots__ = ("_bell", "items")

    def __init__(self) -> None:
        self.items: dict[T, None] = {}  # a set that keeps its order
        self._bell: trio.Event | None = None

    def mark(self, item: T, rings: bool) -> None:
        """It has moved; `rings` wakes who waits for it."""
        self.items[item] = None
        if rings and self._bell is not None:
            self._bell.set()

    def unmark(self, item: T) -> None:
        """There's nothing more to see until it moves again."""
        self.items.pop(item, None)

    def to_the_back(self, item: T) -> None:
        """It has had its turn."""
        self.items.pop(item, None)
        self.items[item] = None

    async def rung(self) -> None:
        """Wait for a mark that rings; what rang before isn't remembered, so look first."""
        self._bell = trio.Event()
        await self._bell.wait()

    @property
    def is_awaited(self) -> bool:
        return self._bell is not None and self._bell.statistics().tasks_waiting > 0


class Movement:
    """What one partition wakes: the waits that have registered with it, and who watches it."""

    __slots__ = ("_events", "_watches")

    def __init__(self) -> None:
        self._events: set[trio.Event] = set()
        self._watches: dict[Due[Any], tuple[Any, bool]] = {}

    def happened(self) -> None:
        """Wake everyone who waits; they look again and register anew if they must."""
        if self._events:
            for event in self._events:
                event.set()
            self._events.clear()
        for due, (item, rings) in self._watches.items():
            due.mark(item, rings)

    def watch(self, due: Due[T], item: T, *, rings: bool) -> None:
        """From now on put `item` down as due whenever something happens."""
        self._watches[due] = item, rings

    def unwatch(self, due: Due[T]) -> None:
        self._watches.pop(due, None)

    @property
    def waits(self) -> Collection[trio.Event]:
        """Of those that have registered; one may have done so elsewhere, too."""
        return self._events

    def watchers(self) -> Iterator[Due[Any]]:
        """Who is woken by it, and may be by others, too."""
        return (due for due, (_, rings) in self._watches.items() if rings)

    def register(self, event: trio.Event) -> None:
        self._events.add(event)

    def unregister(self, event: trio.Event) -> None:
        self._events.discard(event)


async def wait_until(
    satisfied: Callable[[], bool], movements: Collection[Movement], timeout_s: float
) -> bool:
    """Wait until `satisfied()`, looking again after each movement; False after `timeout_s`.

    Negative is no time at all: a client may say so, or have used up what it gave.
    """
    if satisfied():
        return True
    with trio.move_on_after(max(timeout_s, 0.0)):
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
