"""Which path is what: the seven that there are, and the refusals.

`/healthz` is for whoever restarts a broker that hangs: it is answered as long as the event loop
turns, from the start to the end. `/readyz` is for whoever sends clients there: 503, and why, while
the broker starts, stops, isn't registered in ZooKeeper, or hasn't heard from a controller yet. One
that has lost the connection, and whose session may live on, goes on leading, and stays ready.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Final, Protocol

import attrs

from broker.broker import Broker
from broker.broker_state import BrokerState
from broker.events import EventLog
from broker.monitoring import (
    controller_pages,
    event_stream,
    request_stream,
    server_sent,
    text_format,
)
from broker.monitoring.http import Page, Request, Stream
from broker.monitoring.requests import RequestTimes
from broker.monitoring.text_format import Family
from broker.network.connections import Connections
from coordination.controller.runner import ActiveController

METHODS: Final = {
    "/metrics": ("GET", "HEAD"),
    "/healthz": ("GET", "HEAD"),
    "/readyz": ("GET", "HEAD"),
    "/events": ("GET",),
    "/requests": ("GET",),
    "/controller/queue": ("GET",),
    "/controller/states": ("GET",),
}


class Life(Protocol):
    """What is asked of the one whose life it is: see `broker.run`."""

    @property
    def broker(self) -> Broker | None:
        """None until its logs are loaded."""

    @property
    def connections(self) -> Connections | None:
        """None until clients may come."""

    @property
    def state(self) -> BrokerState: ...

    @property
    def not_ready(self) -> str | None:
        """Why clients should go elsewhere; None if they shouldn't."""


@attrs.frozen(eq=False)
class Pages:
    life: Life
    events: EventLog
    requests: RequestTimes
    families: Callable[[], Iterable[Family]]

    async def answer_to(self, request: Request) -> Page | Stream:
        methods = METHODS.get(request.path)
        if methods is None:
            there_is = ", ".join(METHODS)
            return Page(f"there is {there_is}\n".encode(), status=404)
        if request.method not in methods:
            allowed = ", ".join(methods)
            return Page(
                f"{request.path} takes {allowed}\n".encode(),
                status=405,
                headers=[("Allow", allowed)],
            )
        if request.path == "/events":
            last_event_id = request.headers.get("last-event-id")
            return Stream(
                event_stream.event_stream(self.events, last_event_id), server_sent.CONTENT_TYPE
            )
        if request.path == "/requests":
            return Stream(request_stream.request_stream(self.requests), server_sent.CONTENT_TYPE)
        pages: dict[str, Callable[[], Awaitable[Page]]] = {
            "/metrics": self._metrics,
            "/healthz": self._healthz,
            "/readyz": self._readyz,
            "/controller/queue": self._controller_queue,
            "/controller/states": self._controller_states,
        }
        return await pages[request.path]()

    async def _metrics(self) -> Page:
        return Page(await text_format.text_of(self.families()), text_format.CONTENT_TYPE)

    async def _healthz(self) -> Page:
        return Page(b"ok\n")

    async def _readyz(self) -> Page:
        why_not = self.life.not_ready
        return Page(b"ok\n") if why_not is None else Page(f"{why_not}\n".encode(), status=503)

    async def _controller_queue(self) -> Page:
        return controller_pages.queue_page(self._controller())

    async def _controller_states(self) -> Page:
        return await controller_pages.states_page(self._controller())

    def _controller(self) -> ActiveController | None:
        broker = self.life.broker
        return None if broker is None else broker.controller.active
