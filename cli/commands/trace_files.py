"""Reading the traces of several brokers as one.

Each broker writes its own file (`broker.events`): an event has an id, the id of
the event that caused it, maybe on another broker, and two times. Files are
merged by time. Within one life of a broker its monotonic clock gives the order,
which setting the wall clock can't disturb; between lives, when each of them began.

    broker 1   a1.1 ── a1.2 ────────── a1.3
                         │ cause
    broker 3             └──► c7.9 ──► c7.10          one story: a1.2, c7.9, c7.10

Events and their causes make a forest: a tree is a first cause with everything
that came of it.
"""

import contextlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from broker.events import Event


def read_events(file: Path) -> tuple[list[Event], list[str]]:
    """The events of a trace, those of its rotated predecessor (`.1`) first, and complaints.

    A complaint is a line that is no event (a full disk cuts one off), or a file that can't be
    read: the others are still worth reading, above all when things are broken. A last line
    without its end is being written at this moment: it is left out without a word.
    """
    events: list[Event] = []
    complaints: list[str] = []
    for each in (file.with_name(file.name + ".1"), file):
        try:
            lines = each.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
        except FileNotFoundError:
            continue
        except OSError as error:
            complaints.append(f"{each}: left out: {error.strerror}")
            continue
        for number, line in enumerate(lines, start=1):
            if not line.endswith("\n"):
                break
            try:
                events.append(Event.from_json(line))
            except ValueError as error:
                complaints.append(f"{each}:{number}: left out: {error}")
    return events, complaints


def merged(events: Iterable[Event]) -> list[Event]:
    """All events in the order in which they happened, as far as clocks can tell."""
    by_life: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_life[event.life].append(event)
    timed = [
        (lived[0].time_ms - lived[0].monotonic_ms + event.monotonic_ms, position, event)
        for lived in by_life.values()
        for position, event in enumerate(lived)
    ]
    timed.sort(key=lambda each: each[:2])
    return [event for _, _, event in timed]


def of_kind(kind: str, wanted: Sequence[str]) -> bool:
    """Whether a kind is meant by one of the words: all, its dotted start, or a word in it.

    `partition.isr_changed` is meant by `partition.isr_changed`, `partition` and `isr`.
    """
    words = set(re.split(r"[._]", kind))
    return not wanted or any(
        word == kind or kind.startswith(word + ".") or word in words for word in wanted
    )


def with_causes(events: Sequence[Event], wanted: Sequence[str]) -> list[Event]:
    """The events of the wanted kinds, and what led to them, in the given order."""
    by_id = {event.id: event for event in events}
    kept: set[str] = set()
    for event in events:
        if of_kind(event.kind, wanted):
            walked: Event | None = event
            while walked is not None and walked.id not in kept:
                kept.add(walked.id)
                walked = by_id.get(walked.cause or "")
    return [event for event in events if event.id in kept]


def forest(events: Sequence[Event]) -> Iterator[tuple[int, Event]]:
    """Each event with its depth: a cause first, then its effects, one level deeper.

    An event whose cause is not among them (rotated away, or of a broker whose file is not
    here) begins a tree of its own.
    """
    known = {event.id for event in events}
    effects: dict[str | None, list[Event]] = defaultdict(list)
    for event in events:
        effects[event.cause if event.cause in known else None].append(event)
    # A stack and not recursion: a chain may be as long as a broker's life.
    stack = [(0, event) for event in reversed(effects[None])]
    while stack:
        depth, event = stack.pop()
        yield depth, event
        stack += [(depth + 1, effect) for effect in reversed(effects[event.id])]


def by_time(events: Iterable[Event]) -> Iterator[tuple[int, Event]]:
    """Each event with its depth, in the given order."""
    depths = Depths()
    for event in events:
        yield depths.add(event), event


class Tail:
    """A trace file that is still being written, read on from where it ended."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._position = 0
        self._inode: int | None = None
        with contextlib.suppress(OSError):
            found = file.stat()
            self._position, self._inode = found.st_size, found.st_ino

    def new_events(self) -> list[Event]:
        """What came since the last call, whole lines only; goes on in a new file after a rotation.

        A line that is no event is left out, and a file that can't be read: `read_events` says
        so, to whoever asks again.
        """
        try:
            return self._read_on()
        except OSError:
            return []

    def _read_on(self) -> list[Event]:
        inode = self._file.stat().st_ino
        events: list[Event] = []
        if self._inode not in (None, inode):
            events += self._rest_of(self._file.with_name(self._file.name + ".1"))
            self._position = 0
        self._inode = inode
        return events + self._rest_of(self._file)

    def _rest_of(self, file: Path) -> list[Event]:
        with file.open("rb") as stream:
            stream.seek(self._position)
            data = stream.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._position += len(whole)
        events = []
        for line in whole.decode(errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                events.append(Event.from_json(line))
        return events


class Depths:
    """How far each event is from its first cause, for events that come one by one.

    Of the newest `MAX_REMEMBERED` only: causes are recent, and watching goes on for days.
    """

    MAX_REMEMBERED = 100_000  # some 10 MB

    def __init__(self) -> None:
        self._depth_of: dict[str, int] = {}  # in order of arrival

    def add(self, event: Event) -> int:
        """Remember an event; its depth, 0 for one whose cause is not known."""
        depth = self._depth_of[event.cause] + 1 if event.cause in self._depth_of else 0
        self._depth_of[event.id] = depth
        if len(self._depth_of) > self.MAX_REMEMBERED:
            del self._depth_of[next(iter(self._depth_of))]
        return depth
