"""`zbroker-admin zk tree`: znodes below a path, with what they say."""

from collections.abc import Mapping, Sequence

import attrs
import click

from cli.commands.options import Failure, output_option
from cli.commands.output import Answer, Table, say
from cli.commands.zk.reading import (
    Znode,
    brokers_of_sessions,
    flat,
    full_path,
    hexadecimal,
    parse_path,
    read_tree,
    who,
)
from cli.commands.zk.servers import read_watches
from cli.commands.znode_text import raw_text, words_of
from cli.commands.zookeeper import ZooKeeper, zookeeper_options
from coordination.store import Session

WIDE_COLUMNS = ("PATH", "VERSION", "OWNER", "CREATED-ZXID", "MODIFIED-ZXID", "BYTES")


@attrs.frozen
class People:
    """Who owns, and who watches; `watchers` by path below the chroot, None if nobody asked."""

    brokers: Mapping[int, int]
    watchers: Mapping[str, Sequence[int]] | None = None


@click.command("tree")
@click.argument("path", default="/", callback=parse_path)
@click.option("--kafka", is_flag=True, help="Also who watches each node (the servers' wchp).")
@click.option("--raw", is_flag=True, help="The data as it stands there, not in words.")
@output_option(repeats=True)
@zookeeper_options
def command(path: str, zookeeper: ZooKeeper, kafka: bool, raw: bool, output: str) -> None:
    """Print the znodes below PATH with what they say, and who owns the ephemeral ones.

    \b
    Example: zbroker-admin zk tree /brokers --kafka
    """

    async def read(session: Session) -> tuple[Znode | None, People]:
        tree = await read_tree(session, zookeeper.chroot, path)
        brokers = await brokers_of_sessions(session, zookeeper.chroot)
        if not kafka:
            return tree, People(brokers)
        watchers, problems = await read_watches(zookeeper)
        for each in problems:
            say(f"who watches is not known of {each}")
        root = full_path(zookeeper.chroot, "/").rstrip("/")
        below = {
            whole.removeprefix(root) or "/": [one for one in sessions if one != session.session_id]
            for whole, sessions in watchers.items()
            if whole.startswith(root)
        }
        return tree, People(brokers, below)

    tree, people = zookeeper.ask(read)
    if tree is None:
        raise Failure(f"no znode {zookeeper.chroot + path}")
    nodes = flat(tree)
    Answer(
        facts={"znodes": [_facts(each, people) for each in nodes]},
        text=tree_lines(tree, people, raw=raw),
        wide=[Table(WIDE_COLUMNS, [_wide_row(each) for each in nodes])],
        names=[each.path for each in nodes],
    ).print_as(output)


def tree_lines(tree: Znode, people: People, *, raw: bool) -> list[str]:
    """The tree as text, one line a node."""
    return _lines(tree, people, raw, "", "")


def _lines(tree: Znode, people: People, raw: bool, first_indent: str, indent: str) -> list[str]:
    facts = [tree.name]
    owner = tree.node.stat.ephemeral_owner
    if owner:
        facts.append(f"[ephemeral, {who(owner, people.brokers)}]")
    said = raw_text(tree.node) if raw else words_of(tree.path, tree.node)
    if said:
        facts.append(f"= {said}")
    watchers = (people.watchers or {}).get(tree.path)
    if watchers:
        names = ", ".join(who(each, people.brokers) for each in watchers)
        facts.append(f"(watched by {names})")
    lines = [first_indent + " ".join(facts)]
    for number, child in enumerate(tree.children, start=1):
        last = number == len(tree.children)
        lines += _lines(
            child,
            people,
            raw,
            indent + ("└─ " if last else "├─ "),
            indent + ("   " if last else "│  "),
        )
    return lines


def _facts(each: Znode, people: People) -> dict[str, object]:
    stat = each.node.stat
    watchers = None
    if people.watchers is not None:
        watchers = [hexadecimal(one) for one in people.watchers.get(each.path, [])]
    return {
        "path": each.path,
        "data": each.node.data.decode("utf-8", errors="backslashreplace"),
        "version": stat.version,
        "ephemeral_owner": hexadecimal(stat.ephemeral_owner),
        "owner_broker": people.brokers.get(stat.ephemeral_owner),
        "watchers": watchers,
        "created_zxid": stat.czxid,
        "modified_zxid": stat.mzxid,
    }


def _wide_row(each: Znode) -> tuple[object, ...]:
    stat = each.node.stat
    owner = hexadecimal(stat.ephemeral_owner)
    return (each.path, stat.version, owner, stat.czxid, stat.mzxid, len(each.node.data))
