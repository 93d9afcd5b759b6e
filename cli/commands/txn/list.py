"""`zbroker-admin txn list`."""

import click

from cli.client import Cluster
from cli.client.transactions import TransactionListing, list_transactions
from cli.commands.options import Target, cluster_options, output_option
from cli.commands.output import Answer, Table

COLUMNS = ("TransactionalId", "Coordinator", "ProducerId", "TransactionState")


@click.command("list")
@click.option("--state", "states", multiple=True, metavar="STATE", help="As Ongoing, Empty.")
@click.option(
    "--duration-filter",
    "longer_than_ms",
    type=click.IntRange(min=0),
    metavar="MS",
    help="Only transactions that have been open for longer.",
)
@output_option(repeats=True)
@cluster_options
def command(
    target: Target, states: tuple[str, ...], longer_than_ms: int | None, output: str
) -> None:
    """Print the transactional ids that the cluster knows, and the state of each.

    \b
    Example: zbroker-admin txn list --state Ongoing
    """

    async def facts(cluster: Cluster) -> list[TransactionListing]:
        return await list_transactions(cluster, states=states, longer_than_ms=longer_than_ms)

    found = target.ask(facts)
    Answer(
        facts={
            "transactions": [
                {
                    "transactional_id": each.transactional_id,
                    "coordinator": each.coordinator_id,
                    "producer_id": each.producer_id,
                    "state": each.state,
                }
                for each in found
            ]
        },
        text=[
            Table(
                COLUMNS,
                [
                    (each.transactional_id, each.coordinator_id, each.producer_id, each.state)
                    for each in found
                ],
            )
        ],
        names=[each.transactional_id for each in found],
    ).print_as(output)
