"""What consumers write into a group's opaque bytes: subscription (JoinGroup) and assignment
(SyncGroup) of protocol type "consumer".

The broker looks inside only to tell which topics a group consumes.  Each is a 2-byte version and
then the message (`versioned`).  Newer versions only append fields, so bytes of an unknown newer
version are read as the newest known one.

Versions: 1 adds `owned_partitions` (KIP-429), 2 `generation_id` (KIP-792), 3 `rack_id` (KIP-881).
"""

from broker.wire.schema import BYTES, INT32, STRING, array, message, struct, wire


@struct
class SubscriptionTopicPartition:
    topic: str = wire(STRING, "1+")
    partitions: list[int] = wire(array(INT32), "1+")


@message(versions="0-3")
class ConsumerProtocolSubscription:
    topics: list[str] = wire(array(STRING), "0+")
    user_data: bytes | None = wire(BYTES, "0+", nullable="0+", default=None)
    owned_partitions: list[SubscriptionTopicPartition] = wire(
        array(SubscriptionTopicPartition), "1+", ignorable=True
    )
    generation_id: int = wire(INT32, "2+", default=-1, ignorable=True)
    rack_id: str | None = wire(STRING, "3+", nullable="3+", default=None, ignorable=True)


@struct
class AssignmentTopicPartition:
    topic: str = wire(STRING, "0+")
    partitions: list[int] = wire(array(INT32), "0+")


@message(versions="0-3")
class ConsumerProtocolAssignment:
    assigned_partitions: list[AssignmentTopicPartition] = wire(
        array(AssignmentTopicPartition), "0+"
    )
    user_data: bytes | None = wire(BYTES, "0+", nullable="0+", default=None)
