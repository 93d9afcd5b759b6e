"""`zbroker-admin topic alter`: more partitions. Settings are changed by `config alter`.

Partitions can't be taken away. Records with a key go to other partitions afterwards than those of
the same key before: Kafka warns of that, and so do we.
"""

import click

from broker.wire.errors import ErrorCode
from cli.client import Cluster
from cli.client.outcome import Outcome
from cli.client.topic_changes import add_partitions
from cli.client.topics import partitions_of
from cli.commands.options import Target, cluster_options, output_option
from cli.commands.outcomes import error_facts, fail_for_outcomes
from cli.commands.output import Answer, say
from cli.commands.topic.choosing import chosen_topics, names_options, no_match
from cli.commands.topic.text import parse_assignment


@click.command("alter")
@names_options
@click.option(
    "-p",
    "--partitions",
    type=click.IntRange(min=1),
    required=True,
    help="How many each topic is to have.",
)
@click.option(
    "--replica-assignment",
    metavar="0:1,1:2",
    help="Brokers of each partition, also of those that are there.",
)
@click.option("--if-exists", is_flag=True, help="No error for a topic that is not there.")
@click.option("--validate-only", is_flag=True, help="Check, and change nothing.")
@output_option()
@cluster_options
def command(
    target: Target,
    names: tuple[str, ...],
    pattern: str | None,
    partitions: int,
    replica_assignment: str | None,
    if_exists: bool,
    validate_only: bool,
    output: str,
) -> None:
    """Give topics more partitions.

    \b
    Example: zbroker-admin topic alter orders -p 6
    """
    if not names and pattern is None:
        raise click.UsageError("give the TOPICs to alter")
    assignment = parse_assignment(replica_assignment) if replica_assignment else None
    say("Warning: which partition a key belongs to changes with the number of partitions.")

    async def alter(cluster: Cluster) -> list[Outcome[str]]:
        chosen = await chosen_topics(cluster, names, pattern)
        found = await partitions_of(cluster, chosen)
        # An assignment names the partitions from 0 on; those that are there are skipped.
        new = {
            name: list(assignment.values())[len(each) :]
            for name, each in found.items()
            if assignment is not None
        }
        outcomes = [
            Outcome(name, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
            for name in chosen
            if name not in found and not if_exists
        ]
        if found:
            counts = dict.fromkeys(found, partitions)
            outcomes += await add_partitions(cluster, counts, new, validate_only=validate_only)
        return outcomes

    outcomes = target.ask(alter)
    if pattern is not None and not outcomes and not if_exists:
        raise no_match(pattern)
    altered = [each.subject for each in outcomes if each.done]
    words = "could have" if validate_only else "has"
    Answer(
        facts={
            "topics": [
                {"name": each.subject, "partition_count": partitions, **error_facts(each)}
                for each in outcomes
            ]
        },
        text=[f"Topic {name} {words} {partitions} partitions." for name in altered],
        names=altered,
    ).print_as(output)
    fail_for_outcomes(outcomes, lambda topic: f"topic {topic!r}")
