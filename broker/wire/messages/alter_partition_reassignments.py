"""AlterPartitionReassignments: move partitions to other brokers, on the controller (KIP-455)."""

from broker.wire.schema import INT16, INT32, STRING, array, message, struct, wire


@struct
class ReassignablePartition:
    partition_index: int = wire(INT32, "0+")
    # null: cancel what is under way
    replicas: list[int] | None = wire(array(INT32), "0+", nullable="0+", default=None)


@struct
class ReassignableTopic:
    name: str = wire(STRING, "0+")
    partitions: list[ReassignablePartition] = wire(array(ReassignablePartition), "0+")


@message(versions="0", flexible="0+")
class AlterPartitionReassignmentsRequest:
    timeout_ms: int = wire(INT32, "0+", default=60000)
    topics: list[ReassignableTopic] = wire(array(ReassignableTopic), "0+")


@struct
class ReassignablePartitionResponse:
    partition_index: int = wire(INT32, "0+")
    error_code: int = wire(INT16, "0+")
    error_message: str | None = wire(STRING, "0+", nullable="0+")


@struct
class ReassignableTopicResponse:
    name: str = wire(STRING, "0+")
    partitions: list[ReassignablePartitionResponse] = wire(
        array(ReassignablePartitionResponse), "0+"
    )


@message(versions="0", flexible="0+")
class AlterPartitionReassignmentsResponse:
    throttle_time_ms: int = wire(INT32, "0+")
    error_code: int = wire(INT16, "0+")
    error_message: str | None = wire(STRING, "0+", nullable="0+")
    responses: list[ReassignableTopicResponse] = wire(array(ReassignableTopicResponse), "0+")
