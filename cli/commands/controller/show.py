"""`zbroker-admin controller show`: who is elected, since when, and for which time.

Brokers say who the controller is as they were told last (`cluster describe`), of its epoch nothing.
ZooKeeper has both: `/controller` belongs to the session of whoever won, and is gone when that is
over; `/controller_epoch` counts the elections.
"""

from datetime import UTC, datetime

import attrs
import click

from cli.commands.options import Exit, Failure, output_option
from cli.commands.output import Answer
from cli.commands.zookeeper import ZooKeeper, zookeeper_options
from coordination import znodes
from coordination.store import NoNode, Session
from coordination.znodes import paths


@attrs.frozen
class Elected:
    """The controller now; its address is None if it has left `/brokers/ids`."""

    broker_id: int
    address: str | None
    since_ms: int
    epoch: int


@click.command("show")
@output_option(repeats=True)
@zookeeper_options
def command(zookeeper: ZooKeeper, output: str) -> None:
    """Print the elected controller, since when, and its epoch; exit code 4 if there is none.

    \b
    Example: zbroker-admin controller show --zookeeper 127.0.0.1:2181
    """

    async def question(session: Session) -> Elected | None:
        return await elected(session, zookeeper.chroot)

    found = zookeeper.ask(question)
    if found is None:
        raise Failure("no controller is elected", Exit.NOT_MET)
    since = datetime.fromtimestamp(found.since_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    where = "not registered" if found.address is None else found.address
    Answer(
        facts={
            "broker": found.broker_id,
            "address": found.address,
            "since_ms": found.since_ms,
            "epoch": found.epoch,
        },
        text=[
            f"Controller: broker {found.broker_id} ({where}), epoch {found.epoch}, since {since}"
        ],
        names=[found.broker_id],
    ).print_as(output)


async def elected(session: Session, chroot: str) -> Elected | None:
    """What the three znodes say; None if nobody is elected."""
    try:
        controller = znodes.decode_controller(await session.get(chroot + paths.CONTROLLER))
        epoch = znodes.decode_controller_epoch(await session.get(chroot + paths.CONTROLLER_EPOCH))
    except NoNode:
        return None
    except znodes.BadZnode as error:
        raise Failure(str(error)) from None
    return Elected(
        controller.broker_id,
        await _address(session, chroot, controller.broker_id),
        controller.timestamp_ms,
        epoch,
    )


async def _address(session: Session, chroot: str, broker_id: int) -> str | None:
    """The first of the broker's listeners."""
    try:
        node = await session.get(chroot + paths.broker(broker_id))
        endpoints = znodes.decode_broker(broker_id, node).endpoints
    except (NoNode, znodes.BadZnode):
        return None
    return f"{endpoints[0].host}:{endpoints[0].port}" if endpoints else None
