"""The two ZooKeepers that the store contract runs on, behind one face, with their misfortunes.

Each session of the real one has a TCP proxy of its own, so that it can be cut off alone.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import attrs
import trio
from kazoo.client import KazooClient

from coordination.kazoo_store import KazooSession, KazooStore
from coordination.memory_store import MemorySession, MemoryStore
from coordination.store import Session, StoreEvent
from tests.support.tcp_proxy import TcpProxy, serve_tcp_proxy

PATIENCE_S = 20.0
"""Longer than anything here takes; a test that waits this long has failed."""


class World(Protocol):
    async def open_session(self) -> Session: ...

    def cut(self, session: Session) -> None:
        """Break the session's connection."""

    def mend(self, session: Session) -> None: ...

    def lose_next_reply(self, session: Session) -> None:
        """The session's next write is done, but gets no answer; then cut it."""

    async def expire(self, session: Session) -> None:
        """End the session at the server."""


@attrs.define
class MemoryWorld:
    store: MemoryStore = attrs.field(factory=MemoryStore)

    async def open_session(self) -> Session:
        return await self.store.open_session()

    def cut(self, session: Session) -> None:
        assert isinstance(session, MemorySession)
        session.suspend()

    def mend(self, session: Session) -> None:
        assert isinstance(session, MemorySession)
        session.reconnect()

    def lose_next_reply(self, session: Session) -> None:
        assert isinstance(session, MemorySession)
        session.lose_next_write(applied=True)

    async def expire(self, session: Session) -> None:
        assert isinstance(session, MemorySession)
        session.expire()


@attrs.define
class RealWorld:
    connect: str
    nursery: trio.Nursery
    session_timeout_ms: int = 6000
    sessions: list[Session] = attrs.field(factory=list)
    proxies: dict[int, TcpProxy] = attrs.field(factory=dict)

    async def open_session(self) -> Session:
        host, _, chroot = self.connect.partition("/")
        port = int(host.rpartition(":")[2])
        proxy: TcpProxy = await self.nursery.start(serve_tcp_proxy, port)
        store = KazooStore(
            f"127.0.0.1:{proxy.port}/{chroot}", session_timeout_ms=self.session_timeout_ms
        )
        session = await store.open_session(timeout_ms=20_000)
        self.sessions.append(session)
        self.proxies[session.session_id] = proxy
        return session

    def cut(self, session: Session) -> None:
        self.proxies[session.session_id].cut()

    def mend(self, session: Session) -> None:
        self.proxies[session.session_id].mend()

    def lose_next_reply(self, session: Session) -> None:
        self.proxies[session.session_id].swallow(after=_is_write)

    async def expire(self, session: Session) -> None:
        # Whoever knows a session's password may close it; its other client learns that it expired
        assert isinstance(session, KazooSession)
        client_id = session._client._session_id, session._client._session_passwd

        def close_it() -> None:
            thief = KazooClient(self.connect.partition("/")[0], client_id=client_id)
            thief.start()
            thief.stop()
            thief.close()

        await trio.to_thread.run_sync(close_it)


def _is_write(message: bytes) -> bool:
    """Of ZooKeeper's messages: length, xid, opcode; create, delete, setData, multi, create2."""
    return int.from_bytes(message[8:12]) in (1, 2, 5, 14, 15)


@asynccontextmanager
async def real_world(connect: str) -> AsyncIterator[RealWorld]:
    async with trio.open_nursery() as nursery:
        world = RealWorld(connect, nursery)
        yield world
        async with trio.open_nursery() as closing:
            for session in world.sessions:
                closing.start_soon(session.aclose)
        nursery.cancel_scope.cancel()


async def next_event(events: trio.MemoryReceiveChannel[StoreEvent]) -> StoreEvent:
    with trio.fail_after(PATIENCE_S):
        return await events.receive()


def events_so_far(events: trio.MemoryReceiveChannel[StoreEvent]) -> list[StoreEvent]:
    seen = []
    while True:
        try:
            seen.append(events.receive_nowait())
        except (trio.WouldBlock, trio.EndOfChannel):
            return seen
