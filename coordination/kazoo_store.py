"""The real ZooKeeper, through kazoo; the only file that knows kazoo, and the thread boundary.

kazoo runs one thread for its connection. All that thread does for us is to hand over what it
reads, in the order it reads it, to the event loop:

    kazoo's thread                          │  trio
    reply read     ──► _Answer.set ─────────┼──► the waiting call goes on
    watch event    ──► dispatch_callback ───┼──► subscribers' queues
    session state  ──► listener ────────────┼──► connected / suspended / lost, then the queues

Each arrow is one `TrioToken.run_sync_soon`, whose queue keeps the order, so what ZooKeeper sent
first is seen first. kazoo's own two callback threads would lose that order; `_Handler` has none.
Nothing here ever makes kazoo's thread wait.

**One client a session.** kazoo would open a new session by itself after an expired one and carry
queued calls over. `_Handler` refuses to connect once the session is lost, so that nothing is ever
sent in a second session; the calls still open are ended here.

**Calls.** kazoo queues what is called while disconnected. We wait for the connection first; a
call that slips through while it breaks is still sent in the same session or not at all.

kazoo retries nothing but connecting, by `connection_retry`: a broken connection is retried, over
all hosts, until ZooKeeper answers, either "go on" or "your session has expired".
"""

import logging
import math
import socket
import struct
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import trio
from kazoo import exceptions
from kazoo.client import KazooClient
from kazoo.handlers.threading import AsyncResult, SequentialThreadingHandler
from kazoo.protocol import serialization
from kazoo.protocol.states import EventType, KazooState, WatchedEvent, ZnodeStat
from kazoo.retry import KazooRetry
from kazoo.security import OPEN_ACL_UNSAFE

from coordination.store import (
    BadVersion,
    Check,
    ConnectionLoss,
    Create,
    Created,
    Delete,
    Lost,
    MultiFailed,
    NoChildrenForEphemerals,
    Node,
    NodeExists,
    NoNode,
    NotEmpty,
    Op,
    OpResult,
    Reconnected,
    RequestTooLarge,
    SessionLost,
    Set,
    Stat,
    StoreError,
    StoreEvent,
    StoreUnavailable,
    Suspended,
    Unauthorized,
    WatchEvent,
    WatchKind,
    check_size,
)
from coordination.subscriptions import Subscriptions
from coordination.values import Recorder

PIPELINE_DEPTH = 64
"""Calls in flight of one get_many or multi_many. kazoo is woken through a socket pair that holds
some 270 unread bytes before it blocks the writer, which is our event loop; Kafka allows 10
(zookeeper.max.in.flight.requests)."""

CLOSE_TIMEOUT_S = 2.0
"""How long closing waits for ZooKeeper to end the session; after that its timeout will."""

REASON_POLL_S = 0.5
"""How often a wait for the first connection looks whether there is news of why it waits."""


class KazooStore:
    """A ZooKeeper ensemble: `connect` is Kafka's zookeeper.connect, `host:port,...[/chroot]`."""

    def __init__(
        self, connect: str, *, session_timeout_ms: int, recorder: Recorder | None = None
    ) -> None:
        self.hosts, slash, chroot = connect.partition("/")
        self.chroot = (slash + chroot).rstrip("/")
        self.session_timeout_ms = session_timeout_ms
        self.recorder = recorder

    async def open_session(self, *, timeout_ms: int | None = None) -> "KazooSession":
        """As Store says. Makes the chroot if it is missing, as Kafka does."""
        session = KazooSession(self.hosts, self.chroot, self.session_timeout_ms)
        try:
            with trio.move_on_after(math.inf if timeout_ms is None else timeout_ms / 1000):
                await self._connected(session)
                await session.make_chroot()
                return session
            raise StoreUnavailable(
                f"ZooKeeper at {self.hosts} did not answer within {timeout_ms} ms: "
                f"{session.reason or 'no answer'}"
            )
        except BaseException:
            await session.aclose()
            raise

    async def _connected(self, session: "KazooSession") -> None:
        """Wait for the first connection, and record why each time the reason changes."""
        said = None
        while True:
            with trio.move_on_after(REASON_POLL_S):
                await session.connected()
                return
            if self.recorder and session.reason != said:
                said = session.reason
                self.recorder("session.connecting", hosts=self.hosts, reason=said)


class KazooSession:
    """One session of one client. Made by KazooStore, in the event loop it will be used in."""

    def __init__(self, hosts: str, chroot: str, session_timeout_ms: int) -> None:
        self.session_id = 0
        self.negotiated_timeout_ms = 0
        self.lost = False
        self._chroot = chroot
        self._connected = trio.Event()
        self._subscriptions = Subscriptions()
        self._reasons = _Reasons()
        token = trio.lowlevel.current_trio_token()
        self._handler = _Handler(token)
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
        return _node(node)

    async def exists(self, path: str, *, watch: bool = False) -> Stat | None:
        [stat] = await self._read(self._client.exists_async, [path], watch)
        if isinstance(stat, StoreError):
            raise stat
        return None if stat is None else _stat(stat)

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
            nodes.append(None if isinstance(answer, NoNode) else _node(answer))
        return nodes

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
        return Created(created.removeprefix(self._chroot), _stat(stat))

    async def set(self, path: str, data: bytes, version: int = -1) -> Stat:
        check_size([Set(path, data)])
        return _stat(
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
                    results.append(self._multi_results(answer))
                except SessionLost:
                    raise
                except StoreError as error:
                    results.append(error)
        return results

    def _send_multi(self, ops: Sequence[Op]) -> "_Answer | StoreError | None":
        if not ops:
            return None
        try:
            check_size(ops)
        except RequestTooLarge as error:
            return error
        transaction = self._client.transaction()
        transaction.operations.extend(self._operation(op) for op in ops)
        return self._send(transaction.commit_async)

    def _operation(self, op: Op) -> object:
        # Not through kazoo's transaction.create, which cannot write "no data" (null)
        path = self._full(op.path)
        match op:
            case Create(_, data, ephemeral, sequence):
                flags = int(ephemeral) | int(sequence) << 1
                return serialization.Create(path, data or None, OPEN_ACL_UNSAFE, flags)
            case Set(_, data, version):
                return serialization.SetData(path, data or None, version)
            case Delete(_, version):
                return serialization.Delete(path, version)
            case Check(_, version):
                return serialization.CheckVersion(path, version)

    def _multi_results(self, answer: list[Any]) -> list[OpResult]:
        # In a failed multi those before the culprit are "rolled back", those behind it
        # "inconsistent"; only the culprit has an error of its own
        for index, result in enumerate(answer):
            if isinstance(result, Exception) and not isinstance(
                result, exceptions.RolledBackError | exceptions.RuntimeInconsistency
            ):
                raise MultiFailed(index, _error(result, None))
        results: list[OpResult] = []
        for result in answer:
            if isinstance(result, str):
                results.append(result.removeprefix(self._chroot))
            else:
                results.append(_stat(result) if isinstance(result, ZnodeStat) else None)
        return results

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
        return self._chroot + path if path != "/" else self._chroot or "/"

    async def _write(self, write: Callable[..., AsyncResult], path: str, *args: object) -> Any:
        await self.connected()
        return await self._finish(self._send(write, *args), path)

    def _send(self, call: Callable[..., AsyncResult], *args: object) -> "_Answer":
        answer = call(*args)
        assert isinstance(answer, _Answer)
        return answer

    async def _finish(self, answer: "_Answer", path: str | None) -> Any:
        await answer.done.wait()
        if not answer.ready():
            raise SessionLost(f"session 0x{self.session_id:x} is over", path)
        if answer.exception is not None:
            raise _error(answer.exception, path) from None
        return answer.value

    # On kazoo's thread: only hand over

    def _on_watch(self, event: WatchedEvent) -> None:
        kind = _WATCH_KINDS.get(event.type)
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


class _Answer(AsyncResult):  # type: ignore[misc]  # kazoo has no types
    """A call's answer to come. `done` is set in the event loop, in ZooKeeper's order.

    kazoo's own callbacks are attached after the call is sent, too late to keep that order.
    """

    def __init__(self, handler: "_Handler") -> None:
        super().__init__(handler)
        self.done = trio.Event()
        self._handler: _Handler
        handler.open_answers.add(self)

    def set(self, value: object = None) -> None:
        super().set(value)
        self._handler.post(self._settle)

    def set_exception(self, exception: Exception) -> None:
        super().set_exception(exception)
        self._handler.post(self._settle)

    def _settle(self) -> None:
        self._handler.open_answers.discard(self)
        self.done.set()


class _Handler(SequentialThreadingHandler):  # type: ignore[misc]  # kazoo has no types
    """kazoo's threads without its callback threads: everything runs where it is read."""

    def __init__(self, token: trio.lowlevel.TrioToken) -> None:
        super().__init__()
        self.finished = False
        self.open_answers: set[_Answer] = set()  # touched in the event loop only
        self._token = token
        self._socket: _Socket | None = None
        self._last_event: object = None

    def start(self) -> None:
        """No worker threads. As it never says `running`, kazoo calls callbacks directly."""

    def stop(self) -> None:
        pass

    def post(self, action: Callable[[], object]) -> None:
        """Run `action` in the event loop, soon, in order; from any thread, without waiting."""
        try:
            self._token.run_sync_soon(action)
        except trio.RunFinishedError:
            self.finished = True  # nobody is left to hear it

    def async_result(self) -> _Answer:
        return _Answer(self)

    def dispatch_callback(self, callback: Any) -> None:
        # A deletion fires a node's data and child watches, for us the same function: once
        [event] = callback.args
        if event is not self._last_event:
            self._last_event = event
            callback.func(event)

    def create_connection(self, *args: Any, **kwargs: Any) -> socket.socket:
        if self.finished:
            raise OSError("the session is over")
        connection = super().create_connection(*args, **kwargs)
        self._socket = _Socket(fileno=connection.detach())
        return self._socket

    def negotiated_timeout_ms(self) -> int:
        """What ZooKeeper granted, from its ConnectResponse; kazoo keeps it to itself.

        0        4          8             12           20
        │ length │ protocol │ timeout ms  │ session id │ password ...
        """
        assert self._socket is not None
        [timeout_ms] = struct.unpack_from(">i", self._socket.first_bytes, 8)
        return int(timeout_ms)


class _Socket(socket.socket):
    """Remembers the first bytes it received."""

    first_bytes = b""

    def recv(self, size: int, flags: int = 0) -> bytes:
        received = super().recv(size, flags)
        if len(self.first_bytes) < 12:
            self.first_bytes += received
        return received


class _Reasons(logging.Handler):
    """Keeps kazoo's last warning, which says why there is no connection."""

    last = ""

    def emit(self, record: logging.LogRecord) -> None:
        reason = record.getMessage()
        for prefix in ("Connection dropped: ", "socket connection error: "):
            reason = reason.removeprefix(prefix)
        if reason not in ("Transition to CONNECTING", "the session is over"):
            self.last = reason


_WATCH_KINDS: dict[str, WatchKind] = {
    EventType.CREATED: "created",
    EventType.DELETED: "deleted",
    EventType.CHANGED: "data",
    EventType.CHILD: "children",
}

_ERRORS: list[tuple[type[Exception], type[StoreError], str]] = [
    (exceptions.NoNodeError, NoNode, "no such node"),
    (exceptions.NodeExistsError, NodeExists, "the node exists"),
    (exceptions.BadVersionError, BadVersion, "not the expected version"),
    (exceptions.NotEmptyError, NotEmpty, "the node has children"),
    (
        exceptions.NoChildrenForEphemeralsError,
        NoChildrenForEphemerals,
        "an ephemeral node has no children",
    ),
    (exceptions.NoAuthError, Unauthorized, "ZooKeeper's ACL forbids it"),
    (exceptions.AuthFailedError, Unauthorized, "ZooKeeper refused our credentials"),
    (exceptions.SessionExpiredError, SessionLost, "the session is over"),
    (exceptions.ConnectionClosedError, SessionLost, "the session is over"),
    (exceptions.ConnectionLoss, ConnectionLoss, "the connection broke, the outcome is unknown"),
    (exceptions.OperationTimeoutError, ConnectionLoss, "no answer, the outcome is unknown"),
    (exceptions.SessionMovedError, ConnectionLoss, "the session has moved to another server"),
]


def _error(error: Exception, path: str | None) -> StoreError:
    for theirs, ours, message in _ERRORS:
        if isinstance(error, theirs):
            return ours(message, path)
    return StoreError(f"{type(error).__name__} {error}", path)


def _node(answer: tuple[bytes | None, ZnodeStat]) -> Node:
    data, stat = answer
    return Node(data or b"", _stat(stat))


def _stat(stat: ZnodeStat) -> Stat:
    return Stat(
        czxid=stat.czxid,
        mzxid=stat.mzxid,
        version=stat.version,
        cversion=stat.cversion,
        ephemeral_owner=stat.ephemeralOwner,
        num_children=stat.numChildren,
        data_size_bytes=stat.dataLength,
        ctime_ms=stat.ctime,
        mtime_ms=stat.mtime,
    )
