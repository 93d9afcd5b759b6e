"""`zbroker-admin topic list`."""

import click

from cli.client.topics import list_topics
from cli.commands.options import Target, cluster_options, output_option
from cli.commands.output import Answer, Table
from cli.commands.topic.choosing import exclude_internal_option
from coordination.znodes import topic_id_text

COLUMNS = ("TOPIC", "PARTITIONS", "REPLICATION-FACTOR", "INTERNAL")


@click.command("list")
@exclude_internal_option
@output_option(default="name", repeats=True)
@cluster_options
def command(target: Target, exclude_internal: bool, output: str) -> None:
    """Print the names of all topics.

    \b
    Example: zbroker-admin topic list -b 127.0.0.1:9092
    """
    topics = [each for each in target.ask(list_topics) if not (each.internal and exclude_internal)]
    rows = [
        (each.name, each.partition_count, each.replication_factor, "yes" if each.internal else "no")
        for each in topics
    ]
    ids = [topic_id_text(each.topic_id) for each in topics]
    Answer(
        facts={
            "topics": [
                {
                    "name": each.name,
                    "topic_id": topic_id,
                    "internal": each.internal,
                    "partition_count": each.partition_count,
                    "replication_factor": each.replication_factor,
                }
                for each, topic_id in zip(topics, ids, strict=True)
            ]
        },
        text=[Table(COLUMNS, rows)],
        wide=[
            Table(
                (*COLUMNS, "TOPIC-ID"),
                [(*row, topic_id) for row, topic_id in zip(rows, ids, strict=True)],
            )
        ],
        names=[each.name for each in topics],
    ).print_as(output)
