"""SyncGroup: the leader hands in the assignment, every member gets its part of it.

Versions:
       3  `group_instance_id` (KIP-345)
       4  flexible
       5  the protocol's type and name are sent and checked: INCONSISTENT_GROUP_PROTOCOL (KIP-559)
"""

from broker.wire.schema import BYTES, INT16, INT32, STRING, array, message, struct, wire


@struct
class SyncGroupRequestAssignment:
    member_id: str = wire(STRING, "0+")
    assignment: bytes = wire(BYTES, "0+")


@message(versions="0-5", flexible="4+")
class SyncGroupRequest:
    group_id: str = wire(STRING, "0+")
    generation_id: int = wire(INT32, "0+")
    member_id: str = wire(STRING, "0+")
    group_instance_id: str | None = wire(STRING, "3+", nullable="3+", default=None)
    protocol_type: str | None = wire(STRING, "5+", nullable="5+", default=None, ignorable=True)
    protocol_name: str | None = wire(STRING, "5+", nullable="5+", default=None, ignorable=True)
    # from the leader; empty from the others
    assignments: list[SyncGroupRequestAssignment] = wire(array(SyncGroupRequestAssignment), "0+")


@message(versions="0-5", flexible="4+")
class SyncGroupResponse:
    throttle_time_ms: int = wire(INT32, "1+", ignorable=True)
    error_code: int = wire(INT16, "0+")
    protocol_type: str | None = wire(STRING, "5+", nullable="5+", default=None, ignorable=True)
    protocol_name: str | None = wire(STRING, "5+", nullable="5+", default=None, ignorable=True)
    assignment: bytes = wire(BYTES, "0+")
