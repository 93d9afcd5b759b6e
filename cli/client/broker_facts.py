"""One broker: what the cluster's metadata says of it, and what it says of its disks itself."""

import attrs

from broker.wire.errors import ErrorCode
from broker.wire.messages.metadata import MetadataRequest, MetadataResponse
from cli.client.addresses import Address
from cli.client.cluster import Cluster
from cli.client.ensemble_facts import describe_cluster
from cli.client.errors import RequestFailed
from cli.client.log_dirs import LogDir, describe_log_dirs


@attrs.frozen
class BrokerDescription:
    """A live broker; `out_of_sync` are those of its replicas that are not in their ISR."""

    broker_id: int
    address: Address
    rack: str | None
    is_controller: bool
    leads: int
    replicas: int
    out_of_sync: int
    log_dirs: tuple[LogDir, ...]


async def describe_broker(cluster: Cluster, broker_id: int) -> BrokerDescription:
    """Raises `RequestFailed` for a broker that is not alive."""
    ensemble = await describe_cluster(cluster)
    for each in ensemble.brokers:
        if each.broker_id == broker_id:
            break
    else:
        raise RequestFailed(f"broker {broker_id}", ErrorCode.BROKER_NOT_AVAILABLE)

    async def ask() -> MetadataResponse:
        broker = await cluster.any_broker()
        return await broker.call(
            MetadataRequest(topics=None, allow_auto_topic_creation=False), MetadataResponse, needs=4
        )

    metadata = await cluster.retrying(ask)
    held = [
        partition
        for topic in metadata.topics
        for partition in topic.partitions
        if broker_id in partition.replica_nodes
    ]
    log_dirs = await cluster.retrying(lambda: describe_log_dirs(cluster, broker_id))
    return BrokerDescription(
        broker_id,
        each.address,
        each.rack,
        broker_id == ensemble.controller_id,
        sum(partition.leader_id == broker_id for partition in held),
        len(held),
        sum(broker_id not in partition.isr_nodes for partition in held),
        tuple(log_dirs),
    )
