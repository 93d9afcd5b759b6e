"""`zbroker-admin zk watches`: who waits for which znode to change.

The servers tell of watches for a node's data and its coming and going, not of those for its
children (coordination.four_letter_words).
"""

import click

from cli.commands.options import Exit, Failure, output_option
from cli.commands.outcomes import fail_for
from cli.commands.output import Answer, Table
from cli.commands.zk.reading import brokers_of_sessions, hexadecimal, who
from cli.commands.zk.servers import read_watches
from cli.commands.zookeeper import ZooKeeper, zookeeper_options
from coordination.store import Session

COLUMNS = ("PATH", "WATCHED-BY")


@click.command("watches")
@output_option(repeats=True)
@zookeeper_options
def command(zookeeper: ZooKeeper, output: str) -> None:
    """Print who watches which znode; the servers must allow wchp (4lw.commands.whitelist).

    \b
    Example: zbroker-admin zk watches --zookeeper z1:2181,z2:2181,z3:2181
    """

    async def read(session: Session) -> tuple[dict[str, list[int]], list[str], dict[int, int]]:
        watches, problems = await read_watches(zookeeper)
        return watches, problems, await brokers_of_sessions(session, zookeeper.chroot)

    watches, problems, brokers = zookeeper.ask(read)
    if problems and not watches:
        raise Failure("; ".join(problems), Exit.ERROR)
    Answer(
        facts={
            "watches": [
                {
                    "path": path,
                    "sessions": [
                        {"session": hexadecimal(each), "broker": brokers.get(each)}
                        for each in sessions
                    ],
                }
                for path, sessions in sorted(watches.items())
            ]
        },
        text=[
            Table(
                COLUMNS,
                [
                    (path, ", ".join(who(each, brokers) for each in sessions))
                    for path, sessions in sorted(watches.items())
                ],
            )
        ],
        names=sorted(watches),
    ).print_as(output)
    fail_for(problems, any_done=True)
