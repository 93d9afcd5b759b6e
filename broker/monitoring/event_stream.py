"""The trace as server-sent events: what is in memory, and then each event as it happens.

id: 9f1c22d0.17                          by which a client that lost the connection goes on
event: partition.leader_elected          (`Last-Event-ID`): without it, or if the event is
data: {"id": "9f1c22d0.17", ...}         forgotten, it gets all that is in memory
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

from broker.events import EVENTS_IN_MEMORY, Event, EventLog
from broker.monitoring.http import NextChunk
from broker.monitoring.server_sent import StreamReader

# As much as the memory holds, with which each reader begins: 2 MB at most.
WAITING_AT_MOST: Final = EVENTS_IN_MEMORY


@contextmanager
def event_stream(events: EventLog, last_event_id: str | None = None) -> Iterator[NextChunk]:
    """The stream of what is in memory behind that event, and of all that comes."""
    reader = StreamReader[Event](WAITING_AT_MOST)
    for event in _behind(events.recent, last_event_id):
        reader.tell(event)
    events.readers.add(reader)
    try:
        yield partial(reader.next_chunk, _told)
    finally:
        events.readers.remove(reader)


def _behind(recent: Iterable[Event], last_event_id: str | None) -> list[Event]:
    known = list(recent)
    for index, event in enumerate(known):
        if event.id == last_event_id:
            return known[index + 1 :]
    return known


def _told(event: Event) -> bytes:
    return f"id: {event.id}\nevent: {event.kind}\ndata: {event.to_json()}\n\n".encode()
