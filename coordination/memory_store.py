"""ZooKeeper in memory: the same promises as the real one, and misfortune at a test's command.

It runs inside the event loop and knows no time but the clock it is given, so a whole ensemble can
live in one process under a mock clock. The contract suite holds it to the real ZooKeeper's
behaviour. A session here never ends by itself; a test (or the ensemble in one process) says when.

What can go wrong, on purpose:

    store.available = False       nobody can open a session, as when ZooKeeper is down
    session.suspend()             the connection breaks: watches gone, calls wait
    session.reconnect()           it is back, in the same session if that still lives
    session.expire()              the session ends at the server, its ephemerals vanish; it learns
                                  so (Lost) at once, or when it reconnects
    session.lose_next_write(applied=...)
                                  the next write is done (or not), its reply lost: ConnectionLoss,
                                  and the session is suspended
    session.delay_s = 0.1         the answer to every call takes that long

A write is applied at the moment of the call; a task cancelled while it waits for the answer does
not call it back, just as with a real connection. A read is answered from the tree as it is after
the delay, so that an answer is never older than an event before it.
"""

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

import attrs
import trio

from coordination.memory_tree import Done, Tree
from coordination.store import (
    ConnectionLoss,
    Create,
    Created,
    Delete,
    Lost,
    MultiFailed,
    Node,
    NoNode,
    Op,
    OpResult,
    Reconnected,
    SessionLost,
    Set,
    Stat,
    StoreError,
    StoreEvent,
    StoreUnavailable,
    Suspended,
    WatchEvent,
    check_size,
)
from coordination.subscriptions import Subscriptions

T = TypeVar("T")


class MemoryStore:
    """The server: one tree, and the sessions open on it."""

    def __init__(
        self, clock_ms: Callable[[], int] = lambda: 0, *, session_timeout_ms: int = 6000
    ) -> None:
        self.clock_ms = clock_ms
        self.session_timeout_ms = session_timeout_ms
        self.tree = Tree()
        self.sessions: dict[int, MemorySession] = {}
        self._next_session_id = 0x1000_0000_0000
        self._available = trio.Event()
        self._available.set()

    @property
    def available(self) -> bool:
        return self._available.is_set()

    @available.setter
    def available(self, available: bool) -> None:
        if available:
            self._available.set()
        elif self._available.is_set():
            self._available = trio.Event()

    async def open_session(self, *, timeout_ms: int | None = None) -> "MemorySession":
        with trio.move_on_after(math.inf if timeout_ms is None else timeout_ms / 1000):
            await self._available.wait()
            self._next_session_id += 1
            session = MemorySession(self, self._next_session_id)
            self.sessions[session.session_id] = session
            return session
        raise StoreUnavailable(f"ZooKeeper did not answer within {timeout_ms} ms: not available")

    def commit(self, ops: list[Op], session_id: int) -> list[Done]:
        """Apply, and tell every session that watches, before anybody gets an answer."""
        results, events = self.tree.commit(ops, session_id, self.clock_ms())
        self._tell(events)
        return results

    def sync(self) -> None:
        """Nothing to do: what is read here is never old."""

    def end_session(self, session_id: int) -> None:
        self.sessions.pop(session_id, None)
        self._tell(self.tree.end_session(session_id, self.clock_ms()))

    def _tell(self, events: list[WatchEvent]) -> None:
        for event in events:
            for session in tuple(self.sessions.values()):
                session.changed(event)


@attrs.define(eq=False)
class MemorySession:
    _store: MemoryStore
    session_id: int
    delay_s: float = 0.0
    lost: bool = False
    _expired: bool = False  # the server has ended it, though it may not know yet
    _connected: trio.Event = attrs.field(factory=trio.Event)
    _connection: int = 1  # a call that finds it changed was on a connection that broke
    _lose_next_write: bool | None = None  # whether it is applied all the same
    _data_watches: set[str] = attrs.field(factory=set)
    _child_watches: set[str] = attrs.field(factory=set)
    _subscriptions: Subscriptions = attrs.field(factory=Subscriptions)

    def __attrs_post_init__(self) -> None:
        self._connected.set()

    @property
    def negotiated_timeout_ms(self) -> int:
        return self._store.session_timeout_ms

    def subscribe(self) -> trio.MemoryReceiveChannel[StoreEvent]:
        return self._subscriptions.subscribe()

    # What can go wrong

    def suspend(self) -> None:
        if self.lost or not self._connected.is_set():
            return
        self._connected = trio.Event()
        self._connection += 1
        self._data_watches.clear()
        self._child_watches.clear()
        self._subscriptions.publish(Suspended("suspended by the test"))

    def reconnect(self) -> None:
        if self.lost or self._connected.is_set():
            return
        if self._expired:
            self._lose()
        else:
            self._connected.set()
            self._subscriptions.publish(Reconnected())

    def expire(self) -> None:
        if self.lost or self._expired:
            return
        self._expired = True
        self._store.end_session(self.session_id)
        if self._connected.is_set():
            self._lose()

    def lose_next_write(self, *, applied: bool) -> None:
        self._lose_next_write = applied

    async def aclose(self) -> None:
        if not self.lost:
            self.lost = True
            self._subscriptions.close()
            self._connected.set()
            if not self._expired:
                self._store.end_session(self.session_id)
        await trio.lowlevel.checkpoint()

    def _lose(self) -> None:
        self.lost = True
        self._subscriptions.publish(Lost())
        self._subscriptions.close()
        self._connected.set()  # who waits for the connection learns that the session is over

    # Watches

    def changed(self, event: WatchEvent) -> None:
        """Publish the event if this session watches for it; a watch fires once."""
        watched = False
        if event.kind != "children" and event.path in self._data_watches:
            self._data_watches.remove(event.path)
            watched = True
        if event.kind in ("children", "deleted") and event.path in self._child_watches:
            self._child_watches.remove(event.path)
            watched = True
        if watched:
            self._subscriptions.publish(event)

    # Calls

    async def get(self, path: str, *, watch: bool = False) -> Node:
        def read() -> Node:
            node = self._store.tree.node(path)
            if watch:
                self._data_watches.add(path)
            return node

        return await self._read(read)

    async def exists(self, path: str, *, watch: bool = False) -> Stat | None:
        def read() -> Stat | None:
            if watch:
                self._data_watches.add(path)
            return self._store.tree.stat(path)

        return await self._read(read)

    async def children(self, path: str, *, watch: bool = False) -> list[str]:
        def read() -> list[str]:
            names = self._store.tree.children(path)
            if watch:
                self._child_watches.add(path)
            return names

        return await self._read(read)

    async def get_many(self, paths: Sequence[str], *, watch: bool = False) -> list[Node | None]:
        nodes: list[Node | None] = []
        for path in paths:
            try:
                nodes.append(await self.get(path, watch=watch))
            except NoNode:
                nodes.append(None)
        return nodes

    async def sync(self) -> None:
        await self._read(self._store.sync)

    async def create(
        self, path: str, data: bytes = b"", *, ephemeral: bool = False, sequence: bool = False
    ) -> Created:
        created = await self._write_one(Create(path, data, ephemeral, sequence))
        assert isinstance(created, Created)
        return created

    async def set(self, path: str, data: bytes, version: int = -1) -> Stat:
        stat = await self._write_one(Set(path, data, version))
        assert isinstance(stat, Stat)
        return stat

    async def delete(self, path: str, version: int = -1) -> None:
        await self._write_one(Delete(path, version))

    async def multi(self, ops: Sequence[Op]) -> list[OpResult]:
        if not ops:
            return []
        results = await self._write(list(ops))
        return [each.path if isinstance(each, Created) else each for each in results]

    async def multi_many(self, multis: Sequence[Sequence[Op]]) -> list[list[OpResult] | StoreError]:
        results: list[list[OpResult] | StoreError] = []
        for ops in multis:
            try:
                results.append(await self.multi(ops))
            except SessionLost:
                raise
            except StoreError as error:
                results.append(error)
        return results

    async def _read(self, read: Callable[[], T]) -> T:
        while True:
            connection = await self._use_connection()
            await trio.sleep(self.delay_s)
            if connection == self._connection and not self.lost:
                return read()
            # broken off on the way: ask again

    async def _write_one(self, op: Op) -> Done:
        try:
            return (await self._write([op]))[0]
        except MultiFailed as failed:
            raise failed.error from None

    async def _write(self, ops: list[Op]) -> list[Done]:
        path = ops[0].path
        check_size(ops)
        connection = await self._use_connection()
        if self._lose_next_write is not None:
            applied, self._lose_next_write = self._lose_next_write, None
            if applied:
                self._store.commit(ops, self.session_id)
            self.suspend()
            raise ConnectionLoss("the reply is lost, the outcome is unknown", path)
        results = self._store.commit(ops, self.session_id)
        await trio.sleep(self.delay_s)
        if self.lost:
            raise SessionLost(f"session 0x{self.session_id:x} is over", path)
        if connection != self._connection:
            raise ConnectionLoss("the connection broke, the outcome is unknown", path)
        return results

    async def _use_connection(self) -> int:
        """Wait until there is one, and return which it is. Raises SessionLost."""
        while not self._connected.is_set():
            await self._connected.wait()
        if self.lost:
            raise SessionLost(f"session 0x{self.session_id:x} is over")
        return self._connection
