"""How many requests came of each kind, with which errors, and how long each part of them took.

    listener ─► measured ─► dispatch ─► handler    LocalTimeMs, until it waits for the first time:
                   │                       │       for followers, records, another broker, ZooKeeper
                   │                       │       or a thread. RemoteTimeMs from then on
                   │ ◄──────────────────── answer, or Later and its wait        errors are counted
    listener ◄── Timed
       │           ResponseQueueTimeMs             answers to the connection's earlier requests
       │           ResponseSendTimeMs              until the kernel has all: a slow reader's lasts
       └────────► sent                                                          counted, and timed

TotalTimeMs is from the decoded request until its answer is sent. ThrottleTimeMs, for how long its
client isn't listened to afterwards, is no part of it: the answer doesn't wait for that (KIP-219).
Kafka's RequestQueueTimeMs isn't told, since there's no such queue: a request is read off its socket
when its turn has come, and handled at once. What keeps the loop from reading is
`zbroker_event_loop_lag_seconds`.

A Fetch is timed twice, as in Kafka: as Fetch, and as FetchConsumer or FetchFollower. As in Kafka,
one whose connection breaks before the answer is sent isn't counted. Who looks on (`answered`) is
told of each.

Source: kafka.network.RequestChannel.
"""

import time
from collections import Counter
from collections.abc import Callable, Coroutine, Generator, Iterator
from functools import partial
from types import coroutine
from typing import Any, Final

import attrs

from broker.api.context import RequestContext
from broker.api.throttling import replica_id_of
from broker.monitoring.answered import Onlookers, Reader
from broker.monitoring.mbeans import histogram, meter
from broker.monitoring.request_errors import count_errors
from broker.monitoring.text_format import Family, Sample
from broker.monitoring.timings import TimingsTable
from broker.network.answers import Answer, Later, Throttled, Timed
from broker.network.listener import Dispatch
from broker.wire.apis import API_TABLE, ApiKey
from broker.wire.errors import ErrorCode

_ERRORS: Final = {int(code): code.name for code in ErrorCode}

# Kafka's name of a phase, and what it means: the columns of a request's row.
PHASES: Final = (
    ("LocalTimeMs", "Milliseconds of work on a request until it waited, or was answered"),
    ("RemoteTimeMs", "Milliseconds from then on: it waited for followers, records and others"),
    ("ThrottleTimeMs", "Milliseconds that its client wasn't listened to after a request"),
    ("ResponseQueueTimeMs", "Milliseconds that an answer waited for those before it"),
    ("ResponseSendTimeMs", "Milliseconds until an answer was sent"),
    ("TotalTimeMs", "Milliseconds from a request until its answer was sent"),
)


@attrs.define(eq=False)
class _OfKind:
    """Requests of one name."""

    by_version: Counter[int] = attrs.field(factory=Counter, init=False)
    errors: Counter[int] = attrs.field(factory=Counter, init=False)
    times_ms: TimingsTable = attrs.field(factory=lambda: TimingsTable(len(PHASES)), init=False)


@attrs.define(eq=False)
class RequestTimes:
    """By Kafka's name of the request."""

    clock_s: Callable[[], float] = time.perf_counter
    readers: set[Reader] = attrs.field(factory=set, init=False)
    _kinds: dict[str, _OfKind] = attrs.field(factory=dict, init=False)

    def measured(self, dispatch: Dispatch) -> Dispatch:
        """The same, with each request that has an answer, or needs none, written down."""
        clock_s = self.clock_s

        async def measured(context: RequestContext, request: object) -> Answer:
            timing = _RequestTiming(clock_s, self._kinds_of(context, request), context.api_version)
            if self.readers:
                timing.onlookers = Onlookers(context, self.readers)
            answer = await timing.until_it_waits(dispatch(context, request))
            told = answer.answer if isinstance(answer, Throttled) else answer
            if isinstance(told, Later):
                told = timing.until_ready(told)
            else:
                timing.is_ready(told)
            if isinstance(answer, Throttled):
                timing.quiet_s = answer.quiet_s
                told = Throttled(told, answer.quiet_s)
            return Timed(told, timing)

        return measured

    def _kinds_of(self, context: RequestContext, request: Any) -> tuple[_OfKind, ...]:
        name = API_TABLE[context.api_key].name
        if context.api_key is not ApiKey.FETCH:
            return (self._kind(name),)
        who = "FetchFollower" if replica_id_of(request) >= 0 else "FetchConsumer"
        return self._kind(name), self._kind(who)

    def _kind(self, name: str) -> _OfKind:
        kind = self._kinds.get(name)
        if kind is None:
            kind = self._kinds[name] = _OfKind()
        return kind

    def families(self) -> Iterator[Family]:
        kinds = list(self._kinds.items())
        yield meter(
            "kafka.network:type=RequestMetrics,name=RequestsPerSec",
            "Requests that were answered, or needed no answer.",
            [
                Sample(count, {"request": name, "version": str(version)})
                for name, kind in kinds
                for version, count in kind.by_version.items()
            ],
        )
        yield meter(
            "kafka.network:type=RequestMetrics,name=ErrorsPerSec",
            "Error codes in answers, of a request's topics and partitions each; NONE is one.",
            [
                Sample(count, {"request": name, "error": _ERRORS.get(code, str(code))})
                for name, kind in kinds
                for code, count in kind.errors.items()
            ],
        )
        for column, (name, meaning) in enumerate(PHASES):
            yield histogram(
                f"kafka.network:type=RequestMetrics,name={name}",
                f"{meaning}, of the newest 1,024 of each kind.",
                _column(kinds, column),
            )


def _column(kinds: list[tuple[str, _OfKind]], column: int) -> Iterator[Sample]:
    for name, kind in kinds:
        yield from kind.times_ms.columns()[column].samples({"request": name})


class _RequestTiming:
    """One request on its way (`broker.network.listener.Timing`): when it was where."""

    __slots__ = (
        "_began_s",
        "_clock_s",
        "_kinds",
        "_ready_s",
        "_sending_s",
        "_version",
        "_waits_s",
        "onlookers",
        "quiet_s",
    )

    def __init__(
        self, clock_s: Callable[[], float], kinds: tuple[_OfKind, ...], version: int
    ) -> None:
        self._clock_s = clock_s
        self._kinds = kinds
        self._version = version
        self._waits_s = self.quiet_s = 0.0
        self.onlookers: Onlookers | None = None
        self._began_s = clock_s()

    @coroutine
    def until_it_waits(self, handling: Coroutine[Any, Any, Answer]) -> Generator[Any, Any, Answer]:
        """Do the work, and note when it first gives way to others, if it does."""
        try:
            awaited = handling.send(None)
        except StopIteration as end:
            answer: Answer = end.value
            return answer
        self._waits_s = self._clock_s()
        return (yield from _resumed(handling, awaited))

    def until_ready(self, later: Later) -> Later:
        self._waits_s = self._waits_s or self._clock_s()

        async def wait() -> object:
            answer = await later.wait()
            self.is_ready(answer)
            return answer

        return Later(wait, later.is_ready)

    def is_ready(self, answer: Answer) -> None:
        self._ready_s = self._clock_s()
        count_errors(answer, self._kinds[0].errors)
        if self.onlookers is not None:
            count_errors(answer, self.onlookers.errors)

    def sending(self) -> None:
        self._sending_s = self._clock_s()

    def sent(self) -> None:
        now_s, ready_s, began_s = self._clock_s(), self._ready_s, self._began_s
        waits_s = self._waits_s or ready_s
        row = (
            1000 * (waits_s - began_s),
            1000 * (ready_s - waits_s),
            1000 * self.quiet_s,
            1000 * (self._sending_s - ready_s),
            1000 * (now_s - self._sending_s),
            1000 * (now_s - began_s),
        )
        for kind in self._kinds:
            kind.by_version[self._version] += 1
            kind.times_ms.add(row)
        if self.onlookers is not None:
            self.onlookers.tell(row)


def _resumed(work: Coroutine[Any, Any, Answer], awaited: Any) -> Generator[Any, Any, Answer]:
    """Go on with work that waits for `awaited`; what it returns or raises is passed on."""
    while True:
        try:
            outcome = yield awaited
        except BaseException as thrown:  # noqa: BLE001  (it's for the work to hear)
            resume: Callable[[], Any] = partial(work.throw, thrown)
        else:
            resume = partial(work.send, outcome)
        try:
            awaited = resume()
        except StopIteration as end:
            answer: Answer = end.value
            return answer
        finally:
            del resume  # what it throws has this frame in its traceback
