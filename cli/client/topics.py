"""Topics as an operator asks about them: listed, described, created, deleted.

Questions go to any broker (each has the controller's last UpdateMetadata, so a
topic that was created a moment ago may be missing on one of them); changes go
to the controller.

A change of several topics has an outcome for each: `TopicOutcome`. Nothing is
rolled back when one of them fails.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import attrs

from broker.wire.errors import ErrorCode
from broker.wire.messages.create_topics import (
    CreatableReplicaAssignment,
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
    CreateTopicsResponse,
)
from broker.wire.messages.delete_topics import (
    DeleteTopicsRequest,
    DeleteTopicsResponse,
    DeleteTopicState,
)
from broker.wire.messages.describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
    DescribeConfigsResponse,
)
from broker.wire.messages.metadata import (
    MetadataRequest,
    MetadataRequestTopic,
    MetadataResponse,
    MetadataResponsePartition,
)
from cli.client.cluster import Cluster
from cli.client.errors import RequestFailed

TOPIC_RESOURCE = 2  # ConfigResource.Type.TOPIC
DEFAULT_CONFIG_SOURCE = 5  # DescribeConfigsResponse.ConfigSource.DEFAULT_CONFIG

# -1 leaves the number to the broker: num.partitions, default.replication.factor (KIP-464).
BROKER_DEFAULT = -1

# How long the controller may wait for brokers to take the change over before it answers
# REQUEST_TIMED_OUT; Kafka's tools send their request.timeout.ms, 30 s.
CHANGE_TIMEOUT_MS = 30_000


@attrs.frozen
class PartitionDescription:
    """One partition; `leader` is None while it has none."""

    partition: int
    leader: int | None
    leader_epoch: int
    replicas: tuple[int, ...]
    isr: tuple[int, ...]
    offline_replicas: tuple[int, ...]

    @property
    def under_replicated(self) -> bool:
        return len(self.isr) < len(self.replicas)


@attrs.frozen
class TopicDescription:
    """One topic; `configs` are those that are not the built-in default, in the broker's order."""

    name: str
    topic_id: UUID
    internal: bool
    partitions: tuple[PartitionDescription, ...]
    configs: Mapping[str, str]

    @property
    def replication_factor(self) -> int:
        """Of the first partition, as Kafka's tool says it; partitions may differ."""
        return len(self.partitions[0].replicas) if self.partitions else 0


@attrs.frozen
class NewTopic:
    """A topic to create; `assignment` (partition -> replicas) excludes the two numbers."""

    name: str
    partitions: int = BROKER_DEFAULT
    replication_factor: int = BROKER_DEFAULT
    assignment: Mapping[int, Sequence[int]] = attrs.field(factory=dict)
    configs: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen
class TopicOutcome:
    """What became of one topic of a change: code NONE, or why not."""

    name: str
    code: ErrorCode
    message: str | None

    @property
    def done(self) -> bool:
        return self.code is ErrorCode.NONE

    @property
    def reason(self) -> str:
        return self.code.name + (f": {self.message}" if self.message else "")


async def topic_names(cluster: Cluster) -> list[str]:
    """The names of all topics, sorted, internal ones too."""
    return [name for name, _ in await list_topics(cluster)]


async def list_topics(cluster: Cluster) -> list[tuple[str, bool]]:
    """(name, internal) of every topic, sorted by name."""
    metadata = await _metadata(cluster, None)
    return sorted((topic.name or "", topic.is_internal) for topic in metadata.topics)


async def describe_topics(cluster: Cluster, names: Sequence[str]) -> list[TopicDescription]:
    """The topics of these names that exist, in the given order, with their configs."""
    if not names:
        return []
    metadata = await _metadata(cluster, names)
    found = {topic.name: topic for topic in metadata.topics}
    for topic in metadata.topics:
        if topic.error_code not in (
            ErrorCode.NONE,
            ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
            ErrorCode.LEADER_NOT_AVAILABLE,
        ):
            raise RequestFailed(f"topic {topic.name!r}", ErrorCode.of(topic.error_code))
    existing = [
        name
        for name in names
        if name in found and found[name].error_code != ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    ]
    configs = await _configs(cluster, existing)
    return [
        TopicDescription(
            name,
            found[name].topic_id,
            found[name].is_internal,
            tuple(sorted(map(_partition, found[name].partitions), key=lambda each: each.partition)),
            configs.get(name, {}),
        )
        for name in existing
    ]


async def create_topic(
    cluster: Cluster, topic: NewTopic, *, validate_only: bool = False
) -> TopicOutcome:
    """Create one topic at the controller."""
    request = CreateTopicsRequest(
        topics=[
            CreatableTopic(
                name=topic.name,
                num_partitions=BROKER_DEFAULT if topic.assignment else topic.partitions,
                replication_factor=BROKER_DEFAULT if topic.assignment else topic.replication_factor,
                assignments=[
                    CreatableReplicaAssignment(partition_index=partition, broker_ids=list(replicas))
                    for partition, replicas in topic.assignment.items()
                ],
                configs=[
                    CreatableTopicConfig(name=name, value=value)
                    for name, value in topic.configs.items()
                ],
            )
        ],
        timeout_ms=CHANGE_TIMEOUT_MS,
        validate_only=validate_only,
    )

    async def create() -> TopicOutcome:
        controller = await cluster.controller()
        answer = await controller.call(request, CreateTopicsResponse, needs=4)
        result = answer.topics[0]
        return _outcome(result.name, result.error_code, result.error_message)

    return await cluster.retrying(create, repeatable=False)


async def delete_topics(cluster: Cluster, names: Sequence[str]) -> list[TopicOutcome]:
    """Delete topics at the controller; one outcome a topic."""
    request = DeleteTopicsRequest(
        topics=[DeleteTopicState(name=name) for name in names], timeout_ms=CHANGE_TIMEOUT_MS
    )

    async def delete() -> list[TopicOutcome]:
        controller = await cluster.controller()
        answer = await controller.call(request, DeleteTopicsResponse, needs=6)
        return [
            _outcome(each.name or "", each.error_code, each.error_message)
            for each in answer.responses
        ]

    return await cluster.retrying(delete, repeatable=False)


def _outcome(name: str, code: int, message: str | None) -> TopicOutcome:
    if code == ErrorCode.NOT_CONTROLLER:
        raise RequestFailed(f"topic {name!r}", ErrorCode.NOT_CONTROLLER)
    return TopicOutcome(name, ErrorCode.of(code), message)


def _partition(partition: MetadataResponsePartition) -> PartitionDescription:
    return PartitionDescription(
        partition.partition_index,
        partition.leader_id if partition.leader_id >= 0 else None,
        partition.leader_epoch,
        tuple(partition.replica_nodes),
        tuple(partition.isr_nodes),
        tuple(partition.offline_replicas),
    )


async def _metadata(cluster: Cluster, names: Sequence[str] | None) -> MetadataResponse:
    """Metadata of these topics, of all for None; never creates one by asking."""
    topics = None if names is None else [MetadataRequestTopic(name=name) for name in names]

    async def ask() -> MetadataResponse:
        broker = await cluster.any_broker()
        return await broker.call(
            MetadataRequest(topics=topics, allow_auto_topic_creation=False),
            MetadataResponse,
            needs=10,
        )

    return await cluster.retrying(ask)


async def _configs(cluster: Cluster, names: Sequence[str]) -> dict[str, dict[str, str]]:
    """The settings of each topic that are not built-in defaults.

    A topic that was deleted between the two questions is left out.
    """
    resources = [
        DescribeConfigsResource(
            resource_type=TOPIC_RESOURCE, resource_name=name, configuration_keys=None
        )
        for name in names
    ]

    async def ask() -> DescribeConfigsResponse:
        broker = await cluster.any_broker()
        return await broker.call(
            DescribeConfigsRequest(resources=resources), DescribeConfigsResponse, needs=1
        )

    if not resources:
        return {}
    answer = await cluster.retrying(ask)
    for result in answer.results:
        if result.error_code not in (ErrorCode.NONE, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION):
            raise RequestFailed(
                f"configs of topic {result.resource_name!r}",
                ErrorCode.of(result.error_code),
                result.error_message,
            )
    return {
        result.resource_name: {
            config.name: config.value or ""
            for config in result.configs
            if config.config_source != DEFAULT_CONFIG_SOURCE
        }
        for result in answer.results
    }
