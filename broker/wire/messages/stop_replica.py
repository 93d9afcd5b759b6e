"""StopReplica: the controller tells a broker to give up replicas, and perhaps to delete them.

Versions:
       0  one list of partitions, one `delete_partitions` for all
       1  grouped by topic; `broker_epoch` (KIP-380)
       2  flexible
       3  each partition has its own `delete_partition` and a `leader_epoch` to fence by: -2 marks a
          topic being deleted, -1 says that the sender knows no epoch (KIP-570)
       4  `is_kraft_controller` (KIP-866)
"""

from broker.wire.schema import BOOL, INT16, INT32, INT64, STRING, array, message, struct, wire


@struct
class StopReplicaPartitionV0:
    topic_name: str = wire(STRING, "0")
    partition_index: int = wire(INT32, "0")


@struct
class StopReplicaTopicV1:
    name: str = wire(STRING, "1-2")
    partition_indexes: list[int] = wire(array(INT32), "1-2")


@struct
class StopReplicaPartitionState:
    partition_index: int = wire(INT32, "3+")
    leader_epoch: int = wire(INT32, "3+", default=-1)
    delete_partition: bool = wire(BOOL, "3+")


@struct
class StopReplicaTopicState:
    topic_name: str = wire(STRING, "3+")
    partition_states: list[StopReplicaPartitionState] = wire(array(StopReplicaPartitionState), "3+")


@message(versions="0-4", flexible="2+")
class StopReplicaRequest:
    controller_id: int = wire(INT32, "0+")
    is_kraft_controller: bool = wire(BOOL, "4+")
    controller_epoch: int = wire(INT32, "0+")
    broker_epoch: int = wire(INT64, "1+", default=-1, ignorable=True)
    delete_partitions: bool = wire(BOOL, "0-2")
    ungrouped_partitions: list[StopReplicaPartitionV0] = wire(array(StopReplicaPartitionV0), "0")
    topics: list[StopReplicaTopicV1] = wire(array(StopReplicaTopicV1), "1-2")
    topic_states: list[StopReplicaTopicState] = wire(array(StopReplicaTopicState), "3+")


@struct
class StopReplicaPartitionError:
    topic_name: str = wire(STRING, "0+")
    partition_index: int = wire(INT32, "0+")
    error_code: int = wire(INT16, "0+")


@message(versions="0-4", flexible="2+")
class StopReplicaResponse:
    error_code: int = wire(INT16, "0+")
    partition_errors: list[StopReplicaPartitionError] = wire(array(StopReplicaPartitionError), "0+")
