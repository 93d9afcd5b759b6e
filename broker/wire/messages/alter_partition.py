"""AlterPartition: a leader asks the controller to change the ISR of its partitions (KIP-497).

Answered by the state as it is now; `partition_epoch` is the znode version of the partition's state,
so a leader that lags is told INVALID_UPDATE_VERSION and learns.

Versions:
       1  `leader_recovery_state` (KIP-704)
       2  topics by id instead of by name; INELIGIBLE_REPLICA, NEW_LEADER_ELECTED (KIP-841)
       3  `new_isr_with_epochs` instead of `new_isr`: the broker epoch of each replica, so that one
          that restarted meanwhile does not slip in (KIP-903)
"""

from uuid import UUID

from broker.wire.schema import (
    INT8,
    INT16,
    INT32,
    INT64,
    STRING,
    UUID_,
    array,
    message,
    struct,
    wire,
)


@struct
class BrokerState:
    broker_id: int = wire(INT32, "3+")
    broker_epoch: int = wire(INT64, "3+", default=-1)  # -1: unknown, not checked


@struct
class RequestPartitionData:
    partition_index: int = wire(INT32, "0+")
    leader_epoch: int = wire(INT32, "0+")
    new_isr: list[int] = wire(array(INT32), "0-2")
    new_isr_with_epochs: list[BrokerState] = wire(array(BrokerState), "3+")
    leader_recovery_state: int = wire(INT8, "1+")
    partition_epoch: int = wire(INT32, "0+")


@struct
class RequestTopicData:
    topic_name: str = wire(STRING, "0-1", ignorable=True)
    topic_id: UUID = wire(UUID_, "2+", ignorable=True)
    partitions: list[RequestPartitionData] = wire(array(RequestPartitionData), "0+")


@message(versions="0-3", flexible="0+")
class AlterPartitionRequest:
    broker_id: int = wire(INT32, "0+")
    broker_epoch: int = wire(INT64, "0+", default=-1)
    topics: list[RequestTopicData] = wire(array(RequestTopicData), "0+")


@struct
class ResponsePartitionData:
    partition_index: int = wire(INT32, "0+")
    error_code: int = wire(INT16, "0+")
    leader_id: int = wire(INT32, "0+")
    leader_epoch: int = wire(INT32, "0+")
    isr: list[int] = wire(array(INT32), "0+")
    leader_recovery_state: int = wire(INT8, "1+", ignorable=True)
    partition_epoch: int = wire(INT32, "0+")


@struct
class ResponseTopicData:
    topic_name: str = wire(STRING, "0-1", ignorable=True)
    topic_id: UUID = wire(UUID_, "2+", ignorable=True)
    partitions: list[ResponsePartitionData] = wire(array(ResponsePartitionData), "0+")


@message(versions="0-3", flexible="0+")
class AlterPartitionResponse:
    throttle_time_ms: int = wire(INT32, "0+")
    error_code: int = wire(INT16, "0+")
    topics: list[ResponseTopicData] = wire(array(ResponseTopicData), "0+")
