"""Our operations, values and errors in kazoo's words, and back.

Empty data is written as null, as Kafka does for nodes that carry none: a real broker takes an
empty /latest_producer_id_block for garbage, a null one for "none yet".
"""

from typing import Any

from kazoo import exceptions
from kazoo.protocol import serialization
from kazoo.protocol.states import EventType, ZnodeStat
from kazoo.security import OPEN_ACL_UNSAFE

from coordination.store import (
    BadVersion,
    Check,
    ConnectionLoss,
    Create,
    Delete,
    MultiFailed,
    NoChildrenForEphemerals,
    Node,
    NodeExists,
    NoNode,
    NotEmpty,
    Op,
    OpResult,
    SessionLost,
    Set,
    Stat,
    StoreError,
    Unauthorized,
    WatchKind,
)

WATCH_KINDS: dict[str, WatchKind] = {
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


def full_path(path: str, chroot: str) -> str:
    return chroot + path if path != "/" else chroot or "/"


def operation(op: Op, chroot: str) -> object:
    """As kazoo sends it; not through kazoo's transaction.create, which cannot write null."""
    path = full_path(op.path, chroot)
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


def multi_results(answer: list[Any], chroot: str) -> list[OpResult]:
    """Raises MultiFailed if it did.

    In a failed multi the operations before the culprit are "rolled back", those behind it
    "inconsistent"; only the culprit has an error of its own.
    """
    for index, result in enumerate(answer):
        if isinstance(result, Exception) and not isinstance(
            result, exceptions.RolledBackError | exceptions.RuntimeInconsistency
        ):
            raise MultiFailed(index, error_of(result, None))
    results: list[OpResult] = []
    for result in answer:
        if isinstance(result, str):
            results.append(result.removeprefix(chroot))
        else:
            results.append(stat_of(result) if isinstance(result, ZnodeStat) else None)
    return results


def error_of(error: Exception, path: str | None) -> StoreError:
    for theirs, ours, message in _ERRORS:
        if isinstance(error, theirs):
            return ours(message, path)
    return StoreError(f"{type(error).__name__} {error}", path)


def node_of(answer: tuple[bytes | None, ZnodeStat]) -> Node:
    data, stat = answer
    return Node(data or b"", stat_of(stat))


def stat_of(stat: ZnodeStat) -> Stat:
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
