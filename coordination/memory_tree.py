"""ZooKeeper's tree of nodes in memory: pure, no sessions' connections, no watches kept.

`commit` takes a list of operations and does all of them or none, under one new zxid, as
ZooKeeper's multi (a single call is a multi of one). It answers what each gave and which changes
watchers would want to hear of; who watches what is the store's business.

Counters, as ZooKeeper keeps them (org.apache.zookeeper.server.DataTree):
 - czxid, mzxid: the zxid that created a node, that last set its data. Children do not matter.
 - version: sets since creation. cversion: children created plus children deleted.
 - A sequential child gets the number of children created so far, sequential or not, ten digits.

A node being changed lives in `staged` until the whole list has proved possible.
"""

import attrs

from coordination.store import (
    BadVersion,
    Check,
    Create,
    Created,
    Delete,
    MultiFailed,
    NoChildrenForEphemerals,
    Node,
    NodeExists,
    NoNode,
    NotEmpty,
    Op,
    Set,
    Stat,
    StoreError,
    WatchEvent,
)

Done = Created | Stat | None
"""What an operation gave: Create, Set, and the others."""


@attrs.frozen
class _Znode:
    data: bytes
    czxid: int
    mzxid: int
    ctime_ms: int
    mtime_ms: int
    version: int = 0
    children_created: int = 0
    children_deleted: int = 0
    ephemeral_owner: int = 0

    def stat(self) -> Stat:
        return Stat(
            czxid=self.czxid,
            mzxid=self.mzxid,
            version=self.version,
            cversion=self.children_created + self.children_deleted,
            ephemeral_owner=self.ephemeral_owner,
            num_children=self.children_created - self.children_deleted,
            data_size_bytes=len(self.data),
            ctime_ms=self.ctime_ms,
            mtime_ms=self.mtime_ms,
        )


def parent_of(path: str) -> str:
    return path.rpartition("/")[0] or "/"


@attrs.define(eq=False)
class Tree:
    zxid: int = 0
    _nodes: dict[str, _Znode] = attrs.field(factory=lambda: {"/": _Znode(b"", 0, 0, 0, 0)})
    _names: dict[str, set[str]] = attrs.field(factory=lambda: {"/": set()})  # children
    _ephemerals: dict[int, set[str]] = attrs.field(factory=dict)  # by session id

    def node(self, path: str) -> Node:
        znode = self._nodes.get(path)
        if znode is None:
            raise NoNode("no such node", path)
        return Node(znode.data, znode.stat())

    def stat(self, path: str) -> Stat | None:
        znode = self._nodes.get(path)
        return None if znode is None else znode.stat()

    def children(self, path: str) -> list[str]:
        if path not in self._names:
            raise NoNode("no such node", path)
        return sorted(self._names[path])

    def commit(
        self, ops: list[Op], session_id: int, now_ms: int
    ) -> tuple[list[Done], list[WatchEvent]]:
        """Raises MultiFailed, and then nothing has changed."""
        change = _Change(self._nodes, self.zxid + 1, session_id, now_ms)
        results: list[Done] = []
        for index, op in enumerate(ops):
            try:
                results.append(change.apply(op))
            except StoreError as error:
                raise MultiFailed(index, error) from error
        self.zxid += 1
        for path, znode in change.staged.items():
            self._settle(path, znode)
        return results, change.events

    def end_session(self, session_id: int, now_ms: int) -> list[WatchEvent]:
        """Delete the session's ephemerals."""
        ops: list[Op] = [Delete(path) for path in sorted(self._ephemerals.get(session_id, ()))]
        return self.commit(ops, session_id, now_ms)[1] if ops else []

    def _settle(self, path: str, new: _Znode | None) -> None:
        """Take over what became of a node (None: deleted), and keep the two indexes in step."""
        old = self._nodes.pop(path, None)
        if old is not None and old.ephemeral_owner:
            self._ephemerals[old.ephemeral_owner].discard(path)
        if new is not None:
            self._nodes[path] = new
            self._names.setdefault(path, set())
            if new.ephemeral_owner:
                self._ephemerals.setdefault(new.ephemeral_owner, set()).add(path)
        else:
            self._names.pop(path, None)
        if path != "/":
            parent, _, name = path.rpartition("/")
            if new is not None:
                self._names[parent or "/"].add(name)
            elif (parent or "/") in self._names:  # else it went in the same transaction
                self._names[parent or "/"].discard(name)


@attrs.define(eq=False)
class _Change:
    """One transaction being tried: `staged` overlays the tree (None: deleted)."""

    nodes: dict[str, _Znode]
    zxid: int
    session_id: int
    now_ms: int
    staged: dict[str, _Znode | None] = attrs.field(factory=dict)
    events: list[WatchEvent] = attrs.field(factory=list)

    def apply(self, op: Op) -> Done:
        match op:
            case Create():
                return self._create(op)
            case Set(path, data, version):
                znode = self._expect(path, version)
                znode = attrs.evolve(
                    znode,
                    data=data,
                    mzxid=self.zxid,
                    mtime_ms=self.now_ms,
                    version=znode.version + 1,
                )
                self.staged[path] = znode
                self.events.append(WatchEvent("data", path))
                return znode.stat()
            case Delete(path, version):
                self._delete(path, version)
                return None
            case Check(path, version):
                self._expect(path, version)
                return None

    def _find(self, path: str) -> _Znode | None:
        return self.staged[path] if path in self.staged else self.nodes.get(path)

    def _expect(self, path: str, version: int) -> _Znode:
        znode = self._find(path)
        if znode is None:
            raise NoNode("no such node", path)
        if version not in (-1, znode.version):
            raise BadVersion(f"expected version {version}, found {znode.version}", path)
        return znode

    def _create(self, op: Create) -> Created:
        parent_path = parent_of(op.path)
        parent = self._find(parent_path)
        if parent is None:
            raise NoNode("no such node, its child cannot be created", parent_path)
        path = f"{op.path}{parent.children_created:010d}" if op.sequence else op.path
        if self._find(path) is not None:
            raise NodeExists("the node exists", path)
        if parent.ephemeral_owner:
            raise NoChildrenForEphemerals("an ephemeral node has no children", parent_path)
        self.staged[parent_path] = attrs.evolve(
            parent, children_created=parent.children_created + 1
        )
        child = _Znode(
            op.data,
            self.zxid,
            self.zxid,
            self.now_ms,
            self.now_ms,
            ephemeral_owner=self.session_id if op.ephemeral else 0,
        )
        self.staged[path] = child
        self.events += [WatchEvent("created", path), WatchEvent("children", parent_path)]
        return Created(path, child.stat())

    def _delete(self, path: str, version: int) -> None:
        znode = self._expect(path, version)
        if znode.children_created > znode.children_deleted:
            raise NotEmpty("the node has children", path)
        parent_path = parent_of(path)
        parent = self._find(parent_path)
        assert parent is not None, f"{path} had no parent"
        self.staged[parent_path] = attrs.evolve(
            parent, children_deleted=parent.children_deleted + 1
        )
        self.staged[path] = None
        self.events += [WatchEvent("deleted", path), WatchEvent("children", parent_path)]
