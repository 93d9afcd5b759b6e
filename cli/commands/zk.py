"""`zbroker-admin zk`: what the ensemble keeps in ZooKeeper.

It only reads: topics are changed through brokers (KAFKA-14190).
"""

from collections.abc import Sequence

import attrs
import click

from cli.commands.options import Failure, output_option
from cli.commands.output import Answer, Table
from cli.commands.znode_text import raw_text, words_of
from cli.commands.zookeeper import ZooKeeper, zookeeper_options
from coordination.store import Node, NoNode, Session

WIDE_COLUMNS = ("PATH", "VERSION", "OWNER", "CREATED-ZXID", "MODIFIED-ZXID", "BYTES")


@attrs.frozen
class Znode:
    """One node of a tree, its path below the chroot, its children sorted by name."""

    path: str
    node: Node
    children: tuple["Znode", ...]

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2] or "/"


def _path(_context: click.Context, _parameter: click.Parameter, path: str) -> str:
    if not path.startswith("/"):
        raise click.BadParameter(f"{path!r}: a path begins with /")
    return path.rstrip("/") or "/"


@click.group()
def zk() -> None:
    """Look at the ensemble's znodes."""


@zk.command("tree")
@click.argument("path", default="/", callback=_path)
@click.option("--raw", is_flag=True, help="The data as it stands there, not in words.")
@output_option()
@zookeeper_options
def tree_command(path: str, zookeeper: ZooKeeper, raw: bool, output: str) -> None:
    """Print the znodes below PATH with what they say, and who owns the ephemeral ones.

    \b
    Example: zbroker-admin zk tree /brokers
    """

    async def read(session: Session) -> Znode | None:
        return await read_tree(session, zookeeper.chroot, path)

    tree = zookeeper.read(read)
    if tree is None:
        raise Failure(f"no znode {zookeeper.chroot + path}")
    nodes = _flat(tree)
    Answer(
        facts={"znodes": [_facts(each) for each in nodes]},
        text=tree_lines(tree, raw=raw),
        wide=[Table(WIDE_COLUMNS, [_wide_row(each) for each in nodes])],
        names=[each.path for each in nodes],
    ).print_as(output)


async def read_tree(session: Session, chroot: str, path: str) -> Znode | None:
    """The tree below `path`; None if there is no such node.

    Read node by node, not at one moment: a node that is deleted meanwhile is left out.
    """
    full_path = chroot + path if path != "/" else chroot or "/"
    try:
        node = await session.get(full_path)
        names = await session.children(full_path) if node.stat.num_children else []
    except NoNode:
        return None
    below = "" if path == "/" else path
    children = [await read_tree(session, chroot, f"{below}/{name}") for name in sorted(names)]
    return Znode(path, node, tuple(child for child in children if child is not None))


def tree_lines(tree: Znode, *, raw: bool) -> list[str]:
    """The tree as text, one line a node.

    A session's number says little; the broker whose registration it owns says more.
    """
    return _lines(tree, _session_owners(tree), raw, "", "")


def _lines(
    tree: Znode, owners: dict[int, str], raw: bool, first_indent: str, indent: str
) -> list[str]:
    facts = [tree.name]
    owner = tree.node.stat.ephemeral_owner
    if owner:
        facts.append(f"[ephemeral, {owners.get(owner, f'session 0x{owner:x}')}]")
    said = raw_text(tree.node) if raw else words_of(tree.path, tree.node)
    if said:
        facts.append(f"= {said}")
    lines = [first_indent + " ".join(facts)]
    for number, child in enumerate(tree.children, start=1):
        last = number == len(tree.children)
        lines += _lines(
            child,
            owners,
            raw,
            indent + ("└─ " if last else "├─ "),
            indent + ("   " if last else "│  "),
        )
    return lines


def _session_owners(tree: Znode) -> dict[int, str]:
    return {
        each.node.stat.ephemeral_owner: f"broker {each.name}"
        for each in _flat(tree)
        if each.path.startswith("/brokers/ids/") and each.node.stat.ephemeral_owner
    }


def _flat(tree: Znode) -> Sequence[Znode]:
    return [tree, *(each for child in tree.children for each in _flat(child))]


def _facts(each: Znode) -> dict[str, object]:
    stat = each.node.stat
    return {
        "path": each.path,
        "data": each.node.data.decode("utf-8", errors="backslashreplace"),
        "version": stat.version,
        "ephemeral_owner": f"0x{stat.ephemeral_owner:x}" if stat.ephemeral_owner else None,
        "created_zxid": stat.czxid,
        "modified_zxid": stat.mzxid,
    }


def _wide_row(each: Znode) -> tuple[object, ...]:
    stat = each.node.stat
    owner = f"0x{stat.ephemeral_owner:x}" if stat.ephemeral_owner else None
    return (each.path, stat.version, owner, stat.czxid, stat.mzxid, len(each.node.data))
