"""A Recorder that keeps what it is told, for tests to look at."""

from collections.abc import Mapping

import attrs


@attrs.frozen
class Event:
    kind: str
    cause: str | None
    facts: Mapping[str, object]


@attrs.define
class Trace:
    events: list[Event] = attrs.field(factory=list)

    def __call__(self, kind: str, *, cause: str | None = None, **facts: object) -> str:
        self.events.append(Event(kind, cause, facts))
        return str(len(self.events) - 1)

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]

    def of_kind(self, kind: str) -> list[Event]:
        return [event for event in self.events if event.kind == kind]

    def causes_of(self, event_id: str) -> list[str]:
        """The event's kind, its cause's, and so on to the first."""
        kinds = []
        following: str | None = event_id
        while following is not None:
            event = self.events[int(following)]
            kinds.append(event.kind)
            following = event.cause
        return kinds
