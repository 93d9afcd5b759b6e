"""The cluster as a whole: who belongs to it, who controls it, and how its partitions are."""

import attrs

from broker.wire.errors import ErrorCode
from broker.wire.messages.describe_cluster import DescribeClusterRequest, DescribeClusterResponse
from broker.wire.messages.metadata import MetadataRequest, MetadataResponse
from cli.client.addresses import Address
from cli.client.cluster import Cluster
from cli.client.connection import Features, VersionRange
from cli.client.errors import RequestFailed


@attrs.frozen
class BrokerFacts:
    """A live broker, where it listens for us."""

    broker_id: int
    address: Address
    rack: str | None


@attrs.frozen
class ClusterFacts:
    """Who belongs to the cluster now; `controller_id` is None while nobody is elected."""

    cluster_id: str
    controller_id: int | None
    brokers: tuple[BrokerFacts, ...]


@attrs.frozen
class PartitionCounts:
    """How many there are, and how many of them are in trouble."""

    topics: int
    partitions: int
    under_replicated: int
    leaderless: int


async def describe_cluster(cluster: Cluster) -> ClusterFacts:
    """The brokers by id, as any of them was told by the controller last."""

    async def ask() -> DescribeClusterResponse:
        broker = await cluster.any_broker()
        answer = await broker.call(DescribeClusterRequest(), DescribeClusterResponse)
        if answer.error_code:
            raise RequestFailed("cluster", ErrorCode.of(answer.error_code), answer.error_message)
        return answer

    answer = await cluster.retrying(ask)
    return ClusterFacts(
        answer.cluster_id,
        answer.controller_id if answer.controller_id >= 0 else None,
        tuple(
            BrokerFacts(each.broker_id, Address(each.host, each.port), each.rack)
            for each in sorted(answer.brokers, key=lambda broker: broker.broker_id)
        ),
    )


async def count_partitions(cluster: Cluster) -> PartitionCounts:
    """Of all topics, the internal ones too."""

    async def ask() -> MetadataResponse:
        broker = await cluster.any_broker()
        return await broker.call(
            MetadataRequest(topics=None, allow_auto_topic_creation=False), MetadataResponse, needs=4
        )

    metadata = await cluster.retrying(ask)
    partitions = [each for topic in metadata.topics for each in topic.partitions]
    return PartitionCounts(
        len(metadata.topics),
        len(partitions),
        sum(len(each.isr_nodes) < len(each.replica_nodes) for each in partitions),
        sum(each.leader_id < 0 for each in partitions),
    )


async def api_versions(cluster: Cluster, broker_id: int) -> dict[int, VersionRange]:
    """The versions of each API, by its key, that a broker speaks."""

    async def ask() -> dict[int, VersionRange]:
        return dict((await cluster.broker(broker_id)).versions)

    return await cluster.retrying(ask)


async def broker_features(cluster: Cluster, broker_id: int) -> Features:
    """What a broker says of features."""

    async def ask() -> Features:
        return (await cluster.broker(broker_id)).features

    return await cluster.retrying(ask)
