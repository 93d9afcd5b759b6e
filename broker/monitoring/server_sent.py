"""Server-sent events for a reader who may be slow: what waits is bounded, and what's lost is told.

    event: ..                                as the stream words what happened
    data: {..}

    event: lost                              as many were left out here: the reader was too slow
    data: {"lost": 17}

    :                                        nothing happened for 15 s; we're both still here

Nobody waits for a reader. What he has yet to be sent waits in a queue of his own; when that is full
the oldest makes way, and he is told how many he has missed before what comes next.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import collections
import json
from collections.abc import Callable
from typing import Final, Generic, TypeVar

import attrs
import trio

T = TypeVar("T")

CONTENT_TYPE: Final = "text/event-stream"
KEEP_ALIVE_S: Final = 15.0
# Sent at once: fewer writes, when much waits.
EVENTS_AT_ONCE: Final = 100


@attrs.define(eq=False)
class StreamReader(Generic[T]):
    """One who follows; of what waits for him there's no more than `most`."""

    most: int
    _waiting: collections.deque[T] = attrs.field(factory=collections.deque, init=False)
    _lost: int = attrs.field(default=0, init=False)
    _arrived: trio.Event = attrs.field(factory=trio.Event, init=False)

    def tell(self, event: T) -> None:
        if len(self._waiting) == self.most:
            self._waiting.popleft()
            self._lost += 1
        self._waiting.append(event)
        self._arrived.set()

    async def next_chunk(self, told: Callable[[T], bytes]) -> bytes:
        """What came, in `told`'s words, when something has; or that nothing did."""
        with trio.move_on_after(KEEP_ALIVE_S):
            lost, events = await self._next_events()
            return (_lost(lost) if lost else b"") + b"".join(map(told, events))
        return b":\n\n"

    async def _next_events(self) -> tuple[int, list[T]]:
        """Waits for some; and how many were lost before them."""
        while not self._waiting:
            self._arrived = trio.Event()
            await self._arrived.wait()
        lost, self._lost = self._lost, 0
        count = min(len(self._waiting), EVENTS_AT_ONCE)
        return lost, [self._waiting.popleft() for _ in range(count)]


def _lost(count: int) -> bytes:
    return f"event: lost\ndata: {json.dumps({'lost': count})}\n\n".encode()
