"""`zbroker-admin partition reassign list`."""

import click

from cli.client import Cluster
from cli.client.reassignments import Reassignment, list_reassignments
from cli.commands.options import Target, cluster_options, output_option
from cli.commands.output import Answer
from cli.commands.partition.reassign.plan import by_name
from coordination.values import TopicPartition


@click.command("list")
@output_option(repeats=True)
@cluster_options
def command(target: Target, output: str) -> None:
    """Print which partitions are being moved to other brokers.

    \b
    Example: zbroker-admin partition reassign list
    """

    async def facts(cluster: Cluster) -> dict[TopicPartition, Reassignment]:
        return await list_reassignments(cluster)

    moves = target.ask(facts)
    partitions = by_name(moves)
    lines = ["No partition reassignments found."]
    if moves:
        lines = ["Current partition reassignments:"]
        lines += [_line(each, moves[each]) for each in partitions]
    Answer(
        facts={
            "reassignments": [
                {
                    "topic": each.topic,
                    "partition": each.partition,
                    "replicas": moves[each].replicas,
                    "adding_replicas": moves[each].adding,
                    "removing_replicas": moves[each].removing,
                }
                for each in partitions
            ]
        },
        text=lines,
        names=partitions,
    ).print_as(output)


def _line(partition: TopicPartition, move: Reassignment) -> str:
    line = f"{partition}: replicas: {_ids(move.replicas)}."
    if move.adding:
        line += f" adding: {_ids(move.adding)}."
    if move.removing:
        line += f" removing: {_ids(move.removing)}."
    return line


def _ids(broker_ids: tuple[int, ...]) -> str:
    return ",".join(map(str, broker_ids))
