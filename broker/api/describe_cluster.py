"""DescribeCluster: the brokers, the controller and the cluster's id, for admin clients."""

from broker.api.context import RequestContext
from broker.broker import Broker
from broker.wire.errors import ErrorCode
from broker.wire.messages.describe_cluster import (
    DescribeClusterBroker,
    DescribeClusterRequest,
    DescribeClusterResponse,
)

BROKERS = 1


async def handle(
    broker: Broker, context: RequestContext, request: DescribeClusterRequest
) -> DescribeClusterResponse:
    if request.endpoint_type != BROKERS:
        # 2 is KRaft's controllers (KIP-919), which are not there.
        return DescribeClusterResponse(
            error_code=ErrorCode.MISMATCHED_ENDPOINT_TYPE,
            error_message="The request was sent to an endpoint of type BROKER, "
            f"but wants one of type {request.endpoint_type}",
        )
    cluster = broker.metadata.current
    response = DescribeClusterResponse(
        endpoint_type=BROKERS,
        cluster_id=broker.cluster_id,
        controller_id=cluster.controller_id,
        brokers=[
            DescribeClusterBroker(
                broker_id=registration.broker_id,
                host=endpoint.host,
                port=endpoint.port,
                rack=registration.rack,
            )
            for registration in cluster.brokers.values()
            if (endpoint := registration.endpoint(context.listener)) is not None
        ],
    )
    if request.include_cluster_authorized_operations:
        response.cluster_authorized_operations = context.authorized_cluster_operations()
    return response
