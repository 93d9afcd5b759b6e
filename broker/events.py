"""The trace: why the cluster is as it is.

A log says what a broker did; the trace says what led to what. Each change of state is an event that
names its cause, so that one can walk back from an effect: clients were refused because the ISR
shrank, because a broker left, because its session was lost.

    {"id": "9f1c22d0.17", "broker": 1, "time_ms": 1760000000123, "monotonic_ms": 5320,
     "kind": "partition.leader_elected", "cause": "9f1c22d0.14",
     "facts": {"partition": "t-0", "leader": 2, "isr": [2, 3], ...}}

An id is the token of one life of one broker, and a number in it: unique across brokers and
restarts. Within a life, monotonic_ms (since the start) orders events even while the wall clock is
being set. Each event goes three ways, none of which grows without bound:

    memory   the newest EVENTS_IN_MEMORY, for whoever asks this broker
    file     <first log directory>/events.jsonl, a line each; at MAX_FILE_BYTES it becomes
             events.jsonl.1, which replaces the one before. Kafka ignores plain files there.
    log      one line each, for people

and, while somebody follows, to him (`Reader`, broker/monitoring). How many there were of each kind
is counted.

The trace watches and never interferes: if the file cannot be written (a full disk), that is said
once and the broker goes on.

event_kinds.py lists every kind with its facts.
"""

import collections
import json
import logging
import os
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Protocol

import attrs

FILE_NAME: Final = "events.jsonl"
# Half an hour of a lively small cluster: an event takes about 1 KB, all of them 2 MB.
EVENTS_IN_MEMORY: Final = 2_000
# Two files of 8 MiB hold about 60,000 events of the usual 250 bytes.
MAX_FILE_BYTES: Final = 8 * 1024 * 1024

_log = logging.getLogger(__name__)


@attrs.frozen
class Event:
    """One change. time_ms: since 1970, by the wall clock; monotonic_ms: since this life began."""

    id: str
    broker: int
    time_ms: int
    monotonic_ms: int
    kind: str
    cause: str | None
    facts: Mapping[str, object]

    @property
    def life(self) -> str:
        """The token of the broker's life: what its ids begin with."""
        return self.id.partition(".")[0]

    @property
    def document(self) -> dict[str, object]:
        """What JSON tells of it."""
        return attrs.asdict(self, recurse=False)

    def to_json(self) -> str:
        """One line of the file."""
        return json.dumps(self.document)

    @classmethod
    def from_json(cls, line: str) -> "Event":
        """Raises ValueError, in one line, for anything but an event."""
        document = json.loads(line)
        try:
            return cls(**{field.name: document[field.name] for field in attrs.fields(cls)})
        except (KeyError, TypeError) as error:
            raise ValueError(f"not an event: {error} is missing") from None

    def __str__(self) -> str:
        told = [self.kind, *(f"{name}={_short(value)}" for name, value in self.facts.items())]
        because = f" (because of {self.cause})" if self.cause is not None else ""
        return f"[{self.id}] {' '.join(told)}{because}"


class Reader(Protocol):
    """Follows the trace while it's written."""

    def tell(self, event: Event) -> None:
        """There's another one; returns at once, and keeps no more than it has room for."""


@attrs.define
class EventLog:
    """A broker's trace; calling it records an event and returns its id (`Recorder`).

    broker_id: -1 until it is known, then set by the owner. path: where the file goes, None until
    `write_to` says it: a log directory is ours to write only when its lock is held. life,
    wall_clock, monotonic_clock (seconds): given by tests.
    """

    broker_id: int
    path: Path | None = None
    life: str = attrs.field(factory=lambda: secrets.token_hex(4))
    wall_clock: Callable[[], float] = time.time
    monotonic_clock: Callable[[], float] = time.monotonic
    max_file_bytes: int = MAX_FILE_BYTES
    recent: collections.deque[Event] = attrs.field(
        factory=lambda: collections.deque(maxlen=EVENTS_IN_MEMORY), init=False
    )
    readers: set[Reader] = attrs.field(factory=set, init=False)
    counts: collections.Counter[str] = attrs.field(factory=collections.Counter, init=False)
    _count: int = attrs.field(default=0, init=False)
    _file: int | None = attrs.field(default=None, init=False)
    _file_bytes: int = attrs.field(default=0, init=False)
    _started: float = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._started = self.monotonic_clock()

    def __call__(self, kind: str, *, cause: str | None = None, **facts: object) -> str:
        self._count += 1
        event = Event(
            id=f"{self.life}.{self._count}",
            broker=self.broker_id,
            time_ms=int(self.wall_clock() * 1000),
            monotonic_ms=int((self.monotonic_clock() - self._started) * 1000),
            kind=kind,
            cause=cause,
            facts={name: _plain(value) for name, value in facts.items()},
        )
        self.recent.append(event)
        self.counts[kind] += 1
        for reader in self.readers:
            reader.tell(event)
        _log.info("%s", event)
        self._write(event)
        return event.id

    def write_to(self, path: Path) -> None:
        """Starts the file, with what was recorded so far."""
        self.path = path
        for event in self.recent:
            self._write(event)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _write(self, event: Event) -> None:
        if self.path is None:
            return
        line = f"{event.to_json()}\n".encode()
        try:
            if self._file is not None and self._file_bytes + len(line) > self.max_file_bytes:
                self._rotate(self.path)
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
                self._file_bytes = os.fstat(self._file).st_size
            os.write(self._file, line)
        except OSError as error:
            _log.warning("%s: no longer writing the trace: %s", self.path, error.strerror)
            self.close()
            self.path = None
            return
        self._file_bytes += len(line)

    def _rotate(self, path: Path) -> None:
        self.close()
        path.replace(path.with_name(path.name + ".1"))


def _plain(value: object) -> object:
    """What JSON can say: collections as arrays, mappings with text for keys, all else as text."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((_plain(item) for item in value), key=str)
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return str(value)


def _short(value: object) -> str:
    """A fact for people: `leader=2 isr=[2,3] why="its own words"`."""
    if isinstance(value, str) and value and " " not in value:
        return value
    return json.dumps(value, separators=(",", ":"))
