"""`zbroker-admin group delete-offsets`: forget how far a group has read topics that it left."""

import click

from cli.client import Cluster
from cli.client.group_changes import delete_offsets
from cli.client.outcome import Outcome
from cli.commands.group.choosing import group_option
from cli.commands.group.partitions import look_up
from cli.commands.naming import parse_topics
from cli.commands.options import Target, cluster_options, output_option
from cli.commands.outcomes import error_facts, fail_for_outcomes
from cli.commands.output import Answer, Table
from coordination.values import TopicPartition


@click.command("delete-offsets")
@group_option
@click.option(
    "--topic", "topics", multiple=True, required=True, metavar="TOPIC[:0,2,..]", help="Which ones."
)
@output_option()
@cluster_options
def command(target: Target, name: str, topics: tuple[str, ...], output: str) -> None:
    """Forget a group's offsets of topics that its members don't read.

    \b
    Example: zbroker-admin group delete-offsets test-group --topic orders:0,2
    """
    chosen = parse_topics(topics)

    async def delete(cluster: Cluster) -> list[Outcome[TopicPartition]]:
        outcomes = await delete_offsets(cluster, name, await look_up(cluster, chosen))
        return sorted(outcomes, key=lambda each: (each.subject.topic, each.subject.partition))

    outcomes = target.ask(delete)
    Answer(
        facts={
            "offsets": [
                {
                    "group": name,
                    "topic": each.subject.topic,
                    "partition": each.subject.partition,
                    **error_facts(each),
                }
                for each in outcomes
            ]
        },
        text=[
            Table(
                ("TOPIC", "PARTITION", "STATUS"),
                [
                    (
                        each.subject.topic,
                        each.subject.partition,
                        "Successful" if each.done else f"Error: {each.code.name}",
                    )
                    for each in outcomes
                ],
            )
        ],
        names=[str(each.subject) for each in outcomes if each.done],
    ).print_as(output)
    fail_for_outcomes(outcomes, str)
