"""How late the event loop is: for how long at a time it looks at none of its sockets.

    look at the sockets, wait ─► run all tasks that can go on ─► look at the sockets, wait ─► ..
                                 └───────── a pass ─────────┘

Everything that a broker does is a task in one loop. A task that doesn't come to an await holds up
all others: heartbeats, fetches, the answer to ZooKeeper's ping. What arrives during a pass waits
for its end, so a pass's length is how late an answer may be, and one of more than 20 ms is counted
as a stall. One that has used the processor for as long is counted once more: something computes too
long. In the others the disk was waited for, or the machine was busy with somebody else.

trio tells us of the two ends of each pass (`trio.abc.Instrument`), which costs two calls a pass;
of single tasks it would tell much more, for much more.
"""

import time
from collections.abc import Callable, Iterator
from typing import Final

import trio

from broker.monitoring.text_format import Family, MetricType, Sample
from broker.monitoring.timings import Timings

STALL_S: Final = 0.020


class EventLoopWatch(trio.abc.Instrument):
    """Watches while it is `trio.lowlevel.add_instrument`ed."""

    def __init__(
        self,
        clock_s: Callable[[], float] = time.perf_counter,
        cpu_clock_s: Callable[[], float] = time.thread_time,
    ) -> None:
        self._clock_s = clock_s
        self._cpu_clock_s = cpu_clock_s
        self._began_s: float | None = None
        self._began_cpu_s = 0.0
        self.passes_s = Timings()
        self.stalls = 0
        self.computing_stalls = 0
        self.longest_s = 0.0

    def after_io_wait(self, timeout: float) -> None:  # noqa: ARG002  (trio's signature)
        self._began_s = self._clock_s()
        self._began_cpu_s = self._cpu_clock_s()

    def before_io_wait(self, timeout: float) -> None:  # noqa: ARG002  (trio's signature)
        if self._began_s is None:  # put in during a pass
            return
        took_s = self._clock_s() - self._began_s
        self.passes_s.add(took_s)
        self.longest_s = max(self.longest_s, took_s)
        if took_s > STALL_S:
            self.stalls += 1
            if self._cpu_clock_s() - self._began_cpu_s > STALL_S:
                self.computing_stalls += 1

    def families(self) -> Iterator[Family]:
        yield Family(
            "zbroker_event_loop_lag_seconds",
            MetricType.SUMMARY,
            "For how long at a time no socket was looked at, of the newest 1,024 passes; the sum "
            "is how long the loop was busy.",
            self.passes_s.samples(),
        )
        yield Family(
            "zbroker_event_loop_stalls_total",
            MetricType.COUNTER,
            "Passes of more than 20 ms.",
            [Sample(self.stalls)],
        )
        yield Family(
            "zbroker_event_loop_computing_stalls_total",
            MetricType.COUNTER,
            "Of these, the ones that computed for more than 20 ms; others waited for the disk, or "
            "for a processor.",
            [Sample(self.computing_stalls)],
        )
        yield Family(
            "zbroker_event_loop_longest_stall_seconds",
            MetricType.GAUGE,
            "The longest pass since the start.",
            [Sample(self.longest_s)],
        )
        yield Family(
            "zbroker_open_tasks",
            MetricType.GAUGE,
            "Tasks that have begun and not ended.",
            [Sample(trio.lowlevel.current_statistics().tasks_living)],
        )
