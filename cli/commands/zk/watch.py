"""`zbroker-admin zk watch`: a znode, now and each time that it changes.

A watch fires once and says no more than that something happened, so the node is read again and
watched again; what changes twice in between is seen once.
"""

import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import attrs
import click
import trio

from cli.commands.options import Exit, Failure, output_option
from cli.commands.output import JSON_VERSION
from cli.commands.yaml_text import yaml_lines
from cli.commands.zk.reading import full_path, parse_path
from cli.commands.znode_text import raw_text, words_of
from cli.commands.zookeeper import ZooKeeper, zookeeper_options
from coordination.store import (
    Lost,
    Node,
    NoNode,
    Reconnected,
    Session,
    StoreEvent,
    WatchEvent,
)


@attrs.frozen
class Seen:
    """A znode at a moment; `node` is None while there is none."""

    node: Node | None
    children: tuple[str, ...] = ()


@click.command("watch")
@click.argument("path", callback=parse_path)
@click.option("--raw", is_flag=True, help="The data as it stands there, not in words.")
@output_option()
@zookeeper_options
def command(path: str, zookeeper: ZooKeeper, raw: bool, output: str) -> None:
    """Print a znode, and again each time that its data or its children change, until Ctrl-C.

    With -o json each is an object in a line.

    \b
    Example: zbroker-admin zk watch /controller
    """

    async def follow(session: Session) -> None:
        async for seen in changes_of(session, full_path(zookeeper.chroot, path)):
            click.echo(_told(path, seen, raw, output))

    try:
        zookeeper.ask(follow, is_endless=True)
    except Failure as failure:
        if failure.exit_code != Exit.INTERRUPTED:
            raise


async def changes_of(session: Session, path: str) -> AsyncIterator[Seen]:
    """What there is, and each time that something else is there."""
    events = session.subscribe()
    before: Seen | None = None
    while True:
        seen = await _read(session, path)
        if seen != before:
            before = seen
            yield seen
        if not await _has_changed(events, path):
            raise Failure("the session with ZooKeeper is over")


async def _has_changed(events: trio.MemoryReceiveChannel[StoreEvent], path: str) -> bool:
    """Wait until it may have; False if nobody will tell any more."""
    async for event in events:
        if isinstance(event, Lost):
            break
        if isinstance(event, Reconnected):
            return True
        if isinstance(event, WatchEvent) and event.path == path:
            return True
    return False


async def _read(session: Session, path: str) -> Seen:
    """What there is, watched for all that may change."""
    while True:
        try:
            node = await session.get(path, watch=True)
            return Seen(node, tuple(sorted(await session.children(path, watch=True))))
        except NoNode:
            if await session.exists(path, watch=True) is None:
                return Seen(None)


def _told(path: str, seen: Seen, raw: bool, output: str) -> str:
    now_s = time.time()
    if output in ("json", "yaml"):
        facts = {
            "v": JSON_VERSION,
            "time_ms": round(now_s * 1000),
            "path": path,
            "exists": seen.node is not None,
            "data": None if seen.node is None else seen.node.data.decode(errors="backslashreplace"),
            "version": None if seen.node is None else seen.node.stat.version,
            "children": list(seen.children),
        }
        return json.dumps(facts) if output == "json" else "\n".join(["---", *yaml_lines(facts)])
    if output == "name":
        return path
    moment = datetime.fromtimestamp(now_s, UTC).strftime("%H:%M:%S.%f")[:-3]
    if seen.node is None:
        return f"{moment}  {path}: not there"
    words = raw_text(seen.node) if raw else words_of(path, seen.node)
    parts = [f"{moment}  {path}: version {seen.node.stat.version}"]
    parts += [f"= {words}"] if words else []
    if seen.children or output == "wide":
        parts.append(f"[{', '.join(seen.children)}]")
    return " ".join(parts)
