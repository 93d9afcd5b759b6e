"""`zbroker-admin config describe`: settings with where they come from, and quotas.

By itself it shows what was set for this entity; with `--all` also what it has from elsewhere: from
all brokers, from a server.properties, or built in. `synonyms` are those places in the order in
which they are asked: the first that has a value wins.
"""

from collections.abc import Sequence

import click

from cli.client import Cluster
from cli.client.client_quotas import (
    CLIENT_ID,
    IP,
    USER,
    describe_all_quotas,
    describe_quotas,
)
from cli.client.configs import (
    ALL_BROKERS,
    ConfigEntry,
    Resource,
    ResourceType,
    Source,
    describe_configs,
)
from cli.client.topics import topic_names
from cli.commands.config.entity import Entity, entity_options
from cli.commands.config.text import Described, described_answer
from cli.commands.options import Failure, Target, cluster_options, output_option

# Where the settings come from that were made for the entity itself; a logger's are all its own.
_OWN_SOURCE = {
    ResourceType.TOPIC: Source.DYNAMIC_TOPIC_CONFIG,
    ResourceType.BROKER: Source.DYNAMIC_BROKER_CONFIG,
}
# --entity-type: a kind of resources, or of quota entities.
_TYPES: dict[str, ResourceType | str] = {
    "topics": ResourceType.TOPIC,
    "brokers": ResourceType.BROKER,
    "broker-loggers": ResourceType.BROKER_LOGGER,
    "users": USER,
    "clients": CLIENT_ID,
    "ips": IP,
}


@click.command("describe")
@entity_options
@click.option("--entity-type", type=click.Choice(list(_TYPES)), help="All entities of this type.")
@click.option("--all", "show_all", is_flag=True, help="Also what was not set for this entity.")
@output_option(repeats=True)
@cluster_options
def command(
    target: Target, entity: Entity | None, entity_type: str | None, show_all: bool, output: str
) -> None:
    """Print settings of a topic or broker, or quotas of a user, client or address.

    The text is that of kafka-configs.sh --describe.

    \b
    Example: zbroker-admin config describe --topic orders --all
    """
    if (entity is None) == (entity_type is None):
        raise click.UsageError("give an entity such as --topic TOPIC, or an --entity-type for all")

    async def facts(cluster: Cluster) -> Described:
        if entity_type is not None:
            return await _all(cluster, _TYPES[entity_type])
        if isinstance(entity, Resource):
            return Described(configs=await describe_configs(cluster, [entity]))
        assert entity is not None
        return Described(quotas=await describe_quotas(cluster, entity))

    found = target.ask(facts)
    if isinstance(entity, Resource) and not found.configs:
        raise Failure(f"no {entity}")
    shown = Described(
        {resource: _shown(resource, each, show_all) for resource, each in found.configs.items()},
        found.quotas,
    )
    described_answer(shown, show_all).print_as(output)


async def _all(cluster: Cluster, kind: ResourceType | str) -> Described:
    if isinstance(kind, str):
        return Described(quotas=await describe_all_quotas(cluster, kind))
    if kind is ResourceType.TOPIC:
        names = await topic_names(cluster)
    else:
        names = [str(broker_id) for broker_id in sorted(await cluster.brokers())]
    resources = [Resource(kind, name) for name in names]
    if kind is ResourceType.BROKER:
        resources.append(ALL_BROKERS)
    return Described(configs=await describe_configs(cluster, resources))


def _shown(
    resource: Resource, entries: Sequence[ConfigEntry], show_all: bool
) -> Sequence[ConfigEntry]:
    own = _OWN_SOURCE.get(resource.kind)
    if resource == ALL_BROKERS:
        own = Source.DYNAMIC_DEFAULT_BROKER_CONFIG
    return sorted(
        (each for each in entries if show_all or own is None or each.source is own),
        key=lambda each: each.name,
    )
