"""LeaderAndIsr: the controller tells a broker what its replicas are to do: lead or follow, in which
leader epoch, with which ISR.

Versions:
     0-1  partitions in one list, each with its topic's name; `is_new` from 1
       2  grouped by topic; `broker_epoch` fences off a request meant for an earlier registration
          of the broker (KIP-380)
       3  `adding_replicas`, `removing_replicas` (KIP-455)
       4  flexible
       5  topic ids, answered by id (KIP-516); `type` 1 means that all replicas of the broker are
          named, but controllers of this era send 0: absence never means deletion
       6  `leader_recovery_state` 1: elected uncleanly (KIP-704)
       7  `is_kraft_controller`, during a migration (KIP-866)
"""

from uuid import UUID

from broker.wire.schema import (
    BOOL,
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
class LeaderAndIsrPartitionState:
    topic_name: str = wire(STRING, "0-1", ignorable=True)
    partition_index: int = wire(INT32, "0+")
    controller_epoch: int = wire(INT32, "0+")
    leader: int = wire(INT32, "0+")  # -1 none, -2 the topic is being deleted
    leader_epoch: int = wire(INT32, "0+")
    isr: list[int] = wire(array(INT32), "0+")
    partition_epoch: int = wire(INT32, "0+")  # znode version of the partition's state
    replicas: list[int] = wire(array(INT32), "0+")
    adding_replicas: list[int] = wire(array(INT32), "3+", ignorable=True)
    removing_replicas: list[int] = wire(array(INT32), "3+", ignorable=True)
    is_new: bool = wire(BOOL, "1+", ignorable=True)  # the broker has no log of it yet
    leader_recovery_state: int = wire(INT8, "6+")


@struct
class LeaderAndIsrTopicState:
    topic_name: str = wire(STRING, "2+")
    topic_id: UUID = wire(UUID_, "5+", ignorable=True)
    partition_states: list[LeaderAndIsrPartitionState] = wire(
        array(LeaderAndIsrPartitionState), "2+"
    )


@struct
class LeaderAndIsrLiveLeader:
    broker_id: int = wire(INT32, "0+")
    host_name: str = wire(STRING, "0+")
    port: int = wire(INT32, "0+")


@message(versions="0-7", flexible="4+")
class LeaderAndIsrRequest:
    controller_id: int = wire(INT32, "0+")
    is_kraft_controller: bool = wire(BOOL, "7+")
    controller_epoch: int = wire(INT32, "0+")
    broker_epoch: int = wire(INT64, "2+", default=-1, ignorable=True)
    type: int = wire(INT8, "5+")
    ungrouped_partition_states: list[LeaderAndIsrPartitionState] = wire(
        array(LeaderAndIsrPartitionState), "0-1"
    )
    topic_states: list[LeaderAndIsrTopicState] = wire(array(LeaderAndIsrTopicState), "2+")
    # where the leaders named above are to be fetched from
    live_leaders: list[LeaderAndIsrLiveLeader] = wire(array(LeaderAndIsrLiveLeader), "0+")


@struct
class LeaderAndIsrPartitionError:
    topic_name: str = wire(STRING, "0-4", ignorable=True)
    partition_index: int = wire(INT32, "0+")
    error_code: int = wire(INT16, "0+")


@struct
class LeaderAndIsrTopicError:
    topic_id: UUID = wire(UUID_, "5+")
    partition_errors: list[LeaderAndIsrPartitionError] = wire(
        array(LeaderAndIsrPartitionError), "5+"
    )


@message(versions="0-7", flexible="4+")
class LeaderAndIsrResponse:
    error_code: int = wire(INT16, "0+")
    partition_errors: list[LeaderAndIsrPartitionError] = wire(
        array(LeaderAndIsrPartitionError), "0-4"
    )
    topics: list[LeaderAndIsrTopicError] = wire(array(LeaderAndIsrTopicError), "5+")
