"""DescribeCluster: the brokers, the cluster's id and its controller (KIP-700).

Versions: 1 adds `endpoint_type`, 1 brokers or 2 KRaft controllers (KIP-919); a broker answers
2 with MISMATCHED_ENDPOINT_TYPE, others with UNSUPPORTED_ENDPOINT_TYPE.
"""

from broker.wire.schema import BOOL, INT8, INT16, INT32, STRING, array, message, struct, wire


@message(versions="0-1", flexible="0+")
class DescribeClusterRequest:
    include_cluster_authorized_operations: bool = wire(BOOL, "0+")
    endpoint_type: int = wire(INT8, "1+", default=1)


@struct
class DescribeClusterBroker:
    broker_id: int = wire(INT32, "0+")
    host: str = wire(STRING, "0+")
    port: int = wire(INT32, "0+")
    rack: str | None = wire(STRING, "0+", nullable="0+", default=None)


@message(versions="0-1", flexible="0+")
class DescribeClusterResponse:
    throttle_time_ms: int = wire(INT32, "0+")
    error_code: int = wire(INT16, "0+")
    error_message: str | None = wire(STRING, "0+", nullable="0+", default=None)
    endpoint_type: int = wire(INT8, "1+", default=1)
    cluster_id: str = wire(STRING, "0+")
    controller_id: int = wire(INT32, "0+", default=-1)
    brokers: list[DescribeClusterBroker] = wire(array(DescribeClusterBroker), "0+")
    cluster_authorized_operations: int = wire(INT32, "0+", default=-0x80000000)
