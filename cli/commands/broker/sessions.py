"""`zbroker-admin broker sessions`: by which ZooKeeper session each broker is alive.

A broker lives as long as the session that owns `/brokers/ids/N`, the controller is whoever's
session owns `/controller`. The two ought to be one: a session that owns `/controller` and no broker
belongs to a broker that is about to be dead. All of it stands in the znodes' stats; what else a
session has, its timeout and its client, `zk sessions` asks of the servers.
"""

from datetime import UTC, datetime

import attrs
import click

from cli.commands.options import Failure, output_option
from cli.commands.output import Answer, Table
from cli.commands.zk.reading import hexadecimal
from cli.commands.zookeeper import ZooKeeper, zookeeper_options
from coordination import znodes
from coordination.store import NoNode, Session
from coordination.values import BrokerRegistration
from coordination.znodes import paths

COLUMNS = ("BROKER", "SESSION", "EPOCH", "REGISTERED", "ADDRESS", "CONTROLLER")


@attrs.frozen
class BrokerSession:
    """One session; no registration if it owns /controller alone."""

    session_id: int
    registration: BrokerRegistration | None
    is_controller: bool


@click.command("sessions")
@output_option(repeats=True)
@zookeeper_options
def command(zookeeper: ZooKeeper, output: str) -> None:
    """Print each live broker's ZooKeeper session, its epoch, and whose is /controller.

    \b
    Example: zbroker-admin broker sessions --zookeeper 127.0.0.1:2181
    """

    async def question(session: Session) -> list[BrokerSession]:
        return await broker_sessions(session, zookeeper.chroot)

    found = zookeeper.ask(question)
    Answer(
        facts={"sessions": [_facts(each) for each in found]},
        text=[Table(COLUMNS, [_row(each) for each in found])],
        names=[hexadecimal(each.session_id) for each in found],
    ).print_as(output)


async def broker_sessions(session: Session, chroot: str) -> list[BrokerSession]:
    """By broker id, and last a session that owns /controller and no broker."""
    try:
        names = await session.children(chroot + paths.BROKER_IDS)
    except NoNode:
        raise Failure(f"no {chroot}{paths.BROKER_IDS}: no Kafka cluster was here") from None
    registered: dict[int, BrokerRegistration] = {}
    for broker_id in sorted(int(name) for name in names if name.isdecimal()):
        try:
            node = await session.get(chroot + paths.broker(broker_id))
            registered[node.stat.ephemeral_owner] = znodes.decode_broker(broker_id, node)
        except NoNode:  # it left meanwhile
            continue
        except znodes.BadZnode as error:
            raise Failure(str(error)) from None
    controller = await session.exists(chroot + paths.CONTROLLER)
    its_session = controller.ephemeral_owner if controller is not None else None
    found = [
        BrokerSession(session_id, each, session_id == its_session)
        for session_id, each in registered.items()
    ]
    if its_session is not None and its_session not in registered:
        found.append(BrokerSession(its_session, None, is_controller=True))
    return found


def _row(each: BrokerSession) -> tuple[object, ...]:
    facts = _facts(each)
    registered = each.registration and datetime.fromtimestamp(
        each.registration.timestamp_ms / 1000, UTC
    ).strftime("%Y-%m-%dT%H:%M:%SZ")
    controller = "yes" if each.is_controller else "no"
    return (
        *(facts["broker"], facts["session"], facts["epoch"]),
        *(registered, facts["address"], controller),
    )


def _facts(each: BrokerSession) -> dict[str, object]:
    here = each.registration
    endpoints = here.endpoints if here is not None else ()
    return {
        "broker": here and here.broker_id,
        "session": hexadecimal(each.session_id),
        "epoch": here and here.epoch,
        "registered_ms": here and here.timestamp_ms,
        "address": f"{endpoints[0].host}:{endpoints[0].port}" if endpoints else None,
        "controller": each.is_controller,
    }
