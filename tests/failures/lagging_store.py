"""ZooKeeper as an ensemble of servers that lag: what a session reads may be seconds old.

    a session's writes ──► the leader: one order, conditions judged on the latest state
                               │ each write reaches the servers after their lag
    a session's reads  ◄── its server: the tree as it was `lag_s` ago

What ZooKeeper promises holds: a session sees changes in their order and never goes back; once a
write of its own is answered, done or refused, it sees all that came before it; a watch fires when
the session's server hears of the change. Two sessions may see different states at one moment.
"""

import copy
from collections.abc import Callable
from functools import partial

import attrs
import trio

from coordination.memory_store import MemorySession
from coordination.memory_tree import Done, Tree
from coordination.store import Op, WatchEvent
from tests.simulation.checker import CheckedStore

Change = Callable[[Tree], list[WatchEvent]]


class LaggingStore(CheckedStore):
    """`lags_s` are given out in turn, one to each session; `servers` runs the servers."""

    def __init__(self, clock_ms: Callable[[], int], *, session_timeout_ms: int) -> None:
        super().__init__(clock_ms, session_timeout_ms=session_timeout_ms)
        self.lags_s: list[float] = [0.0]
        self.servers: trio.Nursery | None = None
        self.changes: list[tuple[float, Change]] = []  # with their times
        self.changed = trio.Event()
        self._opened = 0

    async def open_session(self, *, timeout_ms: int | None = None) -> MemorySession:
        session = await super().open_session(timeout_ms=timeout_ms)
        lag_s = self.lags_s[self._opened % len(self.lags_s)]
        self._opened += 1
        # A session is made by a write, too: its server knows all that came before.
        server = Server(self, session, lag_s, copy.deepcopy(self.tree), len(self.changes))
        session._store = server  # type: ignore[assignment]
        assert self.servers is not None, "nobody runs the servers"
        self.servers.start_soon(server.run)
        return session

    def commit(self, ops: list[Op], session_id: int) -> list[Done]:
        done = super().commit(ops, session_id)
        now_ms = self.clock_ms()
        self._note(lambda tree: tree.commit(ops, session_id, now_ms)[1])
        return done

    def end_session(self, session_id: int) -> None:
        super().end_session(session_id)
        self._note(partial(Tree.end_session, session_id=session_id, now_ms=self.clock_ms()))

    def _note(self, change: Change) -> None:
        self.changes.append((trio.current_time(), change))
        self.changed.set()
        self.changed = trio.Event()

    def _tell(self, events: list[WatchEvent]) -> None:
        """Nobody: each session hears of a change from its server."""


@attrs.define(eq=False)
class Server:
    """What takes the store's place for one session."""

    leader: LaggingStore
    session: MemorySession
    lag_s: float
    tree: Tree
    _known: int  # so many of the leader's changes

    @property
    def session_timeout_ms(self) -> int:
        return self.leader.session_timeout_ms

    def commit(self, ops: list[Op], session_id: int) -> list[Done]:
        try:
            return self.leader.commit(ops, session_id)
        finally:
            self.sync()

    def sync(self) -> None:
        while self._known < len(self.leader.changes):
            self._hear()

    def end_session(self, session_id: int) -> None:
        self.leader.end_session(session_id)

    async def run(self) -> None:
        while not self.session.lost:
            if self._known == len(self.leader.changes):
                await self.leader.changed.wait()
                continue
            done_s, _ = self.leader.changes[self._known]
            next_one = self._known
            await trio.sleep_until(done_s + self.lag_s)
            if self._known == next_one:  # else it came with the answer to a write
                self._hear()

    def _hear(self) -> None:
        _, change = self.leader.changes[self._known]
        self._known += 1
        for event in change(self.tree):
            self.session.changed(event)
