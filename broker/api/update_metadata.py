"""UpdateMetadata: the controller tells what the cluster looks like now.

The live brokers always come all together, partitions only where something
changed. See `broker.control.metadata_cache`.
"""

from broker.api.context import RequestContext
from broker.api.control_requests import refusal
from broker.broker import Broker
from broker.control.metadata_cache import PartitionMetadata
from broker.wire.messages.update_metadata import (
    UpdateMetadataBroker,
    UpdateMetadataPartitionState,
    UpdateMetadataRequest,
    UpdateMetadataResponse,
)
from broker.wire.security_protocols import SECURITY_PROTOCOL_NAMES
from coordination.values import BrokerRegistration, Endpoint, LeaderAndIsr, TopicPartition


async def handle(
    broker: Broker, context: RequestContext, request: UpdateMetadataRequest
) -> UpdateMetadataResponse:
    refused = refusal(broker, "UpdateMetadata", request)
    if refused is not None:
        return UpdateMetadataResponse(error_code=refused)
    partitions = {
        TopicPartition(topic.topic_name, state.partition_index): _partition(state)
        for topic in request.topic_states
        for state in topic.partition_states
    } | {
        TopicPartition(state.topic_name, state.partition_index): _partition(state)
        for state in request.ungrouped_partition_states
    }
    topic_ids = {topic.topic_name: topic.topic_id for topic in request.topic_states}
    brokers = [_broker(entry) for entry in request.live_brokers]
    before = broker.metadata.current.brokers.keys()
    deleted = broker.metadata.update(request.controller_id, brokers, partitions, topic_ids)
    for client in broker.controller_clients:
        client.leave_former_controller()
    if before - broker.metadata.current.brokers.keys():
        broker.replicas.brokers_left()
    if deleted:
        broker.transactions.partitions_deleted(deleted)
        broker.groups.topics_deleted(deleted)
    return UpdateMetadataResponse()


def _partition(state: UpdateMetadataPartitionState) -> PartitionMetadata:
    return PartitionMetadata(
        LeaderAndIsr(
            leader=state.leader,
            leader_epoch=state.leader_epoch,
            isr=tuple(state.isr),
            controller_epoch=state.controller_epoch,
            partition_epoch=state.zk_version,
        ),
        replicas=tuple(state.replicas),
        offline_replicas=tuple(state.offline_replicas),
    )


def _broker(entry: UpdateMetadataBroker) -> BrokerRegistration:
    """A live broker. Versions 0-2 don't name listeners: each is named by its protocol then."""
    endpoints = tuple(
        Endpoint(endpoint.listener or protocol, protocol, endpoint.host, endpoint.port)
        for endpoint in entry.endpoints
        for protocol in [SECURITY_PROTOCOL_NAMES[endpoint.security_protocol]]
    )
    if entry.v0_host:
        endpoints = (Endpoint("PLAINTEXT", "PLAINTEXT", entry.v0_host, entry.v0_port),)
    return BrokerRegistration(entry.id, endpoints, rack=entry.rack)
