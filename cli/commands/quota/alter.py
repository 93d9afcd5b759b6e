"""`zbroker-admin quota alter`: set and delete quotas of one entity, all of them or none."""

from typing import Any

import click

from cli.client.client_quotas import QuotaEntity
from cli.commands.config.altering import alter_entity, change_options
from cli.commands.config.entity import quota_entity_options
from cli.commands.options import Target, cluster_options, output_option


@click.command("alter")
@quota_entity_options
@change_options
@output_option()
@cluster_options
def command(target: Target, entity: QuotaEntity | None, **changes: Any) -> None:
    """Change what a user, client or address may use.

    \b
    Example: zbroker-admin quota alter --client billing --add-config producer_byte_rate=1048576
    """
    if entity is None:
        raise click.UsageError("give the entity to alter, such as --client CLIENT-ID")
    alter_entity(target, entity, **changes)
