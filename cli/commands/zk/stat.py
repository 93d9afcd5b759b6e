"""`zbroker-admin zk stat`: the servers of the ensemble, as each says of itself (`srvr`)."""

import click

from cli.commands.options import output_option, run
from cli.commands.outcomes import fail_for
from cli.commands.output import Answer, Table
from cli.commands.zk.servers import Told, ask_servers, problems_of
from cli.commands.zookeeper import ZooKeeper, zookeeper_options
from coordination.four_letter_words import parse_server

COLUMNS = ("SERVER", "MODE", "ZXID", "CONNECTIONS", "OUTSTANDING", "NODES", "LATENCY-MS", "VERSION")


@click.command("stat")
@output_option(repeats=True)
@zookeeper_options
def command(zookeeper: ZooKeeper, output: str) -> None:
    """Print each ZooKeeper server: whether it leads, how far it is, how busy.

    \b
    Example: zbroker-admin zk stat --zookeeper z1:2181,z2:2181,z3:2181
    """

    async def question() -> list[Told]:
        return await ask_servers(zookeeper, "srvr")

    told = run(question)
    servers = [(each.server, parse_server(each.text)) for each in told if each.text is not None]
    Answer(
        facts={
            "servers": [
                {
                    "server": name,
                    "mode": facts.get("Mode"),
                    "zxid": facts.get("Zxid"),
                    "connections": _number(facts.get("Connections")),
                    "outstanding": _number(facts.get("Outstanding")),
                    "node_count": _number(facts.get("Node count")),
                    "latency_ms": facts.get("Latency min/avg/max"),
                    "version": facts.get("Zookeeper version"),
                }
                for name, facts in servers
            ]
        },
        text=[
            Table(
                COLUMNS,
                [
                    (
                        name,
                        facts.get("Mode"),
                        facts.get("Zxid"),
                        facts.get("Connections"),
                        facts.get("Outstanding"),
                        facts.get("Node count"),
                        facts.get("Latency min/avg/max"),
                        (facts.get("Zookeeper version") or "").partition(",")[0] or None,
                    )
                    for name, facts in servers
                ],
            )
        ],
        names=[name for name, _ in servers],
    ).print_as(output)
    fail_for(problems_of(told), any_done=bool(servers))


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None
