"""`zbroker-admin zk get`: a znode's data, and ZooKeeper's record of it."""

from datetime import UTC, datetime

import click

from cli.commands.options import Failure, output_option
from cli.commands.output import Answer, Table
from cli.commands.zk.reading import (
    brokers_of_sessions,
    full_path,
    hexadecimal,
    parse_path,
    who,
)
from cli.commands.znode_text import raw_text, words_of
from cli.commands.zookeeper import ZooKeeper, zookeeper_options
from coordination.store import Node, NoNode, Session

COLUMNS = ("STAT", "VALUE")


@click.command("get")
@click.argument("path", callback=parse_path)
@click.option("--stat", is_flag=True, help="Also its versions, times and owner.")
@click.option("--raw", is_flag=True, help="The data as it stands there, not in words.")
@output_option(repeats=True)
@zookeeper_options
def command(path: str, zookeeper: ZooKeeper, stat: bool, raw: bool, output: str) -> None:
    """Print what a znode says.

    \b
    Example: zbroker-admin zk get /controller --stat
    """

    async def read(session: Session) -> tuple[Node | None, dict[int, int]]:
        try:
            node = await session.get(full_path(zookeeper.chroot, path))
        except NoNode:
            return None, {}
        return node, await brokers_of_sessions(session, zookeeper.chroot)

    node, brokers = zookeeper.ask(read)
    if node is None:
        raise Failure(f"no znode {zookeeper.chroot + path}")
    said = raw_text(node) if raw else words_of(path, node)
    table = Table(COLUMNS, _rows(node, brokers))
    Answer(
        facts={
            "path": path,
            "data": node.data.decode("utf-8", errors="backslashreplace"),
            "words": words_of(path, node),
            "version": node.stat.version,
            "children_version": node.stat.cversion,
            "ephemeral_owner": hexadecimal(node.stat.ephemeral_owner),
            "owner_broker": brokers.get(node.stat.ephemeral_owner),
            "child_count": node.stat.num_children,
            "created_zxid": node.stat.czxid,
            "modified_zxid": node.stat.mzxid,
            "created_ms": node.stat.ctime_ms,
            "modified_ms": node.stat.mtime_ms,
        },
        text=[said, table] if stat else [said],
        wide=[said, table],
        names=[path],
    ).print_as(output)


def _rows(node: Node, brokers: dict[int, int]) -> list[tuple[object, ...]]:
    stat = node.stat
    return [
        ("version", stat.version),
        ("created", f"{_time(stat.ctime_ms)}, zxid 0x{stat.czxid:x}"),
        ("modified", f"{_time(stat.mtime_ms)}, zxid 0x{stat.mzxid:x}"),
        ("owner", who(stat.ephemeral_owner, brokers) if stat.ephemeral_owner else None),
        ("bytes", len(node.data)),
        ("children", stat.num_children),
        ("children's version", stat.cversion),
    ]


def _time(timestamp_ms: int) -> str:
    moment = datetime.fromtimestamp(timestamp_ms / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
