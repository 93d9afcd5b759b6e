"""`zbroker-admin txn producers`: who wrote to a partition, and whose transaction is open in it."""

import click

from cli.client import Cluster
from cli.client.producers import ProducerState, describe_producers
from cli.commands.completing import complete_brokers
from cli.commands.naming import partition_options
from cli.commands.options import Target, cluster_options, output_option
from cli.commands.output import Answer, Table
from coordination.values import TopicPartition

COLUMNS = (
    "ProducerId",
    "ProducerEpoch",
    "LatestCoordinatorEpoch",
    "LastSequence",
    "LastTimestamp",
    "CurrentTransactionStartOffset",
)


@click.command("producers")
@partition_options
@click.option(
    "--broker-id",
    type=click.IntRange(min=0),
    metavar="ID",
    shell_complete=complete_brokers,
    help="As this broker's replica knows it, and not as the leader.",
)
@output_option(repeats=True)
@cluster_options
def command(target: Target, partition: TopicPartition, broker_id: int | None, output: str) -> None:
    """Print the producers that a partition's log remembers.

    \b
    Example: zbroker-admin txn producers orders:0
    """

    async def facts(cluster: Cluster) -> list[ProducerState]:
        return (await describe_producers(cluster, [partition], broker_id))[partition]

    found = sorted(target.ask(facts), key=lambda each: each.producer_id)
    Answer(
        facts={
            "producers": [
                {
                    "producer_id": each.producer_id,
                    "producer_epoch": each.producer_epoch,
                    "coordinator_epoch": each.coordinator_epoch,
                    "last_sequence": each.last_sequence,
                    "last_timestamp_ms": each.last_timestamp_ms,
                    "transaction_start_offset": each.transaction_start_offset,
                }
                for each in found
            ]
        },
        text=[
            Table(
                COLUMNS,
                [
                    (
                        each.producer_id,
                        each.producer_epoch,
                        each.coordinator_epoch,
                        each.last_sequence,
                        each.last_timestamp_ms,
                        "None"
                        if each.transaction_start_offset is None
                        else each.transaction_start_offset,
                    )
                    for each in found
                ],
            )
        ],
        names=[each.producer_id for each in found],
    ).print_as(output)
