"""ConsumerGroupDescribe: the members of groups of the newer kind (KIP-848).

As ConsumerGroupHeartbeat, it is advertised in ZooKeeper mode, and UNSUPPORTED_VERSION for each
group is all that is ever answered.

There is one version, 0.
"""

from uuid import UUID

from broker.wire.schema import BOOL, INT16, INT32, STRING, UUID_, array, message, struct, wire


@message(versions="0", flexible="0+")
class ConsumerGroupDescribeRequest:
    group_ids: list[str] = wire(array(STRING), "0+")
    include_authorized_operations: bool = wire(BOOL, "0+")


@struct
class TopicPartitions:
    topic_id: UUID = wire(UUID_, "0+")
    topic_name: str = wire(STRING, "0+")
    partitions: list[int] = wire(array(INT32), "0+")


@struct
class Assignment:
    topic_partitions: list[TopicPartitions] = wire(array(TopicPartitions), "0+")


@struct
class Member:
    member_id: str = wire(STRING, "0+")
    instance_id: str | None = wire(STRING, "0+", nullable="0+", default=None)
    rack_id: str | None = wire(STRING, "0+", nullable="0+", default=None)
    member_epoch: int = wire(INT32, "0+")
    client_id: str = wire(STRING, "0+")
    client_host: str = wire(STRING, "0+")
    subscribed_topic_names: list[str] = wire(array(STRING), "0+")
    subscribed_topic_regex: str | None = wire(STRING, "0+", nullable="0+", default=None)
    assignment: Assignment = wire(Assignment, "0+")
    target_assignment: Assignment = wire(Assignment, "0+")


@struct
class DescribedGroup:
    error_code: int = wire(INT16, "0+")
    error_message: str | None = wire(STRING, "0+", nullable="0+", default=None)
    group_id: str = wire(STRING, "0+")
    group_state: str = wire(STRING, "0+")
    group_epoch: int = wire(INT32, "0+")
    assignment_epoch: int = wire(INT32, "0+")
    assignor_name: str = wire(STRING, "0+")
    members: list[Member] = wire(array(Member), "0+")
    authorized_operations: int = wire(INT32, "0+", default=-0x80000000)


@message(versions="0", flexible="0+")
class ConsumerGroupDescribeResponse:
    throttle_time_ms: int = wire(INT32, "0+")
    groups: list[DescribedGroup] = wire(array(DescribedGroup), "0+")
