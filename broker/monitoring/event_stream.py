"""The trace as server-sent events: what is in memory, and then each event as it happens.

    id: 9f1c22d0.17                          by which a client that lost the connection goes on
    event: partition.leader_elected          (`Last-Event-ID`): without it, or if the event is
    data: {"id": "9f1c22d0.17", ...}         forgotten, it gets all that is in memory

    event: lost                              as many events were left out here: the reader was
    data: {"lost": 17}                       too slow

    :                                        nothing happened for 15 s; we're both still here

The trace waits for nobody. What a reader has yet to be sent waits in a queue of its own; when that
is full the oldest makes way, and the reader is told how many he has missed before what comes next.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import collections
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

import attrs
import trio

from broker.events import EVENTS_IN_MEMORY, Event, EventLog
from broker.monitoring.http import NextChunk

CONTENT_TYPE: Final = "text/event-stream"
# As much as the memory holds, with which each reader begins: 2 MB at most.
WAITING_AT_MOST: Final = EVENTS_IN_MEMORY
KEEP_ALIVE_S: Final = 15.0
# Sent at once: fewer writes, when much waits.
EVENTS_AT_ONCE: Final = 100


@attrs.define(eq=False)
class EventReader:
    """One who follows the trace (`broker.events.Reader`)."""

    most: int = WAITING_AT_MOST
    _waiting: collections.deque[Event] = attrs.field(factory=collections.deque, init=False)
    _lost: int = attrs.field(default=0, init=False)
    _arrived: trio.Event = attrs.field(factory=trio.Event, init=False)

    def tell(self, event: Event) -> None:
        if len(self._waiting) == self.most:
            self._waiting.popleft()
            self._lost += 1
        self._waiting.append(event)
        self._arrived.set()

    async def next_events(self) -> tuple[int, list[Event]]:
        """Waits for some; and how many were lost before them."""
        while not self._waiting:
            self._arrived = trio.Event()
            await self._arrived.wait()
        lost, self._lost = self._lost, 0
        count = min(len(self._waiting), EVENTS_AT_ONCE)
        return lost, [self._waiting.popleft() for _ in range(count)]


@contextmanager
def event_stream(events: EventLog, last_event_id: str | None = None) -> Iterator[NextChunk]:
    """The stream of what is in memory behind that event, and of all that comes."""
    reader = EventReader()
    for event in _behind(events.recent, last_event_id):
        reader.tell(event)
    events.readers.add(reader)
    try:
        yield partial(_next_chunk, reader)
    finally:
        events.readers.remove(reader)


async def _next_chunk(reader: EventReader) -> bytes:
    with trio.move_on_after(KEEP_ALIVE_S):
        lost, events = await reader.next_events()
        return (_lost(lost) if lost else b"") + b"".join(_told(event) for event in events)
    return b":\n\n"


def _behind(recent: Iterable[Event], last_event_id: str | None) -> list[Event]:
    known = list(recent)
    for index, event in enumerate(known):
        if event.id == last_event_id:
            return known[index + 1 :]
    return known


def _told(event: Event) -> bytes:
    return f"id: {event.id}\nevent: {event.kind}\ndata: {event.to_json()}\n\n".encode()


def _lost(count: int) -> bytes:
    return f"event: lost\ndata: {json.dumps({'lost': count})}\n\n".encode()
