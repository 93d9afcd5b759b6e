"""CreatePartitions: give topics more partitions, on the controller.

Versions: 2 is flexible, 3 may answer THROTTLING_QUOTA_EXCEEDED (KIP-599).
"""

from broker.wire.schema import BOOL, INT16, INT32, STRING, array, message, struct, wire


@struct
class CreatePartitionsAssignment:
    broker_ids: list[int] = wire(array(INT32), "0+")


@struct
class CreatePartitionsTopic:
    name: str = wire(STRING, "0+")
    count: int = wire(INT32, "0+")  # the new total
    # of the new partitions only; null: the controller assigns
    assignments: list[CreatePartitionsAssignment] | None = wire(
        array(CreatePartitionsAssignment), "0+", nullable="0+"
    )


@message(versions="0-3", flexible="2+")
class CreatePartitionsRequest:
    topics: list[CreatePartitionsTopic] = wire(array(CreatePartitionsTopic), "0+")
    timeout_ms: int = wire(INT32, "0+")
    validate_only: bool = wire(BOOL, "0+")


@struct
class CreatePartitionsTopicResult:
    name: str = wire(STRING, "0+")
    error_code: int = wire(INT16, "0+")
    error_message: str | None = wire(STRING, "0+", nullable="0+", default=None)


@message(versions="0-3", flexible="2+")
class CreatePartitionsResponse:
    throttle_time_ms: int = wire(INT32, "0+")
    results: list[CreatePartitionsTopicResult] = wire(array(CreatePartitionsTopicResult), "0+")
