"""`zbroker-admin txn abort`: end a transaction that hangs, in one partition.

Its marker is written past the coordinator. For a transaction that does not hang this is wrong: the
coordinator may commit it in other partitions. So it is named by where it begins, as `find-hanging`
tells it, and one must have looked.
"""

import click

from cli.client import Cluster
from cli.client.producers import abort_transaction, describe_producers
from cli.commands.naming import partition_options
from cli.commands.options import Failure, Target, cluster_options, output_option
from cli.commands.output import Answer
from coordination.values import TopicPartition


@click.command("abort")
@partition_options
@click.option(
    "--start-offset",
    type=click.IntRange(min=0),
    required=True,
    metavar="OFFSET",
    help="Where the transaction begins in the partition.",
)
@output_option()
@cluster_options
def command(target: Target, partition: TopicPartition, start_offset: int, output: str) -> None:
    """Abort a hanging transaction in one partition.

    \b
    Example: zbroker-admin txn abort orders:0 --start-offset 1234
    """

    async def abort(cluster: Cluster) -> int:
        producers = (await describe_producers(cluster, [partition]))[partition]
        for each in producers:
            if each.transaction_start_offset == start_offset:
                await abort_transaction(cluster, partition, each)
                return each.producer_id
        raise Failure(f"no open transaction begins at {start_offset} in {partition}")

    producer_id = target.ask(abort)
    Answer(
        facts={
            "aborted": {
                "topic": partition.topic,
                "partition": partition.partition,
                "start_offset": start_offset,
                "producer_id": producer_id,
            }
        },
        text=[f"Aborted the transaction of producer {producer_id} in {partition}."],
        names=[producer_id],
    ).print_as(output)
