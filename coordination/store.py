"""What we need of ZooKeeper, as a protocol: values, errors, events, and one session's calls.

`kazoo_store` keeps these promises with a real ZooKeeper, `memory_store` in memory; one contract
suite (tests/coordination/test_store_contract.py) runs on both.

**A session is the unit.** Ephemeral nodes belong to it, and so does every call: a call made in
one session never runs in the next (otherwise a late "create /controller" would elect a ghost).
A session is over for good once it is lost; who wants to go on opens another
(`session.keep_session` does).

    open_session ──► connected ──► Suspended ──► Reconnected ──► ... ──► Lost or aclose
                                       │                                  ▲
                                       └──────────────────────────────────┘

**Calls and the connection.**
 - A call made while the connection is down waits until it is back, in the same session.
 - A read that the connection broke off is asked again by the store: no answer was lost for good.
 - A write that the connection broke off raises `ConnectionLoss`: nobody knows whether it happened.
   Read back before going on. It never happens later than the first read made after the error.
 - Once the session is over, calls waiting and calls to come raise `SessionLost`. A write that
   raises it may have happened too.
 - Cancelling an await does not cancel the write: it was sent, and may happen.

**Reads may be old.** They are answered by the server that the session is connected to, which may
lag behind the others. A session sees changes in their order and never goes back, and after a write
of its own all that came before it. Who must not miss what another session wrote calls `sync` first.

**Watches are hints.** A read with `watch=True` asks for one event at the next change:

                 created   data   deleted   children
    get             -       yes     yes        -       (a get that finds no node sets no watch)
    exists         yes      yes     yes        -
    children        -        -      yes       yes      (no node: no watch)

The same watch set twice before it fires gives one event. A change's event is in the subscribers'
queues before any read returns that change. At `Suspended` all watches are gone and changes pass
unseen: at `Reconnected` arm everything again, by reading everything again.

**Events** reach every subscriber in ZooKeeper's order. Subscribe first, then arm watches, or an
event may slip between. The queue ends (EndOfChannel) after `Lost` or `aclose`.

Source: the ZooKeeper programmer's guide (watches, consistency guarantees), kafka.zookeeper.
ZooKeeperClient.
"""

from collections.abc import Sequence
from typing import Literal, Protocol

import attrs
import trio

MAX_REQUEST_BYTES = 1_000_000
"""The largest request that we send. ZooKeeper cuts the connection at jute.maxbuffer, 1,048,575
bytes, and would do so again at each retry; the difference is room for headers."""

EVENT_QUEUE_SIZE = 65_536
"""Bound of a subscriber's queue. A watch fires once, so no more can wait than were armed: some
per topic of the largest cluster this is for. A subscriber that is further behind is stuck; its
queue then ends, as if the session were lost, and whoever reads it must start anew."""


# Values


@attrs.frozen(slots=True)
class Stat:
    """ZooKeeper's record of a node. Times of change are transaction ids (zxid), not clocks."""

    czxid: int
    mzxid: int
    version: int
    cversion: int
    ephemeral_owner: int
    """The session id that the node ends with; 0 for a persistent node."""
    num_children: int
    data_size_bytes: int
    ctime_ms: int
    mtime_ms: int


@attrs.frozen(slots=True)
class Node:
    data: bytes
    stat: Stat


@attrs.frozen(slots=True)
class Created:
    """`path` has its ten digits if the node is sequential."""

    path: str
    stat: Stat


# Operations of a multi


@attrs.frozen(slots=True)
class Create:
    path: str
    data: bytes = b""
    ephemeral: bool = False
    sequence: bool = False


@attrs.frozen(slots=True)
class Set:
    path: str
    data: bytes
    version: int = -1


@attrs.frozen(slots=True)
class Delete:
    path: str
    version: int = -1


@attrs.frozen(slots=True)
class Check:
    path: str
    version: int


Op = Create | Set | Delete | Check
OpResult = str | Stat | None
"""Of a multi's op: Create gives the path, Set the new Stat, Delete and Check give None."""


# Events


WatchKind = Literal["created", "deleted", "data", "children"]


@attrs.frozen(slots=True)
class WatchEvent:
    kind: WatchKind
    path: str


@attrs.frozen(slots=True)
class Suspended:
    """The connection broke. The session may live on: stop assuming, start nothing new."""

    reason: str = attrs.field(default="", eq=False)


@attrs.frozen(slots=True)
class Reconnected:
    """The same session is connected again; its ephemerals live, its watches are gone."""


@attrs.frozen(slots=True)
class Lost:
    """The session is over, and all its ephemerals are gone or will be soon."""


StoreEvent = WatchEvent | Suspended | Reconnected | Lost


# Errors


class StoreError(Exception):
    """Anything ZooKeeper refuses or cannot answer. `path` is None where no single one is meant."""

    def __init__(self, message: str, path: str | None = None) -> None:
        super().__init__(message if path is None else f"{path}: {message}")
        self.path = path


class NoNode(StoreError):
    """The node, or the parent of a node to create, does not exist."""


class NodeExists(StoreError):
    pass


class BadVersion(StoreError):
    """The node's version is not the expected one: somebody changed it since we read."""


class NotEmpty(StoreError):
    """A node with children cannot be deleted."""


class NoChildrenForEphemerals(StoreError):
    pass


class Unauthorized(StoreError):
    """ZooKeeper's ACL forbids it, or it refused our credentials."""


class RequestTooLarge(StoreError):
    """Not sent: larger than MAX_REQUEST_BYTES. Split the multi, or refuse what caused it."""


class ConnectionLoss(StoreError):
    """The outcome of this write is unknown: read back. Only writes raise it."""


class SessionLost(StoreError):
    """This session is over; nothing more can be done in it."""


class StoreUnavailable(StoreError):
    """No session could be opened in the time given."""


class MultiFailed(StoreError):
    """Nothing of the multi was done: op number `index` (from 0) failed with `error`."""

    def __init__(self, index: int, error: StoreError) -> None:
        super().__init__(f"operation {index} of the multi failed: {error}")
        self.index = index
        self.error = error


# Protocols


class Session(Protocol):
    """One ZooKeeper session. Paths are absolute below the chroot; data is bytes, b"" for none."""

    @property
    def session_id(self) -> int: ...

    @property
    def negotiated_timeout_ms(self) -> int:
        """How long ZooKeeper waits for a sign of life before it ends the session."""

    @property
    def lost(self) -> bool:
        """True once the session is over."""

    def subscribe(self) -> trio.MemoryReceiveChannel[StoreEvent]:
        """All events of this session from now on. Close it to unsubscribe (`with` does)."""

    async def get(self, path: str, *, watch: bool = False) -> Node: ...

    async def exists(self, path: str, *, watch: bool = False) -> Stat | None: ...

    async def children(self, path: str, *, watch: bool = False) -> list[str]:
        """Names, not paths, in no particular order."""

    async def get_many(self, paths: Sequence[str], *, watch: bool = False) -> list[Node | None]:
        """Pipelined gets, in the order of `paths`; None where there is no node."""

    async def sync(self) -> None:
        """Let the reads after this see all that anybody has written before it."""

    async def create(
        self, path: str, data: bytes = b"", *, ephemeral: bool = False, sequence: bool = False
    ) -> Created: ...

    async def set(self, path: str, data: bytes, version: int = -1) -> Stat: ...

    async def delete(self, path: str, version: int = -1) -> None: ...

    async def multi(self, ops: Sequence[Op]) -> list[OpResult]:
        """All or nothing. Raises MultiFailed, ConnectionLoss, SessionLost, RequestTooLarge."""

    async def multi_many(self, multis: Sequence[Sequence[Op]]) -> list[list[OpResult] | StoreError]:
        """Pipelined multis, each atomic on its own; an error stands where its multi stood."""

    async def aclose(self) -> None:
        """End the session: its ephemerals vanish at once, not after the timeout."""


class Store(Protocol):
    async def open_session(self, *, timeout_ms: int | None = None) -> Session:
        """Wait for a new session, at most `timeout_ms` (None: for ever).

        Raises StoreUnavailable, with the reason, when the time is over.
        """


def request_size_bytes(ops: Sequence[Op]) -> int:
    """About what a multi of these ops takes on the wire (never less than it takes)."""
    total = 64
    for op in ops:
        total += 64 + len(op.path.encode())
        if isinstance(op, Create | Set):
            total += len(op.data)
    return total


def check_size(ops: Sequence[Op]) -> None:
    """Raises RequestTooLarge. Both stores ask before they send."""
    if (size_bytes := request_size_bytes(ops)) > MAX_REQUEST_BYTES:
        raise RequestTooLarge(
            f"a request of {size_bytes} bytes is over ZooKeeper's limit, {MAX_REQUEST_BYTES}",
            ops[0].path,
        )
