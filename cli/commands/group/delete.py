"""`zbroker-admin group delete`."""

import click

from cli.client import Cluster, RequestFailed
from cli.client.group_changes import delete_group
from cli.client.outcome import Outcome
from cli.commands.group.choosing import groups_options
from cli.commands.options import Target, cluster_options, output_option
from cli.commands.outcomes import error_facts, fail_for_outcomes
from cli.commands.output import Answer


@click.command("delete")
@groups_options
@output_option()
@cluster_options
def command(target: Target, names: list[str], output: str) -> None:
    """Delete groups that have no members, with their offsets.

    \b
    Example: zbroker-admin group delete test-group
    """
    if not names:
        raise click.UsageError("give the GROUPs to delete")

    async def delete(cluster: Cluster) -> list[Outcome[str]]:
        return [await _deleted(cluster, name) for name in names]

    outcomes = target.ask(delete)
    deleted = [each.subject for each in outcomes if each.done]
    Answer(
        facts={"groups": [{"group": each.subject, **error_facts(each)} for each in outcomes]},
        text=[f"Deleted group {name}." for name in deleted],
        names=deleted,
    ).print_as(output)
    fail_for_outcomes(outcomes, lambda name: f"group {name!r}")


async def _deleted(cluster: Cluster, name: str) -> Outcome[str]:
    try:
        return await delete_group(cluster, name)
    except RequestFailed as error:  # of this one; others are deleted, or will be
        return Outcome(name, error.code)
