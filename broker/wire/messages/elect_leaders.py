"""ElectLeaders: give partitions the leader they prefer, or any live one; on the controller.

Versions:
       1  the type of election (KIP-460); before, all are for the preferred leader. An error of the
          whole answer
       2  flexible
"""

from broker.wire.schema import INT8, INT16, INT32, STRING, array, message, struct, wire


@struct
class TopicPartitions:
    topic: str = wire(STRING, "0+")
    partitions: list[int] = wire(array(INT32), "0+")


@message(versions="0-2", flexible="2+")
class ElectLeadersRequest:
    # 0: the assignment's first replica; 1: the first live one if none in sync is live (unclean)
    election_type: int = wire(INT8, "1+")
    topic_partitions: list[TopicPartitions] | None = wire(  # null: all partitions
        array(TopicPartitions), "0+", nullable="0+"
    )
    timeout_ms: int = wire(INT32, "0+", default=60_000)


@struct
class PartitionResult:
    partition_id: int = wire(INT32, "0+")
    error_code: int = wire(INT16, "0+")
    error_message: str | None = wire(STRING, "0+", nullable="0+")


@struct
class ReplicaElectionResult:
    topic: str = wire(STRING, "0+")
    partition_result: list[PartitionResult] = wire(array(PartitionResult), "0+")


@message(versions="0-2", flexible="2+")
class ElectLeadersResponse:
    throttle_time_ms: int = wire(INT32, "0+")
    error_code: int = wire(INT16, "1+")
    replica_election_results: list[ReplicaElectionResult] = wire(array(ReplicaElectionResult), "0+")
