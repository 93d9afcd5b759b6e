"""Znodes read as a tree, and which broker a session is.

A session's number says little; the broker whose registration it owns says more.
"""

from collections.abc import Mapping, Sequence

import attrs
import click

from cli.commands.zookeeper import check_path
from coordination.store import Node, NoNode, Session
from coordination.znodes import paths

BROKER_IDS = paths.BROKER_IDS


@attrs.frozen
class Znode:
    """One node of a tree, its path below the chroot, its children sorted by name."""

    path: str
    node: Node
    children: tuple["Znode", ...]

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2] or "/"


def parse_path(_context: click.Context, _parameter: click.Parameter, path: str) -> str:
    """An argument's callback."""
    if not path.startswith("/"):
        raise click.BadParameter(f"{path!r}: a path begins with /")
    try:
        check_path(path)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    return path.rstrip("/") or "/"


def full_path(chroot: str, path: str) -> str:
    """Where it is for ZooKeeper."""
    return chroot + path if path != "/" else chroot or "/"


async def read_tree(session: Session, chroot: str, path: str) -> Znode | None:
    """The tree below `path`; None if there is no such node.

    Read node by node, not at one moment: a node that is deleted meanwhile is left out.
    """
    there = full_path(chroot, path)
    try:
        node = await session.get(there)
        names = await session.children(there) if node.stat.num_children else []
    except NoNode:
        return None
    below = "" if path == "/" else path
    children = [await read_tree(session, chroot, f"{below}/{name}") for name in sorted(names)]
    return Znode(path, node, tuple(child for child in children if child is not None))


def flat(tree: Znode) -> Sequence[Znode]:
    """Each node, a parent before its children."""
    return [tree, *(each for child in tree.children for each in flat(child))]


async def brokers_of_sessions(session: Session, chroot: str) -> dict[int, int]:
    """session -> the broker that is registered in it."""
    found: dict[int, int] = {}
    try:
        names = await session.children(chroot + BROKER_IDS)
    except NoNode:
        return found
    for name in names:
        stat = await session.exists(f"{chroot}{BROKER_IDS}/{name}")
        if stat is not None and stat.ephemeral_owner and name.isdecimal():
            found[stat.ephemeral_owner] = int(name)
    return found


def who(session_id: int, brokers: Mapping[int, int]) -> str:
    """`broker 1`, or the session's number."""
    broker_id = brokers.get(session_id)
    return f"session 0x{session_id:x}" if broker_id is None else f"broker {broker_id}"


def hexadecimal(session_id: int) -> str | None:
    """As ZooKeeper writes it; None for no session."""
    return f"0x{session_id:x}" if session_id else None
