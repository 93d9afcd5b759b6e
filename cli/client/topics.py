"""Topics as an operator asks about them: listed, and described with their partitions.

Questions go to any broker (each has the controller's last UpdateMetadata, so a
topic that was created a moment ago may be missing on one of them); what is being
moved is the controller's to say.
"""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import attrs

from broker.wire.errors import ErrorCode
from broker.wire.messages.metadata import (
    MetadataRequest,
    MetadataRequestTopic,
    MetadataResponse,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from cli.client.cluster import Cluster
from cli.client.configs import Resource, ResourceType, Source, describe_configs
from cli.client.errors import BrokerUnreachable, RequestFailed, VersionNotSupported
from cli.client.reassignments import Reassignment, reassignments_now
from coordination.values import TopicPartition


@attrs.frozen
class PartitionDescription:
    """One partition; `leader` is None while it has none, `reassignment` unless it is moved."""

    partition: int
    leader: int | None
    leader_epoch: int
    replicas: tuple[int, ...]
    isr: tuple[int, ...]
    offline_replicas: tuple[int, ...]
    reassignment: Reassignment | None = None

    @property
    def replication_factor(self) -> int:
        """How many replicas it is to have: while it is moved it has the new ones besides."""
        move = self.reassignment
        if move is None or not set(self.replicas) & {*move.adding, *move.removing}:
            return len(self.replicas)
        return len(move.replicas) - len(move.adding)

    @property
    def under_replicated(self) -> bool:
        return len(self.isr) < self.replication_factor


@attrs.frozen
class TopicDescription:
    """One topic; `configs` are those that are not the built-in default, in the broker's order."""

    name: str
    topic_id: UUID
    internal: bool
    partitions: tuple[PartitionDescription, ...]
    configs: Mapping[str, str]
    min_insync_replicas: int

    @property
    def replication_factor(self) -> int:
        """Of the first partition, as Kafka's tool says it; partitions may differ."""
        return self.partitions[0].replication_factor if self.partitions else 0


@attrs.frozen
class TopicListing:
    """One line of the list; the replication factor is the first partition's."""

    name: str
    topic_id: UUID
    internal: bool
    partition_count: int
    replication_factor: int


async def topic_names(cluster: Cluster) -> list[str]:
    """The names of all topics, sorted, internal ones too."""
    return [each.name for each in await list_topics(cluster)]


async def list_topics(cluster: Cluster) -> list[TopicListing]:
    """Every topic, sorted by name."""
    metadata = await _metadata(cluster, None)
    listings = [
        TopicListing(
            topic.name or "",
            topic.topic_id,
            topic.is_internal,
            len(topic.partitions),
            len(topic.partitions[0].replica_nodes) if topic.partitions else 0,
        )
        for topic in metadata.topics
    ]
    return sorted(listings, key=lambda each: each.name)


async def describe_topics(cluster: Cluster, names: Sequence[str]) -> list[TopicDescription]:
    """The topics of these names that exist, in the given order, with their configs.

    A topic that is deleted between two of the questions is left out.
    """
    found = await _existing(cluster, names)
    configs = await _configs(cluster, list(found))
    moves = await _reassignments(cluster, found.values())
    return [
        TopicDescription(
            name,
            topic.topic_id,
            topic.is_internal,
            tuple(
                _partition(each, moves.get(TopicPartition(name, each.partition_index)))
                for each in sorted(topic.partitions, key=lambda each: each.partition_index)
            ),
            configs[name].overridden,
            configs[name].min_insync_replicas,
        )
        for name, topic in found.items()
        if name in configs
    ]


async def partitions_of(cluster: Cluster, names: Sequence[str]) -> dict[str, list[int]]:
    """The partitions of each of these topics that exists, in the given order."""
    found = await _existing(cluster, names)
    return {
        name: sorted(each.partition_index for each in topic.partitions)
        for name, topic in found.items()
    }


async def _existing(cluster: Cluster, names: Sequence[str]) -> dict[str, MetadataResponseTopic]:
    """Metadata of the topics of these names that exist, in the given order."""
    if not names:
        return {}
    metadata = await _metadata(cluster, names)
    for topic in metadata.topics:
        if topic.error_code not in (
            ErrorCode.NONE,
            ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
            ErrorCode.LEADER_NOT_AVAILABLE,
        ):
            raise RequestFailed(f"topic {topic.name!r}", ErrorCode.of(topic.error_code))
    found = {
        topic.name: topic
        for topic in metadata.topics
        if topic.error_code != ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    }
    return {name: found[name] for name in names if name in found}


def _partition(
    partition: MetadataResponsePartition, reassignment: Reassignment | None
) -> PartitionDescription:
    return PartitionDescription(
        partition.partition_index,
        partition.leader_id if partition.leader_id >= 0 else None,
        partition.leader_epoch,
        tuple(partition.replica_nodes),
        tuple(partition.isr_nodes),
        tuple(partition.offline_replicas),
        reassignment,
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


@attrs.frozen
class _TopicConfig:
    overridden: Mapping[str, str]
    min_insync_replicas: int


async def _configs(cluster: Cluster, names: Sequence[str]) -> dict[str, _TopicConfig]:
    described = await describe_configs(
        cluster, [Resource(ResourceType.TOPIC, name) for name in names]
    )
    return {
        resource.name: _TopicConfig(
            {e.name: e.value or "" for e in entries if e.source is not Source.DEFAULT_CONFIG},
            next((int(e.value or 1) for e in entries if e.name == "min.insync.replicas"), 1),
        )
        for resource, entries in described.items()
    }


async def _reassignments(
    cluster: Cluster, topics: Iterable[MetadataResponseTopic]
) -> dict[TopicPartition, Reassignment]:
    """The moves of these topics; none from a cluster that can't or won't say.

    Nor while there is no controller: then all the more one wants to see the rest.
    """
    partitions = [
        TopicPartition(topic.name or "", each.partition_index)
        for topic in topics
        for each in topic.partitions
    ]

    async def ask() -> dict[TopicPartition, Reassignment]:
        try:
            return await reassignments_now(cluster, partitions)
        except (VersionNotSupported, BrokerUnreachable):
            return {}
        except RequestFailed as error:
            if error.code in (ErrorCode.CLUSTER_AUTHORIZATION_FAILED, ErrorCode.NOT_CONTROLLER):
                return {}
            raise

    return await cluster.retrying(ask) if partitions else {}
