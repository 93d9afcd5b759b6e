"""`zbroker-admin partition elect`: give partitions another leader.

After a broker was down its partitions are led elsewhere: a preferred election brings them back.
Where no replica in sync lives, an unclean one takes what there is: records are lost for good.
"""

from collections.abc import Sequence
from pathlib import Path

import click

from broker.wire.errors import ErrorCode
from cli.client import Cluster
from cli.client.elections import ElectionType, elect_leaders
from cli.client.outcome import Outcome
from cli.commands.completing import complete_topics
from cli.commands.options import Target, cluster_options, output_option
from cli.commands.outcomes import error_facts, fail_for_outcomes
from cli.commands.output import Answer
from cli.commands.partition.json_file import read_partitions
from coordination.values import TopicPartition

_TYPES = {each.name.lower(): each for each in ElectionType}


@click.command("elect")
@click.option(
    "--election-type",
    type=click.Choice(list(_TYPES), case_sensitive=False),
    required=True,
    help="preferred: the assignment's first replica; unclean: any that lives. Records are lost!",
)
@click.option(
    "--topic", metavar="TOPIC", shell_complete=complete_topics, help="With --partition: this one."
)
@click.option("--partition", type=click.IntRange(min=0), metavar="N")
@click.option("--all-topic-partitions", is_flag=True, help="All that need it.")
@click.option(
    "--path-to-json-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help='{"partitions": [{"topic": "orders", "partition": 0}, ..]}',
)
@output_option()
@cluster_options
def command(
    target: Target,
    election_type: str,
    topic: str | None,
    partition: int | None,
    all_topic_partitions: bool,
    path_to_json_file: Path | None,
    output: str,
) -> None:
    """Elect leaders: the preferred ones, or any where there is none.

    \b
    Example: zbroker-admin partition elect --election-type preferred --all-topic-partitions
    """
    if (topic is None) != (partition is None):
        raise click.UsageError("--topic and --partition go together")
    if (topic is not None) + all_topic_partitions + (path_to_json_file is not None) != 1:
        raise click.UsageError(
            "give --topic and --partition, --path-to-json-file, or --all-topic-partitions"
        )
    wanted: list[TopicPartition] | None = None
    if path_to_json_file is not None:
        wanted = read_partitions(path_to_json_file, "--path-to-json-file")
    elif topic is not None and partition is not None:
        wanted = [TopicPartition(topic, partition)]
    kind = _TYPES[election_type]

    async def elect(cluster: Cluster) -> list[Outcome[TopicPartition]]:
        return await elect_leaders(cluster, kind, wanted)

    outcomes = target.ask(elect)
    unneeded = [each for each in outcomes if each.code is ErrorCode.ELECTION_NOT_NEEDED]
    failed = [each for each in outcomes if not each.done and each not in unneeded]
    _answer(outcomes, unneeded, kind).print_as(output)
    # One that had the right leader before is as good as elected.
    fine = [Outcome(each.subject) for each in unneeded]
    fail_for_outcomes([*(each for each in outcomes if each.done), *fine, *failed], str)


def _answer(
    outcomes: Sequence[Outcome[TopicPartition]],
    unneeded: Sequence[Outcome[TopicPartition]],
    kind: ElectionType,
) -> Answer:
    elected = [each.subject for each in outcomes if each.done]
    text = []
    if elected:
        text.append(
            f"Successfully completed leader election ({kind.name}) for partitions "
            + ", ".join(map(str, elected))
        )
    if unneeded:
        text.append(
            "Valid replica already elected for partitions "
            + ", ".join(str(each.subject) for each in unneeded)
        )
    return Answer(
        facts={
            "partitions": [
                {
                    "topic": each.subject.topic,
                    "partition": each.subject.partition,
                    "elected": each.done,
                    **error_facts(Outcome(each.subject) if each in unneeded else each),
                }
                for each in outcomes
            ]
        },
        text=text,
        names=elected,
    )
