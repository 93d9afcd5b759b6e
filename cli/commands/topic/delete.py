"""`zbroker-admin topic delete`."""

import click

from broker.wire.errors import ErrorCode
from cli.client import Cluster
from cli.client.outcome import Outcome
from cli.client.topic_changes import delete_topics
from cli.commands.options import Target, cluster_options, output_option
from cli.commands.outcomes import error_facts, fail_for_outcomes
from cli.commands.output import Answer
from cli.commands.topic.choosing import chosen_topics, names_options, no_match


@click.command("delete")
@names_options
@click.option("--if-exists", is_flag=True, help="No error for a topic that is not there.")
@output_option()
@cluster_options
def command(
    target: Target, names: tuple[str, ...], pattern: str | None, if_exists: bool, output: str
) -> None:
    """Delete topics with all their records.

    \b
    Example: zbroker-admin topic delete orders payments
    """
    if not names and pattern is None:
        raise click.UsageError("give the TOPICs to delete")

    async def delete(cluster: Cluster) -> list[Outcome[str]]:
        chosen = await chosen_topics(cluster, names, pattern)
        return await delete_topics(cluster, chosen) if chosen else []

    outcomes = target.ask(delete)
    if pattern is not None and not outcomes and not if_exists:
        raise no_match(pattern)
    if if_exists:
        outcomes = [
            each for each in outcomes if each.code is not ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        ]
    deleted = [each.subject for each in outcomes if each.done]
    Answer(
        facts={"topics": [{"name": each.subject, **error_facts(each)} for each in outcomes]},
        text=[f"Deleted topic {name}." for name in deleted],
        names=deleted,
    ).print_as(output)
    fail_for_outcomes(outcomes, lambda topic: f"topic {topic!r}")
