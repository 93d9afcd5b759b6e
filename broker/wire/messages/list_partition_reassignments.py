"""ListPartitionReassignments: what is being moved to other brokers now (KIP-455)."""

from broker.wire.schema import INT16, INT32, STRING, array, message, struct, wire


@struct
class ListPartitionReassignmentsTopics:
    name: str = wire(STRING, "0+")
    partition_indexes: list[int] = wire(array(INT32), "0+")


@message(versions="0", flexible="0+")
class ListPartitionReassignmentsRequest:
    timeout_ms: int = wire(INT32, "0+", default=60000)
    # null: all there are
    topics: list[ListPartitionReassignmentsTopics] | None = wire(
        array(ListPartitionReassignmentsTopics), "0+", nullable="0+", default=None
    )


@struct
class OngoingPartitionReassignment:
    partition_index: int = wire(INT32, "0+")
    replicas: list[int] = wire(array(INT32), "0+")  # the old and the new ones
    adding_replicas: list[int] = wire(array(INT32), "0+")
    removing_replicas: list[int] = wire(array(INT32), "0+")


@struct
class OngoingTopicReassignment:
    name: str = wire(STRING, "0+")
    partitions: list[OngoingPartitionReassignment] = wire(array(OngoingPartitionReassignment), "0+")


@message(versions="0", flexible="0+")
class ListPartitionReassignmentsResponse:
    throttle_time_ms: int = wire(INT32, "0+")
    error_code: int = wire(INT16, "0+")
    error_message: str | None = wire(STRING, "0+", nullable="0+")
    topics: list[OngoingTopicReassignment] = wire(array(OngoingTopicReassignment), "0+")
