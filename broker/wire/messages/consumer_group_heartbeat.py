"""ConsumerGroupHeartbeat: joining, staying in and leaving a group of the newer kind (KIP-848).

A broker in ZooKeeper mode advertises it and answers UNSUPPORTED_VERSION to everyone: the newer
groups need a KRaft cluster.

There is one version, 0.
"""

from uuid import UUID

from broker.wire.schema import INT16, INT32, STRING, UUID_, array, message, struct, wire


@struct
class TopicPartitions:
    topic_id: UUID = wire(UUID_, "0+")
    partitions: list[int] = wire(array(INT32), "0+")


@message(versions="0", flexible="0+")
class ConsumerGroupHeartbeatRequest:
    group_id: str = wire(STRING, "0+")
    member_id: str = wire(STRING, "0+")
    member_epoch: int = wire(INT32, "0+")  # 0 joins, -1 leaves
    instance_id: str | None = wire(STRING, "0+", nullable="0+", default=None)
    rack_id: str | None = wire(STRING, "0+", nullable="0+", default=None)
    rebalance_timeout_ms: int = wire(INT32, "0+", default=-1)
    # None: as at the last heartbeat.
    subscribed_topic_names: list[str] | None = wire(
        array(STRING), "0+", nullable="0+", default=None
    )
    server_assignor: str | None = wire(STRING, "0+", nullable="0+", default=None)
    topic_partitions: list[TopicPartitions] | None = wire(
        array(TopicPartitions), "0+", nullable="0+", default=None
    )


@struct
class Assignment:
    topic_partitions: list[TopicPartitions] = wire(array(TopicPartitions), "0+")


@message(versions="0", flexible="0+")
class ConsumerGroupHeartbeatResponse:
    throttle_time_ms: int = wire(INT32, "0+")
    error_code: int = wire(INT16, "0+")
    error_message: str | None = wire(STRING, "0+", nullable="0+", default=None)
    member_id: str | None = wire(STRING, "0+", nullable="0+", default=None)
    member_epoch: int = wire(INT32, "0+")
    heartbeat_interval_ms: int = wire(INT32, "0+")
    assignment: Assignment | None = wire(Assignment, "0+", nullable="0+", default=None)
