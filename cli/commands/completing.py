"""Names that a shell completes: asked of the cluster that the line names so far.

Somebody waits for the TAB: a cluster that does not answer within a second completes nothing, and
says nothing, for the shell would print it into the line.
"""

from collections.abc import Awaitable, Callable, Sequence

import click

from cli.client import Cluster
from cli.client.groups import list_groups
from cli.client.topics import topic_names
from cli.commands.options import target_of

TIMEOUT_SECONDS = 1.0

Complete = Callable[[click.Context, click.Parameter, str], list[str]]


def _names(question: Callable[[Cluster], Awaitable[Sequence[str]]]) -> Complete:
    def complete(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
        given = context.params
        try:
            target = target_of(
                given.get("bootstrap_server"),
                given.get("context"),
                given.get("command_config") or given.get("admin_config"),
                TIMEOUT_SECONDS,
            )
            names = target.ask(question)
        except click.ClickException:
            return []
        return [name for name in names if name.startswith(incomplete)]

    return complete


async def _groups(cluster: Cluster) -> list[str]:
    return [each.group_id for each in await list_groups(cluster)]


async def _brokers(cluster: Cluster) -> list[str]:
    return [str(broker_id) for broker_id in sorted(await cluster.brokers())]


complete_topics = _names(topic_names)
complete_groups = _names(_groups)
complete_brokers = _names(_brokers)
