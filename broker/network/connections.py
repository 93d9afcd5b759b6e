"""How many connections there may be: of one host, and of all.

    max.connection.creation.rate            who comes too soon waits, accepted but not served, and
                                            behind him all of that listener: see `arrivals`
    max.connections.per.ip (+ .overrides)   one more of that host is closed at once
    connection_creation_rate                one too many a second is held for a while, and closed
    max.connections                         of the whole broker: who comes next waits, accepted but
                                            not served, and behind him all of that listener
    listener.name.L.max.connections         the same of that listener alone; where it is not set,
                                            each listener may have what the whole broker may

The listener between brokers and the controller's, if they aren't the only one,
wait only for room of their own: a broker that clients fill up must still replicate
and obey. What is open over the broker's limit then is closed in other listeners,
those first that were silent longest; so is what is too much since the limit was
lowered, when the next one comes. (Kafka doesn't spare the controller's: it's silent
for long. And it looks for what is too much all the time.) The limits of a host are
a broker's, too, as in Kafka: a client beside it can use them up.

All listeners of a broker share one `Connections`. Kafka: `ConnectionQuotas`,
`Processor.closeExcessConnections`; KIP-402.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import attrs
import trio

# After so long who waits for room learns that the limit was raised.
LIMIT_CHECK_S = 1.0


class Connection(Protocol):
    """An open one, as far as it is looked at here. `last_used_s` by trio's clock."""

    listener_name: str
    host: str
    last_used_s: float

    def make_room(self) -> None:
        """Close it, for one that matters more."""
        ...


class TooManyFromHost(Exception):
    """The host has as many connections as it may have."""


@attrs.define(eq=False)
class Connections:
    """`protected_listeners` are the brokers' own; none: they share theirs with clients.

    `admit` counts a host's new connection, or says for how many seconds to hold one too many;
    `held_s` counts a listener's, and says for how many it waits; `not_come` takes it back.

    The limits may change while the broker runs; they count for who comes next or waits.
    """

    max_count: Callable[[], int]
    max_of_host: Callable[[str], int]
    max_of_listener: Callable[[str], int] = lambda _listener_name: 2**31 - 1
    protected_listeners: frozenset[str] = frozenset()
    admit: Callable[[str], float] = lambda _host: 0.0
    held_s: Callable[[str], float] = lambda _listener_name: 0.0
    not_come: Callable[[str], None] = lambda _listener_name: None
    # Since the start, by their listener: numbers that only grow, for who measures.
    created: Counter[str] = attrs.field(factory=Counter, init=False)
    _open: set[Connection] = attrs.field(factory=set, init=False)
    _leaving: set[Connection] = attrs.field(factory=set, init=False)  # to make room
    _by_host: Counter[str] = attrs.field(factory=Counter, init=False)
    _by_listener: Counter[str] = attrs.field(factory=Counter, init=False)
    _one_left: trio.Event = attrs.field(factory=trio.Event, init=False)

    @property
    def count(self) -> int:
        return len(self._open)

    def count_by_listener(self) -> Counter[str]:
        return self._by_listener.copy()

    async def room(self, listener_name: str) -> None:
        """Wait until the connection that has come to that listener may be opened."""
        held_s = self.held_s(listener_name)
        if held_s:
            await trio.sleep(held_s)
        while not self._has_room(listener_name):
            self._close_excess()
            with trio.move_on_after(LIMIT_CHECK_S):
                await self._one_left.wait()

    def admit_to(self, listener_name: str, host: str) -> float:
        """Count the host's connection that has come to that listener, or for how long to hold it.

        Who is held hasn't come, as far as others may: a host that tries again and again would
        use up what all may open a second.
        """
        held_s = self.admit(host)
        if held_s:
            self.not_come(listener_name)
        return held_s

    @contextmanager
    def opened(self, connection: Connection) -> Iterator[None]:
        """Count a connection as long as the block lasts; raises `TooManyFromHost`."""
        host, listener_name = connection.host, connection.listener_name
        if self._by_host[host] >= self.max_of_host(host):
            raise TooManyFromHost(
                f"{host} has as many connections as it may have: {self.max_of_host(host)}"
            )
        self._open.add(connection)
        self._by_host[host] += 1
        self._by_listener[listener_name] += 1
        self.created[listener_name] += 1
        self._close_excess()
        try:
            yield
        finally:
            self._open.remove(connection)
            self._leaving.discard(connection)
            self._by_host -= Counter([host])  # and forget a host that has none left
            self._by_listener -= Counter([listener_name])
            self._one_left.set()
            self._one_left = trio.Event()

    def _has_room(self, listener_name: str) -> bool:
        if self._by_listener[listener_name] >= self.max_of_listener(listener_name):
            return False
        return listener_name in self.protected_listeners or self.count < self.max_count()

    def _close_excess(self) -> None:
        excess = self.count - len(self._leaving) - self.max_count()
        if excess <= 0:
            return
        others = [
            each
            for each in self._open - self._leaving
            if each.listener_name not in self.protected_listeners
        ]
        for silent in heapq.nsmallest(excess, others, key=lambda each: each.last_used_s):
            self._leaving.add(silent)
            silent.make_room()
