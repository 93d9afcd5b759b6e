"""One ZooKeeper session, which is one KazooClient, from its first connection to its end."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import trio
from kazoo.client import KazooClient
from kazoo.handlers.threading import AsyncResult
from kazoo.protocol.states import KazooState, WatchedEvent
from kazoo.retry import KazooRetry

from coordination.kazoo_store import translation
from coordination.kazoo_store.thread import Answer, Handler, Reasons
from coordination.store import (
    ConnectionLoss,
    Create,
    Created,
    Lost,
    Node,
    NodeExists,
    NoNode,
    Op,
    OpResult,
    Reconnected,
    RequestTooLarge,
    SessionLost,
    Set,
    Stat,
    StoreError,
    StoreEvent,
    Suspended,
    WatchEvent,
    check_size,
)
from coordination.subscriptions import Subscriptions

PIPELINE_DEPTH = 64
"""Calls in flight of one get_many or multi_many. kazoo is woken through a socket pair that holds
some 270 unread bytes before it blocks the writer, which is our event loop; Kafka allows 10
(zookeeper.max.in.flight.requests)."""

CLOSE_TIMEOUT_S = 2.0
"""How long closing waits for ZooKeeper to end the session; after that its timeout will."""


class KazooSession:
    """One session of one client. Made by KazooStore, in the event loop it will be used in."""

    def __init__(self, hosts: str, chroot: str, session_timeout_ms: int) -> None:
        self.session_id = 0
        self.negotiated_timeout_ms = 0
        self.lost = False
        self._chroot = chroot
        self._connected = trio.Event()
        self._subscriptions = Subscriptions()
        self._reasons = Reasons()
        token = trio.lowlevel.current_trio_token()
        # A host that says nothing must not cost the session: kazoo would wait for as long as
        # that lives; all hosts get their turn within a third of it
        host_count = hosts.count(",") + 1
        self._handler = Handler(token, max(1.0, session_timeout_ms / 1000 / 3 / host_count))
        # A logger of our own: its warnings say why there is no connection
        logger = logging.Logger("kazoo", logging.WARNING)
        logger.addHandler(self._reasons)
        self._client = KazooClient(
            hosts,
            timeout=session_timeout_ms / 1000,
            handler=self._handler,
            connection_retry=KazooRetry(max_tries=-1, delay=0.1, backoff=1.5, max_delay=1.0),
            logger=logger,
        )
        self._client.add_listener(self._on_state)
        self._client.start_async()

    @property
    def reason(self) -> str:
        """The last thing that went wrong on the way to ZooKeeper; "" for nothing yet."""
        return self._reasons.last

    def subscribe(self) -> trio.MemoryReceiveChannel[StoreEvent]:
        return self._subscriptions.subscribe()

    async def connected(self) -> None:
        """Wait for the connection. Raises SessionLost."""
        while not self._connected.is_set():
            await self._connected.wait()
        if self.lost:
            raise SessionLost(f"session 0x{self.session_id:x} is over")

    async def aclose(self) -> None:
        self._end()
        with trio.move_on_after(CLOSE_TIMEOUT_S, shield=True):
            # abandoned, the thread still ends by itself once kazoo notices the silence
            await trio.to_thread.run_sync(self._stop_client, abandon_on_cancel=True)

    # Reads

    async def get(self, path: str, *, watch: bool = False) -> Node:
        [node] = await self._read(self._client.get_async, [path], watch)
        if isinstance(node, StoreError):
            raise node
        return translation.node_of(node)

    async def exists(self, path: str, *, watch: bool = False) -> Stat | None:
        [stat] = await self._read(self._client.exists_async, [path], watch)
        if isinstance(stat, StoreError):
            raise stat
        return None if stat is None else translation.stat_of(stat)

    async def children(self, path: str, *, watch: bool = False) -> list[str]:
        [names] = await self._read(self._client.get_children_async, [path], watch)
        if isinstance(names, StoreError):
            raise names
        return list(names)

    async def get_many(self, paths: Sequence[str], *, watch: bool = False) -> list[Node | None]:
        nodes: list[Node | None] = []
        for answer in await self._read(self._client.get_async, paths, watch):
            if isinstance(answer, StoreError) and not isinstance(answer, NoNode):
                raise answer
            nodes.append(None if isinstance(answer, NoNode) else translation.node_of(answer))
        return nodes

    async def sync(self) -> None:
        [synced] = await self._read(lambda path, _: self._client.sync_async(path), ["/"], False)
        if isinstance(synced, StoreError):
            raise synced

    async def _read(
        self, read: Callable[..., AsyncResult], paths: Sequence[str], watch: bool
    ) -> list[Any]:
        """kazoo's answer, or the error, for each path; from the first broken off, ask again."""
        watcher = self._on_watch if watch else None
        answers: list[Any] = []
        while len(answers) < len(paths):
            await self.connected()
            batch = paths[len(answers) : len(answers) + PIPELINE_DEPTH]
            for path, call in [(p, self._send(read, self._full(p), watcher)) for p in batch]:
                try:
                    answers.append(await self._finish(call, path))
                except ConnectionLoss:
                    break
                except SessionLost:
                    raise
                except StoreError as error:
                    answers.append(error)
        return answers

    # Writes

    async def create(
        self, path: str, data: bytes = b"", *, ephemeral: bool = False, sequence: bool = False
    ) -> Created:
        check_size([Create(path, data)])
        create = partial(
            self._client.create_async, ephemeral=ephemeral, sequence=sequence, include_data=True
        )
        created, stat = await self._write(create, path, self._full(path), data or None)
        return Created(created.removeprefix(self._chroot), translation.stat_of(stat))

    async def set(self, path: str, data: bytes, version: int = -1) -> Stat:
        check_size([Set(path, data)])
        return translation.stat_of(
            await self._write(self._client.set_async, path, self._full(path), data or None, version)
        )

    async def delete(self, path: str, version: int = -1) -> None:
        await self._write(self._client.delete_async, path, self._full(path), version)

    async def multi(self, ops: Sequence[Op]) -> list[OpResult]:
        [results] = await self.multi_many([ops])
        if isinstance(results, StoreError):
            raise results
        return results

    async def multi_many(self, multis: Sequence[Sequence[Op]]) -> list[list[OpResult] | StoreError]:
        results: list[list[OpResult] | StoreError] = []
        while len(results) < len(multis):
            await self.connected()
            batch = multis[len(results) : len(results) + PIPELINE_DEPTH]
            for call in [self._send_multi(ops) for ops in batch]:
                if isinstance(call, StoreError):
                    results.append(call)
                    continue
                try:
                    answer = await self._finish(call, None) if call else []
                    results.append(translation.multi_results(answer, self._chroot))
                except SessionLost:
                    raise
                except StoreError as error:
                    results.append(error)
        return results

    def _send_multi(self, ops: Sequence[Op]) -> "Answer | StoreError | None":
        if not ops:
            return None
        try:
            check_size(ops)
        except RequestTooLarge as error:
            return error
        transaction = self._client.transaction()
        transaction.operations.extend(translation.operation(op, self._chroot) for op in ops)
        return self._send(transaction.commit_async)

    async def make_chroot(self) -> None:
        parts = self._chroot.split("/")[1:]
        for depth in range(1, len(parts) + 1):
            path = "/" + "/".join(parts[:depth])
            while True:
                try:
                    await self._write(self._client.create_async, path, path, None)
                except NodeExists:
                    break
                except ConnectionLoss:
                    continue  # if it was made, the next attempt says so
                break

    # The way to kazoo and back

    def _full(self, path: str) -> str:
        return translation.full_path(path, self._chroot)

    async def _write(self, write: Callable[..., AsyncResult], path: str, *args: object) -> Any:
        await self.connected()
        return await self._finish(self._send(write, *args), path)

    # kazoo takes whatever is raised while it wakes its thread for a closed connection, Ctrl-C too.
    @trio.lowlevel.enable_ki_protection
    def _send(self, call: Callable[..., AsyncResult], *args: object) -> "Answer":
        answer = call(*args)
        assert isinstance(answer, Answer)
        return answer

    async def _finish(self, answer: "Answer", path: str | None) -> Any:
        await answer.done.wait()
        if not answer.ready():
            raise SessionLost(f"session 0x{self.session_id:x} is over", path)
        if answer.exception is not None:
            raise translation.error_of(answer.exception, path) from None
        return answer.value

    # On kazoo's thread: only hand over

    def _on_watch(self, event: WatchedEvent) -> None:
        kind = translation.WATCH_KINDS.get(event.type)
        if kind is not None:  # kazoo also calls it to say that the connection broke
            path = event.path.removeprefix(self._chroot) or "/"
            self._handler.post(partial(self._subscriptions.publish, WatchEvent(kind, path)))

    def _on_state(self, state: str) -> None:
        if state == KazooState.CONNECTED:
            session_id, _ = self._client.client_id
            timeout_ms = self._handler.negotiated_timeout_ms()
            self._handler.post(partial(self._on_connected, session_id, timeout_ms))
        elif state == KazooState.SUSPENDED:
            self._handler.post(self._on_suspended)
        else:
            self._handler.finished = True  # at once, before kazoo can make another session
            self._handler.post(self._on_lost)

    # In the event loop: what was handed over

    def _on_connected(self, session_id: int, negotiated_timeout_ms: int) -> None:
        again = self.session_id != 0
        self.session_id = session_id
        self.negotiated_timeout_ms = negotiated_timeout_ms
        self._connected.set()
        if again:
            self._subscriptions.publish(Reconnected())

    def _on_suspended(self) -> None:
        if not self.lost:
            self._connected = trio.Event()
            self._subscriptions.publish(Suspended(self.reason))

    def _on_lost(self) -> None:
        if not self.lost:
            self._subscriptions.publish(Lost())
            self._end()

    def _end(self) -> None:
        self.lost = True
        self._handler.finished = True
        self._subscriptions.close()
        self._connected.set()  # who waits for it learns that the session is over
        for answer in self._handler.open_answers:
            answer.done.set()

    def _stop_client(self) -> None:
        self._client.stop()
        self._client.close()
