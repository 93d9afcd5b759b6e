"""ZooKeeper as one broker of the simulation reaches it, or doesn't.

The memory store never ends a session by itself. Here a session ends as with a real ensemble: when
the server has not heard of its client for the session timeout, be it cut off or dead. The client
learns of that only from the server, so a broker that is cut off goes on believing in its session.
"""

import attrs
import trio

from coordination.memory_store import MemorySession, MemoryStore


@attrs.define(eq=False)
class ReachedZooKeeper:
    """A `Store`: what the broker is given. `nursery` holds the servers' timers."""

    store: MemoryStore
    nursery: trio.Nursery
    session: MemorySession | None = None
    _reachable: trio.Event = attrs.field(factory=trio.Event)

    def __attrs_post_init__(self) -> None:
        self._reachable.set()

    @property
    def is_reachable(self) -> bool:
        return self._reachable.is_set()

    async def open_session(self, *, timeout_ms: int | None = None) -> MemorySession:
        await self._reachable.wait()
        self.session = await self.store.open_session(timeout_ms=timeout_ms)
        return self.session

    def cut(self) -> None:
        if not self._reachable.is_set():
            return
        self._reachable = trio.Event()
        if self.session is not None:
            self.session.suspend()
            self.nursery.start_soon(self._expire, self.session, self._reachable)

    def restore(self) -> None:
        self._reachable.set()
        if self.session is not None:
            self.session.reconnect()

    def expire(self) -> None:
        """The session ends at once, as if the servers had decided so."""
        if self.session is not None:
            self.session.expire()

    def client_died(self) -> None:
        """The broker is no more: it says nothing, and the servers find out by their clock."""
        if self.session is not None and not self.session.lost:
            self.session.suspend()
            self.session.lost = True  # closing it has no effect any more
            self.nursery.start_soon(self._expire_dead, self.session.session_id)

    async def _expire(self, session: MemorySession, reachable: trio.Event) -> None:
        with trio.move_on_after(self.store.session_timeout_ms / 1000):
            await reachable.wait()
            return
        session.expire()

    async def _expire_dead(self, session_id: int) -> None:
        await trio.sleep(self.store.session_timeout_ms / 1000)
        self.store.end_session(session_id)
