"""`zbroker-admin quota describe`: the quotas of one entity, or all that there are."""

import click

from cli.client import Cluster
from cli.client.client_quotas import QuotaEntity, describe_every_quota, describe_quotas
from cli.commands.config.entity import quota_entity_options
from cli.commands.config.text import Described, quotas_answer
from cli.commands.options import Target, cluster_options, output_option


@click.command("describe")
@quota_entity_options
@output_option(repeats=True)
@cluster_options
def command(target: Target, entity: QuotaEntity | None, output: str) -> None:
    """Print the quotas of a user, client or address; without one, all quotas.

    \b
    Example: zbroker-admin quota describe --client billing
    """

    async def facts(cluster: Cluster) -> Described:
        if entity is None:
            return Described(quotas=await describe_every_quota(cluster))
        return Described(quotas=await describe_quotas(cluster, entity))

    quotas_answer(target.ask(facts)).print_as(output)
