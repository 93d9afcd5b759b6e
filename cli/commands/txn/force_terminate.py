"""`zbroker-admin txn force-terminate`: fence a transactional id, and abort what it has open.

Through its coordinator, so in all partitions and as if the id's next producer had come; `abort` is
for what no coordinator knows. An application that is alive ends with PRODUCER_FENCED: that is why
it asks first.
"""

import click

from cli.client import Cluster
from cli.client.fencing import Fenced, fence
from cli.client.transactions import TransactionDescription, describe_transaction
from cli.commands.confirming import confirm, yes_option
from cli.commands.options import Failure, Target, cluster_options, output_option
from cli.commands.output import Answer

ONGOING = "Ongoing"


@click.command("force-terminate")
@click.argument("transactional_id", metavar="TRANSACTIONAL-ID")
@yes_option
@output_option()
@cluster_options
def command(target: Target, transactional_id: str, yes: bool, output: str) -> None:
    """Fence the producers of a transactional id, and abort the transaction that it has open.

    \b
    Example: zbroker-admin txn force-terminate payments-1 --yes
    """

    async def describe(cluster: Cluster) -> TransactionDescription | None:
        return await describe_transaction(cluster, transactional_id)

    # One that nobody uses is not to be made by ending it.
    before = target.ask(describe)
    if before is None:
        raise Failure(f"no transactional id {transactional_id!r}")
    confirm(f"{_story(before)} Fence its producers?", yes=yes)

    async def terminate(cluster: Cluster) -> Fenced:
        return await fence(cluster, before)

    fenced = target.ask(terminate)
    aborted = " and aborted its transaction" if before.state == ONGOING else ""
    Answer(
        facts={
            "terminated": {
                "transactional_id": transactional_id,
                "coordinator": fenced.coordinator_id,
                "state_before": before.state,
                "producer_id": fenced.producer_id,
                "producer_epoch": fenced.producer_epoch,
            }
        },
        text=[
            f"Fenced the producers of {transactional_id}{aborted}: "
            f"it is at producer id {fenced.producer_id}, epoch {fenced.producer_epoch}."
        ],
        names=[transactional_id],
    ).print_as(output)


def _story(before: TransactionDescription) -> str:
    """What will be ended."""
    where = ", ".join(map(str, before.partitions))
    return f"{before.transactional_id} is {before.state}" + (f" in {where}." if where else ".")
