"""`zbroker-admin log dirs move`: a replica to another log directory of its broker (KIP-113).

The broker copies it there while it is used, and then exchanges the two: `log dirs describe -o wide`
shows the future replica and how far it is behind. A move to where it lies already ends one that is
under way.
"""

import click

from cli.client import Cluster
from cli.client.log_dirs import move_replicas
from cli.client.outcome import Outcome
from cli.commands.completing import complete_brokers
from cli.commands.naming import partition_options
from cli.commands.options import Target, cluster_options, output_option
from cli.commands.outcomes import error_facts, fail_for_outcomes
from cli.commands.output import Answer
from coordination.values import TopicPartition


@click.command("move")
@partition_options
@click.option("--dir", "log_dir", required=True, metavar="DIR", help="One of its log.dirs.")
@click.option(
    "--broker",
    "broker_id",
    type=click.IntRange(min=0),
    required=True,
    metavar="ID",
    shell_complete=complete_brokers,
    help="Whose replica.",
)
@output_option()
@cluster_options
def command(
    target: Target, partition: TopicPartition, log_dir: str, broker_id: int, output: str
) -> None:
    """Begin to move a replica to another log directory of its broker.

    \b
    Example: zbroker-admin log dirs move orders:0 --broker 1 --dir /data2
    """

    async def move(cluster: Cluster) -> Outcome[TopicPartition]:
        (outcome,) = await move_replicas(cluster, broker_id, {partition: log_dir})
        return outcome

    outcome = target.ask(move)
    Answer(
        facts={
            "replicas": [
                {
                    "topic": partition.topic,
                    "partition": partition.partition,
                    "broker": broker_id,
                    "log_dir": log_dir,
                    **error_facts(outcome),
                }
            ]
        },
        text=[f"Moving {partition} on broker {broker_id} to {log_dir}."] if outcome.done else [],
        names=[partition] if outcome.done else [],
    ).print_as(output)
    fail_for_outcomes([outcome], lambda each: f"{each} on broker {broker_id}")
