"""`zbroker-admin group remove-members`: put members out of a group at once.

What a member read goes to the others. One that still runs joins again; for those that are gone
this is quicker than waiting for their session's end, and for static members it is the only way to
free their place before that.
"""

import click

from cli.client import Cluster
from cli.client.group_changes import MemberName, remove_members
from cli.client.groups import describe_group
from cli.client.outcome import Outcome
from cli.commands.group.choosing import group_option
from cli.commands.options import Failure, Target, cluster_options, output_option
from cli.commands.outcomes import error_facts, fail_for_outcomes
from cli.commands.output import Answer


@click.command("remove-members")
@group_option
@click.option("--member", "members", multiple=True, metavar="ID", help="By member id.")
@click.option(
    "--instance", "instances", multiple=True, metavar="ID", help="By group.instance.id, if static."
)
@click.option("--all", "remove_all", is_flag=True, help="All that are in the group now.")
@output_option()
@cluster_options
def command(
    target: Target,
    name: str,
    members: tuple[str, ...],
    instances: tuple[str, ...],
    remove_all: bool,
    output: str,
) -> None:
    """Remove members from a group.

    \b
    Example: zbroker-admin group remove-members test-group --instance reader-1
    """
    named = [MemberName(each) for each in members]
    named += [MemberName(group_instance_id=each) for each in instances]
    if bool(named) == remove_all:
        raise click.UsageError("give --member or --instance, or --all")

    async def remove(cluster: Cluster) -> list[Outcome[MemberName]]:
        chosen = await _everybody(cluster, name) if remove_all else named
        return await remove_members(cluster, name, chosen) if chosen else []

    outcomes = target.ask(remove)
    removed = [each.subject for each in outcomes if each.done]
    Answer(
        facts={
            "members": [
                {
                    "group": name,
                    "member_id": each.subject.member_id or None,
                    "group_instance_id": each.subject.group_instance_id,
                    **error_facts(each),
                }
                for each in outcomes
            ]
        },
        text=[f"Removed member {member} from group {name}." for member in removed],
        names=removed,
    ).print_as(output)
    fail_for_outcomes(outcomes, lambda member: f"member {str(member)!r}")


async def _everybody(cluster: Cluster, name: str) -> list[MemberName]:
    """A static member by its instance, as Kafka's admin client: its member id may just change."""
    group = await describe_group(cluster, name)
    if group is None:
        raise Failure(f"no group {name!r}")
    return [
        MemberName(group_instance_id=each.group_instance_id)
        if each.group_instance_id
        else MemberName(each.member_id)
        for each in group.members
    ]
