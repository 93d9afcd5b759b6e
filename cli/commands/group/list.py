"""`zbroker-admin group list`."""

import click
from click.core import ParameterSource

from cli.client import Cluster
from cli.client.groups import GroupListing, list_groups
from cli.commands.options import Target, cluster_options, output_option
from cli.commands.output import Answer, Table


@click.command("list")
@click.option(
    "--state",
    "states",
    is_flag=False,
    flag_value="",
    metavar="[STATE,..]",
    help="With the state of each group; only those in one of these states.",
)
@click.option(
    "--type",
    "types",
    is_flag=False,
    flag_value="",
    metavar="[TYPE,..]",
    help="With the type of each group, classic or consumer; only those of one of these types.",
)
@output_option(default="name", repeats=True)
@cluster_options
@click.pass_context
def command(
    context: click.Context, target: Target, states: str | None, types: str | None, output: str
) -> None:
    """Print the names of all consumer groups.

    \b
    Example: zbroker-admin group list --state Empty,Stable
    """

    async def facts(cluster: Cluster) -> list[GroupListing]:
        return await list_groups(cluster, states=_words(states), types=_words(types))

    groups = target.ask(facts)
    chosen = context.get_parameter_source("output") is not ParameterSource.DEFAULT
    if not chosen and (states is not None or types is not None):
        output = "table"  # who asks for more columns wants to see them
    columns = ["GROUP"]
    if types is not None:
        columns.append("TYPE")
    if states is not None or types is None:
        columns.append("STATE")

    def table(*columns: str) -> Table:
        return Table(columns, [[_cell(each, column) for column in columns] for each in groups])

    Answer(
        facts={
            "groups": [
                {
                    "group": each.group_id,
                    "state": each.state,
                    "type": each.kind,
                    "protocol_type": each.protocol_type,
                }
                for each in groups
            ]
        },
        text=[table(*columns)],
        wide=[table("GROUP", "TYPE", "STATE", "PROTOCOL")],
        names=[each.group_id for each in groups],
    ).print_as(output)


def _cell(group: GroupListing, column: str) -> str | None:
    """As Kafka's tool writes it, types with a capital letter."""
    cells = {
        "GROUP": group.group_id,
        "TYPE": group.kind.capitalize(),
        "STATE": group.state,
        "PROTOCOL": group.protocol_type,
    }
    return cells[column] or None


def _words(text: str | None) -> list[str]:
    """The words of `Stable,Empty`; none ask for all."""
    return [word.strip() for word in (text or "").split(",") if word.strip()]
