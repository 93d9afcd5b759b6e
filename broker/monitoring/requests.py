"""How many requests came of each kind, and how long it took until their answers were ready.

    listener ─► measured ─► dispatch ─► handler
                   │ ◄──────────────────── answer         counted, and timed
                   │ ◄──── Later ───────── wait           timed when that's over

The time is from the decoded request to the answer: handling, and waiting for followers or for
records. Kafka's TotalTimeMs also has what a request waits before it is handled, and what its answer
waits before it is sent; of the first there is none here (a request is read when its turn has come).

A Fetch counts twice, as in Kafka: as Fetch, and as FetchConsumer or FetchFollower.

Source: kafka.network.RequestChannel.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import attrs

from broker.api.context import RequestContext
from broker.api.throttling import replica_id_of
from broker.monitoring.mbeans import histogram, meter
from broker.monitoring.text_format import Family, Sample
from broker.monitoring.timings import Timings
from broker.network.listener import Answer, Dispatch, Later, Throttled
from broker.wire.apis import API_TABLE, ApiKey


@attrs.define(eq=False)
class RequestTimes:
    """By Kafka's name of the request."""

    clock_s: Callable[[], float] = time.perf_counter
    _counts: dict[tuple[str, int], int] = attrs.field(factory=dict, init=False)  # and its version
    _times_ms: dict[str, Timings] = attrs.field(factory=dict, init=False)

    def measured(self, dispatch: Dispatch) -> Dispatch:
        """The same, with each request that has an answer, or needs none, written down."""

        async def measured(context: RequestContext, request: object) -> Answer:
            began_s = self.clock_s()
            answer = await dispatch(context, request)
            names = _names(context, request)
            for name in names:
                key = (name, context.api_version)
                self._counts[key] = self._counts.get(key, 0) + 1
            told = answer.answer if isinstance(answer, Throttled) else answer
            if not isinstance(told, Later):
                self._took(names, began_s)
                return answer
            timed = self._timed(told, names, began_s)
            return Throttled(timed, answer.quiet_s) if isinstance(answer, Throttled) else timed

        return measured

    def _timed(self, later: Later, names: tuple[str, ...], began_s: float) -> Later:
        async def wait() -> object:
            answer = await later.wait()
            self._took(names, began_s)
            return answer

        return Later(wait)

    def _took(self, names: tuple[str, ...], began_s: float) -> None:
        took_ms = (self.clock_s() - began_s) * 1000
        for name in names:
            if name not in self._times_ms:
                self._times_ms[name] = Timings()
            self._times_ms[name].add(took_ms)

    def families(self) -> Iterator[Family]:
        yield meter(
            "kafka.network:type=RequestMetrics,name=RequestsPerSec",
            "Requests that were answered, or needed no answer.",
            [
                Sample(count, {"request": name, "version": str(version)})
                for (name, version), count in self._counts.items()
            ],
        )
        yield histogram(
            "kafka.network:type=RequestMetrics,name=TotalTimeMs",
            "Milliseconds from a request to its answer, of the newest 1,024 of each kind.",
            (
                sample
                for name, times in list(self._times_ms.items())
                for sample in times.samples({"request": name})
            ),
        )


def _names(context: RequestContext, request: Any) -> tuple[str, ...]:
    name = API_TABLE[context.api_key].name
    if context.api_key is not ApiKey.FETCH:
        return (name,)
    return (name, "FetchFollower" if replica_id_of(request) >= 0 else "FetchConsumer")
