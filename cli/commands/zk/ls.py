"""`zbroker-admin zk ls`: names of znodes."""

import click

from cli.commands.options import Failure, output_option
from cli.commands.output import Answer, Table
from cli.commands.zk.reading import full_path, parse_path
from cli.commands.zookeeper import ZooKeeper, zookeeper_options
from coordination.store import NoNode, Session

COLUMNS = ("PATH",)


@click.command("ls")
@click.argument("path", default="/", callback=parse_path)
@click.option("-R", "--recursive", is_flag=True, help="All that is below, too.")
@output_option(default="name", repeats=True)
@zookeeper_options
def command(path: str, zookeeper: ZooKeeper, recursive: bool, output: str) -> None:
    """Print the znodes in PATH, or with -R PATH itself and all below it.

    \b
    Example: zbroker-admin zk ls -R /brokers/topics
    """

    async def read(session: Session) -> list[str] | None:
        return await paths_below(session, zookeeper.chroot, path, recursive=recursive)

    found = zookeeper.ask(read)
    if found is None:
        raise Failure(f"no znode {zookeeper.chroot + path}")
    Answer(
        facts={"paths": found},
        text=[Table(COLUMNS, [(each,) for each in found])],
        names=found,
    ).print_as(output)


async def paths_below(
    session: Session, chroot: str, path: str, *, recursive: bool
) -> list[str] | None:
    """Its children's paths; or its own, and of all that is below; None if there's no such node."""
    below = "" if path == "/" else path
    try:
        names = sorted(await session.children(full_path(chroot, path)))
    except NoNode:
        return None
    children = [f"{below}/{name}" for name in names]
    if not recursive:
        return children
    found = [path]
    for each in children:  # one that is deleted meanwhile is left out
        found += await paths_below(session, chroot, each, recursive=True) or []
    return found
