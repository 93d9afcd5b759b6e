"""Configurations of topics, brokers and loggers, and changing some of their names.

A topic's and the cluster-wide default for brokers are known to every broker; a broker's own, with
its server.properties, and the levels of its loggers only to itself. So a question about several
resources is one request for each broker that has to be asked, and so is a change.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum

import attrs

from broker.wire.errors import ErrorCode
from broker.wire.messages.describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
    DescribeConfigsResourceResult,
    DescribeConfigsResponse,
    DescribeConfigsResult,
)
from broker.wire.messages.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    AlterConfigsResourceResponse,
    IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
)
from cli.client.cluster import Cluster
from cli.client.connection import Connection
from cli.client.errors import RequestFailed
from cli.client.outcome import Outcome, outcome_of


class ResourceType(IntEnum):
    """What has a configuration: ConfigResource.Type."""

    TOPIC = 2
    BROKER = 4
    BROKER_LOGGER = 8


class Source(IntEnum):
    """Where a value comes from: DescribeConfigsResponse.ConfigSource."""

    UNKNOWN = 0
    DYNAMIC_TOPIC_CONFIG = 1
    DYNAMIC_BROKER_CONFIG = 2
    DYNAMIC_DEFAULT_BROKER_CONFIG = 3
    STATIC_BROKER_CONFIG = 4
    DEFAULT_CONFIG = 5
    DYNAMIC_BROKER_LOGGER_CONFIG = 6


class Operation(IntEnum):
    """What to do with one name: AlterConfigOp.OpType."""

    SET = 0
    DELETE = 1


@attrs.frozen
class Resource:
    """A topic by name, a broker or its loggers by id; BROKER "" is the default for all brokers."""

    kind: ResourceType
    name: str

    def __str__(self) -> str:
        if self == ALL_BROKERS:
            return "the brokers' default"
        return f"{self.kind.name.lower().replace('_', ' ')} {self.name!r}"


ALL_BROKERS = Resource(ResourceType.BROKER, "")


@attrs.frozen
class Synonym:
    """One of the places that a value was looked for in, the first that has it wins."""

    name: str
    value: str | None
    source: Source


@attrs.frozen
class ConfigEntry:
    """One name; `value` is None if it is secret, or unset. Synonyms only if asked for."""

    name: str
    value: str | None
    source: Source
    is_read_only: bool
    is_sensitive: bool
    synonyms: tuple[Synonym, ...]


@attrs.frozen
class Change:
    """One name of one resource to set or to delete."""

    name: str
    operation: Operation
    value: str | None = None


async def describe_configs(
    cluster: Cluster, resources: Sequence[Resource]
) -> dict[Resource, tuple[ConfigEntry, ...]]:
    """The configuration of each resource, in the broker's order of names.

    A topic that is not there is left out; any other error is raised.
    """
    described: dict[Resource, tuple[ConfigEntry, ...]] = {}
    for broker_id, asked in _by_broker(resources).items():
        for result in await _results(cluster, broker_id, asked):
            resource = Resource(ResourceType(result.resource_type), result.resource_name)
            if result.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
                continue
            if result.error_code:
                raise RequestFailed(
                    f"configs of {resource}", ErrorCode.of(result.error_code), result.error_message
                )
            described[resource] = tuple(map(_entry, result.configs))
    return {each: described[each] for each in resources if each in described}


async def alter_configs(
    cluster: Cluster, changes: Mapping[Resource, Sequence[Change]]
) -> list[Outcome[Resource]]:
    """Change some names of each resource; all of a resource's names change, or none."""
    outcomes: list[Outcome[Resource]] = []
    for broker_id, resources in _by_broker(changes).items():
        wanted = {resource: changes[resource] for resource in resources}
        for result in await _altered(cluster, broker_id, wanted):
            resource = Resource(ResourceType(result.resource_type), result.resource_name)
            outcomes.append(
                outcome_of(resource, str(resource), result.error_code, result.error_message)
            )
    return outcomes


def _by_broker(resources: Iterable[Resource]) -> dict[int | None, list[Resource]]:
    """Whom to ask about which resources; None is any broker."""
    asked: dict[int | None, list[Resource]] = defaultdict(list)
    for each in resources:
        is_any = each.kind is ResourceType.TOPIC or each == ALL_BROKERS
        asked[None if is_any else int(each.name)].append(each)
    return asked


async def _asked(cluster: Cluster, broker_id: int | None) -> Connection:
    return await (cluster.any_broker() if broker_id is None else cluster.broker(broker_id))


async def _results(
    cluster: Cluster, broker_id: int | None, resources: Sequence[Resource]
) -> Sequence[DescribeConfigsResult]:
    request = DescribeConfigsRequest(
        resources=[
            DescribeConfigsResource(
                resource_type=each.kind, resource_name=each.name, configuration_keys=None
            )
            for each in resources
        ],
        include_synonyms=True,
    )

    async def ask() -> Sequence[DescribeConfigsResult]:
        broker = await _asked(cluster, broker_id)
        return (await broker.call(request, DescribeConfigsResponse, needs=1)).results

    return await cluster.retrying(ask)


async def _altered(
    cluster: Cluster, broker_id: int | None, changes: Mapping[Resource, Sequence[Change]]
) -> Sequence[AlterConfigsResourceResponse]:
    request = IncrementalAlterConfigsRequest(
        resources=[
            AlterConfigsResource(
                resource_type=resource.kind,
                resource_name=resource.name,
                configs=[
                    AlterableConfig(
                        name=change.name, config_operation=change.operation, value=change.value
                    )
                    for change in each
                ],
            )
            for resource, each in changes.items()
        ]
    )

    async def change() -> Sequence[AlterConfigsResourceResponse]:
        broker = await _asked(cluster, broker_id)
        return (await broker.call(request, IncrementalAlterConfigsResponse)).responses

    return await cluster.retrying(change, repeatable=False)


def _entry(config: DescribeConfigsResourceResult) -> ConfigEntry:
    return ConfigEntry(
        config.name,
        config.value,
        _source(config.config_source),
        config.read_only,
        config.is_sensitive,
        tuple(Synonym(each.name, each.value, _source(each.source)) for each in config.synonyms),
    )


def _source(number: int) -> Source:
    """A source that only newer brokers know is unknown."""
    return Source(number) if number in set(Source) else Source.UNKNOWN
