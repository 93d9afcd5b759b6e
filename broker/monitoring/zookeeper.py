"""How long ZooKeeper's answers take: a store that is another one, with each call timed.

A call may be many requests of ZooKeeper's protocol, sent one behind the other (`get_many`,
`multi_many`); then it's the time of all. A call that fails has been answered too.

Source: kafka.zookeeper.ZooKeeperClient (ZooKeeperRequestLatencyMs).
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import attrs
import trio

from broker.monitoring.mbeans import histogram
from broker.monitoring.text_format import Family
from broker.monitoring.timings import Timings
from coordination.store import (
    Created,
    Node,
    Op,
    OpResult,
    Session,
    Stat,
    Store,
    StoreError,
    StoreEvent,
)


@attrs.define(eq=False)
class ZooKeeperTimes:
    clock_s: Callable[[], float] = time.perf_counter
    times_ms: Timings = attrs.field(factory=Timings, init=False)

    @contextmanager
    def call(self) -> Iterator[None]:
        began_s = self.clock_s()
        try:
            yield
        except StoreError:
            self._ended(began_s)
            raise
        self._ended(began_s)

    def _ended(self, began_s: float) -> None:
        self.times_ms.add((self.clock_s() - began_s) * 1000)

    def families(self) -> Iterator[Family]:
        yield histogram(
            "kafka.server:type=ZooKeeperClientMetrics,name=ZooKeeperRequestLatencyMs",
            "Milliseconds until ZooKeeper had answered, of the newest 1,024 calls.",
            self.times_ms.samples(),
        )


@attrs.frozen(eq=False)
class MeasuredStore:
    """`store`, whose sessions' calls are timed."""

    store: Store
    times: ZooKeeperTimes

    async def open_session(self, *, timeout_ms: int | None = None) -> Session:
        return _MeasuredSession(await self.store.open_session(timeout_ms=timeout_ms), self.times)


@attrs.frozen(eq=False)
class _MeasuredSession:
    _session: Session
    _times: ZooKeeperTimes

    @property
    def session_id(self) -> int:
        return self._session.session_id

    @property
    def negotiated_timeout_ms(self) -> int:
        return self._session.negotiated_timeout_ms

    @property
    def lost(self) -> bool:
        return self._session.lost

    def subscribe(self) -> trio.MemoryReceiveChannel[StoreEvent]:
        return self._session.subscribe()

    async def aclose(self) -> None:
        await self._session.aclose()

    async def get(self, path: str, *, watch: bool = False) -> Node:
        with self._times.call():
            return await self._session.get(path, watch=watch)

    async def exists(self, path: str, *, watch: bool = False) -> Stat | None:
        with self._times.call():
            return await self._session.exists(path, watch=watch)

    async def children(self, path: str, *, watch: bool = False) -> list[str]:
        with self._times.call():
            return await self._session.children(path, watch=watch)

    async def get_many(self, paths: Sequence[str], *, watch: bool = False) -> list[Node | None]:
        with self._times.call():
            return await self._session.get_many(paths, watch=watch)

    async def sync(self) -> None:
        with self._times.call():
            await self._session.sync()

    async def create(
        self, path: str, data: bytes = b"", *, ephemeral: bool = False, sequence: bool = False
    ) -> Created:
        with self._times.call():
            return await self._session.create(path, data, ephemeral=ephemeral, sequence=sequence)

    async def set(self, path: str, data: bytes, version: int = -1) -> Stat:
        with self._times.call():
            return await self._session.set(path, data, version)

    async def delete(self, path: str, version: int = -1) -> None:
        with self._times.call():
            await self._session.delete(path, version)

    async def multi(self, ops: Sequence[Op]) -> list[OpResult]:
        with self._times.call():
            return await self._session.multi(ops)

    async def multi_many(self, multis: Sequence[Sequence[Op]]) -> list[list[OpResult] | StoreError]:
        with self._times.call():
            return await self._session.multi_many(multis)
