"""CreateTopics: create topics, on the controller.

Versions:
       1  `validate_only`; error messages
       4  -1 for partitions or replication factor: the broker's default (KIP-464)
       5  flexible; the answer shows the topic as created, with its configs (KIP-525)
       6  THROTTLING_QUOTA_EXCEEDED may be answered (KIP-599)
       7  the topic's id comes back (KIP-516)
"""

from uuid import UUID

from broker.wire.schema import BOOL, INT8, INT16, INT32, STRING, UUID_, array, message, struct, wire


@struct
class CreatableReplicaAssignment:
    partition_index: int = wire(INT32, "0+")
    broker_ids: list[int] = wire(array(INT32), "0+")


@struct
class CreatableTopicConfig:
    name: str = wire(STRING, "0+")
    value: str | None = wire(STRING, "0+", nullable="0+")


@struct
class CreatableTopic:
    name: str = wire(STRING, "0+")
    num_partitions: int = wire(INT32, "0+")  # -1: as `assignments` says, or the default
    replication_factor: int = wire(INT16, "0+")  # -1: likewise
    # empty: the controller assigns
    assignments: list[CreatableReplicaAssignment] = wire(array(CreatableReplicaAssignment), "0+")
    configs: list[CreatableTopicConfig] = wire(array(CreatableTopicConfig), "0+")


@message(versions="0-7", flexible="5+")
class CreateTopicsRequest:
    topics: list[CreatableTopic] = wire(array(CreatableTopic), "0+")
    timeout_ms: int = wire(INT32, "0+", default=60000)
    validate_only: bool = wire(BOOL, "1+")


@struct
class CreatableTopicConfigs:
    name: str = wire(STRING, "5+")
    value: str | None = wire(STRING, "5+", nullable="5+")
    read_only: bool = wire(BOOL, "5+")
    config_source: int = wire(INT8, "5+", default=-1, ignorable=True)
    is_sensitive: bool = wire(BOOL, "5+")


@struct
class CreatableTopicResult:
    name: str = wire(STRING, "0+")
    topic_id: UUID = wire(UUID_, "7+", ignorable=True)
    error_code: int = wire(INT16, "0+")
    error_message: str | None = wire(STRING, "1+", nullable="0+", ignorable=True)
    topic_config_error_code: int = wire(INT16, "5+", ignorable=True, tag=0)  # why `configs` is null
    num_partitions: int = wire(INT32, "5+", default=-1, ignorable=True)
    replication_factor: int = wire(INT16, "5+", default=-1, ignorable=True)
    configs: list[CreatableTopicConfigs] | None = wire(
        array(CreatableTopicConfigs), "5+", nullable="5+", ignorable=True
    )


@message(versions="0-7", flexible="5+")
class CreateTopicsResponse:
    throttle_time_ms: int = wire(INT32, "2+", ignorable=True)
    topics: list[CreatableTopicResult] = wire(array(CreatableTopicResult), "0+")
