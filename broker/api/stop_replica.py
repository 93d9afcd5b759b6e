"""StopReplica: the controller takes replicas from this broker, some of them for good.

version  partitions                            delete
0        a list                                for all or none
1-2      by topic                              for all or none
3+       by topic, each with a leader epoch    for each (KIP-570)
"""

from broker.api.context import RequestContext
from broker.api.control_requests import refusal
from broker.broker import Broker
from broker.replica.control import stop_replicas
from broker.replica.orders import StopOrder
from broker.wire.messages.stop_replica import (
    StopReplicaPartitionError,
    StopReplicaRequest,
    StopReplicaResponse,
)
from coordination.values import NO_LEADER_EPOCH, TopicPartition


async def handle(
    broker: Broker, context: RequestContext, request: StopReplicaRequest
) -> StopReplicaResponse:
    async with broker.replicas.control_order:
        refused = refusal(broker, "StopReplica", request)
        if refused is not None:
            return StopReplicaResponse(error_code=refused)
        orders = _orders(request)
        cause = broker.events(
            "control.stop_replica",
            controller=request.controller_id,
            controller_epoch=request.controller_epoch,
            partitions=len(orders),
        )
        changes = await stop_replicas(broker.replicas, orders, broker.events, cause)
        broker.roles_changed(changes)
    return StopReplicaResponse(
        partition_errors=[
            StopReplicaPartitionError(
                topic_name=tp.topic, partition_index=tp.partition, error_code=code
            )
            for tp, code in changes.errors.items()
        ]
    )


def _orders(request: StopReplicaRequest) -> dict[TopicPartition, StopOrder]:
    for_all = StopOrder(NO_LEADER_EPOCH, request.delete_partitions)
    return {
        **{
            TopicPartition(entry.topic_name, entry.partition_index): for_all
            for entry in request.ungrouped_partitions
        },
        **{
            TopicPartition(topic.name, index): for_all
            for topic in request.topics
            for index in topic.partition_indexes
        },
        **{
            TopicPartition(topic.topic_name, entry.partition_index): StopOrder(
                entry.leader_epoch, entry.delete_partition
            )
            for topic in request.topic_states
            for entry in topic.partition_states
        },
    }
