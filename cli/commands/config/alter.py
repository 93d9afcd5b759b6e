"""`zbroker-admin config alter`: set and delete settings of one entity, all of them or none."""

from typing import Any

import click

from cli.commands.config.altering import alter_entity, change_options
from cli.commands.config.entity import Entity, entity_options
from cli.commands.options import Target, cluster_options, output_option


@click.command("alter")
@entity_options
@change_options
@output_option()
@cluster_options
def command(target: Target, entity: Entity | None, **changes: Any) -> None:
    """Change settings of a topic or broker, or quotas of a user, client or address.

    \b
    Example: zbroker-admin config alter --topic orders --add-config retention.ms=60000
    """
    if entity is None:
        raise click.UsageError("give the entity to alter, such as --topic TOPIC")
    alter_entity(target, entity, **changes)
