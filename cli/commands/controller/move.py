"""`zbroker-admin controller move`: another election, by deleting /controller.

    ask        who is elected, and in which epoch; then the user, whether it shall be
    delete     /controller, only while the epoch is still that one
    wait       until somebody is elected with a later epoch

There is no request for this: operators of Kafka delete the znode, and the brokers race for it as
they do when a controller dies. The one that was elected before may win again. The old controller
does nothing more, even if it learns late: its writes check the epoch's version (KAFKA-6082).
"""

import click

from cli.client.changes import Changes
from cli.commands.confirming import confirm, yes_option
from cli.commands.controller.show import Elected, elected
from cli.commands.options import Exit, Failure, output_option
from cli.commands.output import Answer
from cli.commands.zookeeper import ZooKeeper, zookeeper_options
from coordination import znodes
from coordination.store import BadVersion, Check, Delete, MultiFailed, NoNode, Session
from coordination.subscriptions import until_change
from coordination.znodes import paths

MOVED_MEANWHILE = "another controller has been elected meanwhile"


@click.command("move")
@yes_option
@output_option()
@zookeeper_options
def command(zookeeper: ZooKeeper, yes: bool, output: str) -> None:
    """Have another controller elected: delete /controller, and wait for who is next.

    Any broker may win, the old controller, too. Exit code 4 if none is elected now.

    \b
    Example: zbroker-admin controller move --zookeeper 127.0.0.1:2181 --yes
    """

    async def who(session: Session) -> Elected | None:
        return await elected(session, zookeeper.chroot)

    before = zookeeper.ask(who)
    if before is None:
        raise Failure("no controller is elected", Exit.NOT_MET)
    confirm(f"Depose broker {before.broker_id}, controller of epoch {before.epoch}?", yes=yes)

    changes = Changes()

    async def move(session: Session) -> Elected:
        await depose(session, zookeeper.chroot, before.epoch)
        changes.note(f"deletion of {paths.CONTROLLER}")
        return await next_controller(session, zookeeper.chroot, before.epoch)

    after = zookeeper.ask(move, changes=changes)
    again = " again" if after.broker_id == before.broker_id else ""
    Answer(
        facts={"before": _facts(before), "after": _facts(after)},
        text=[
            f"Deposed: broker {before.broker_id}, epoch {before.epoch}",
            f"Elected: broker {after.broker_id}{again}, epoch {after.epoch}",
        ],
        names=[after.broker_id],
    ).print_as(output)


async def depose(session: Session, chroot: str, epoch: int) -> None:
    """Delete /controller, which must be that of this epoch."""
    try:
        node = await session.get(chroot + paths.CONTROLLER_EPOCH)
        if znodes.decode_controller_epoch(node) != epoch:
            raise Failure(MOVED_MEANWHILE)
        await session.multi(
            [
                Check(chroot + paths.CONTROLLER_EPOCH, node.stat.version),
                Delete(chroot + paths.CONTROLLER),
            ]
        )
    except MultiFailed as failed:
        if isinstance(failed.error, BadVersion | NoNode):
            raise Failure(MOVED_MEANWHILE) from None
        raise


async def next_controller(session: Session, chroot: str, epoch: int) -> Elected:
    """Wait for a controller of a later epoch."""
    with session.subscribe() as events:
        while True:
            # The watch first: from here on we hear of every change
            await session.exists(chroot + paths.CONTROLLER, watch=True)
            found = await elected(session, chroot)
            if found is not None and found.epoch > epoch:
                return found
            await until_change(events, chroot + paths.CONTROLLER)


def _facts(each: Elected) -> dict[str, object]:
    return {
        "broker": each.broker_id,
        "address": each.address,
        "since_ms": each.since_ms,
        "epoch": each.epoch,
    }
