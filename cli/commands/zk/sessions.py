"""`zbroker-admin zk sessions`: who is connected to ZooKeeper, and what ends with whom.

Clients are known to the servers that they are connected to (`cons`), ephemeral nodes to all of them
(`dump`). Where a server doesn't answer these words, what Kafka's own nodes say is left.
"""

import attrs
import click

from cli.commands.options import output_option
from cli.commands.output import Answer, Table, say
from cli.commands.zk.reading import brokers_of_sessions, hexadecimal
from cli.commands.zk.servers import ask_servers, problems_of
from cli.commands.zookeeper import ZooKeeper, zookeeper_options
from coordination.four_letter_words import parse_connections, parse_ephemerals
from coordination.store import Session
from coordination.znodes import paths

COLUMNS = ("SESSION", "BROKER", "TIMEOUT-MS", "CLIENT", "SERVER", "EPHEMERALS")


@attrs.define
class Found:
    """A session; None for what no server told."""

    session_id: int
    broker_id: int | None
    timeout_ms: int | None = None
    client: str | None = None
    server: str | None = None
    ephemerals: set[str] = attrs.field(factory=set)


@click.command("sessions")
@output_option(repeats=True)
@zookeeper_options
def command(zookeeper: ZooKeeper, output: str) -> None:
    """Print the sessions of all clients: whose, how long they last unheard, what they own.

    \b
    Example: zbroker-admin zk sessions --zookeeper z1:2181,z2:2181,z3:2181
    """

    async def read(session: Session) -> list[Found]:
        return await sessions_of(session, zookeeper)

    found = zookeeper.ask(read)
    Answer(
        facts={"sessions": [_facts(each) for each in found]},
        text=[Table(COLUMNS, [_row(each) for each in found])],
        names=[hexadecimal(each.session_id) for each in found],
    ).print_as(output)


async def sessions_of(session: Session, zookeeper: ZooKeeper) -> list[Found]:
    """All but the one that asks, brokers first."""
    brokers = await brokers_of_sessions(session, zookeeper.chroot)
    found = {each: Found(each, broker_id) for each, broker_id in brokers.items()}

    def of(session_id: int) -> Found:
        return found.setdefault(session_id, Found(session_id, None))

    for session_id, broker_id in brokers.items():
        of(session_id).ephemerals.add(zookeeper.chroot + paths.broker(broker_id))
    controller = await session.exists(zookeeper.chroot + paths.CONTROLLER)
    if controller is not None and controller.ephemeral_owner:
        of(controller.ephemeral_owner).ephemerals.add(zookeeper.chroot + paths.CONTROLLER)
    connected = await ask_servers(zookeeper, "cons")
    for told in connected:
        for each in parse_connections(told.text or ""):
            if each.session_id is not None:
                one = of(each.session_id)
                one.timeout_ms, one.client, one.server = each.timeout_ms, each.client, told.server
    dumped = await ask_servers(zookeeper, "dump")
    for told in dumped:
        for session_id, ephemerals in parse_ephemerals(told.text or "").items():
            of(session_id).ephemerals.update(ephemerals)
    for problem in (*problems_of(connected), *problems_of(dumped)):
        say(f"not all is known: {problem}")
    found.pop(session.session_id, None)
    return sorted(
        found.values(), key=lambda each: (each.broker_id is None, each.broker_id, each.session_id)
    )


def _row(each: Found) -> tuple[object, ...]:
    return (
        hexadecimal(each.session_id),
        each.broker_id,
        each.timeout_ms,
        each.client,
        each.server,
        ", ".join(sorted(each.ephemerals)) or None,
    )


def _facts(each: Found) -> dict[str, object]:
    return {
        "session": hexadecimal(each.session_id),
        "broker": each.broker_id,
        "timeout_ms": each.timeout_ms,
        "client": each.client,
        "server": each.server,
        "ephemerals": sorted(each.ephemerals),
    }
