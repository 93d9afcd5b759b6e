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
CONTROLLERS = 2  # KRaft's (KIP-919), which are not there


async def handle(
    broker: Broker, context: RequestContext, request: DescribeClusterRequest
) -> DescribeClusterResponse:
    if request.endpoint_type == CONTROLLERS:
        return DescribeClusterResponse(
            error_code=ErrorCode.MISMATCHED_ENDPOINT_TYPE,
            error_message="The request was sent to an endpoint of type BROKER, "
            "but we wanted an endpoint of type CONTROLLER",
        )
    if request.endpoint_type != BROKERS:
        return DescribeClusterResponse(
            error_code=ErrorCode.UNSUPPORTED_ENDPOINT_TYPE,
            error_message=f"Unsupported endpoint type {request.endpoint_type}",
        )
    cluster = broker.metadata.current
    response = DescribeClusterResponse(
        endpoint_type=BROKERS,
        cluster_id=broker.cluster_id,
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
    if any(each.broker_id == cluster.controller_id for each in response.brokers):
        response.controller_id = cluster.controller_id  # who asks can go to it
    if request.include_cluster_authorized_operations:
        response.cluster_authorized_operations = context.authorized_cluster_operations()
    return response
