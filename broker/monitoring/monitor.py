"""The parts of this room put together: who measures, what is told, and where.

run ─► listen ─► serve_http ─► Pages ─► families ─► each part's
 └───► EventLoopWatch, while it runs
"""

import errno
from collections.abc import Iterator

import attrs
import trio

from broker.events import EventLog
from broker.failure import BrokerFailure
from broker.monitoring.broker_metrics import (
    connection_families,
    session_families,
    state_families,
)
from broker.monitoring.cleaner_metrics import cleaner_families
from broker.monitoring.coordinator_metrics import (
    ElectionCount,
    controller_families,
    group_families,
)
from broker.monitoring.event_loop import EventLoopWatch
from broker.monitoring.http import serve_http
from broker.monitoring.pages import Life, Pages
from broker.monitoring.partition_metrics import partition_families
from broker.monitoring.process import process_families
from broker.monitoring.replica_metrics import replica_families, traffic_families
from broker.monitoring.requests import RequestTimes
from broker.monitoring.text_format import Family, MetricType, Sample
from broker.monitoring.waiting_metrics import fetch_session_families, waiting_families
from broker.monitoring.zookeeper import MeasuredStore, ZooKeeperTimes
from broker.surroundings import Listen, Surroundings
from coordination.values import Endpoint

# Connections that wait to be accepted.
BACKLOG = 16


@attrs.define(eq=False)
class Monitor:
    """Of one broker, from before its start to after its end."""

    life: Life
    events: EventLog
    requests: RequestTimes = attrs.field(factory=RequestTimes, init=False)
    _zookeeper: ZooKeeperTimes = attrs.field(factory=ZooKeeperTimes, init=False)
    _event_loop: EventLoopWatch = attrs.field(factory=EventLoopWatch, init=False)
    _elections: ElectionCount = attrs.field(factory=ElectionCount, init=False)

    def measured(self, surroundings: Surroundings) -> Surroundings:
        """The same, with what ZooKeeper's answers take written down."""
        return attrs.evolve(surroundings, store=MeasuredStore(surroundings.store, self._zookeeper))

    async def run(
        self,
        endpoint: Endpoint,
        listen: Listen,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Answer at `endpoint` until cancelled. Started: listening.

        Raises `BrokerFailure` if that can't be (the port is in use).
        """
        try:
            acceptor = await listen(endpoint.host, endpoint.port, BACKLOG)
        except OSError as error:
            in_use = error.errno == errno.EADDRINUSE
            why = "Address already in use" if in_use else error.strerror or str(error)
            where = f"{endpoint.host or '0.0.0.0'}:{endpoint.port}"
            raise BrokerFailure(f"http.listener failed to bind to {where}: {why}.") from None
        trio.lowlevel.add_instrument(self._event_loop)
        self.events.readers.add(self._elections)
        try:
            pages = Pages(self.life, self.events, self.requests, self.families)
            await serve_http(acceptor, pages.answer_to, task_status=task_status)
        finally:
            self.events.readers.remove(self._elections)
            trio.lowlevel.remove_instrument(self._event_loop)

    def families(self) -> Iterator[Family]:
        """All that there is to tell now; what needs the broker, once there is one."""
        broker, connections = self.life.broker, self.life.connections
        yield from state_families(self.life.state)
        if broker is not None:
            yield from traffic_families(broker)
            yield from replica_families(broker)
            yield from controller_families(broker)
            yield from group_families(broker)
            yield from waiting_families(broker)
            yield from fetch_session_families(broker.fetch_sessions)
            yield from partition_families(broker)
            yield from cleaner_families(broker.logs)
        if connections is not None:
            yield from connection_families(connections)
        yield from self._elections.families()
        yield from self.requests.families()
        yield from session_families(self.events)
        yield from self._zookeeper.families()
        yield from self._event_loop.families()
        yield Family(
            "zbroker_ready",
            MetricType.GAUGE,
            "1 while clients may come: see /readyz.",
            [Sample(int(self.life.not_ready is None))],
        )
        yield Family(
            "zbroker_events_total",
            MetricType.COUNTER,
            "Events of the trace, by their kind (broker/event_kinds.py).",
            [Sample(count, {"kind": kind}) for kind, count in sorted(self.events.counts.items())],
        )
        yield from process_families()
