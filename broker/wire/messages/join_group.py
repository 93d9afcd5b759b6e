"""JoinGroup: enter a consumer group, or confirm membership when it rebalances.

The answer waits until all members have joined.  The leader is given everyone's metadata and works
out the assignment, which it hands in by SyncGroup.

Versions:
       0  `rebalance_timeout_ms` is absent (-1): the session timeout counts in its place
       4  a new member is turned away with MEMBER_ID_REQUIRED and an id to come back with (KIP-394);
          older clients do not know that error and are let in at once
       5  `group_instance_id`: static members (KIP-345)
       6  flexible
       7  the protocol's type and name come back; the name may be null on error (KIP-559)
       8  `reason`, for the log (KIP-800)
       9  `skip_assignment`: a static leader that came back keeps the assignment as it is (KIP-814)
"""

from broker.wire.schema import BOOL, BYTES, INT16, INT32, STRING, array, message, struct, wire


@struct
class JoinGroupRequestProtocol:
    name: str = wire(STRING, "0+")
    metadata: bytes = wire(BYTES, "0+")


@message(versions="0-9", flexible="6+")
class JoinGroupRequest:
    group_id: str = wire(STRING, "0+")
    session_timeout_ms: int = wire(INT32, "0+")
    rebalance_timeout_ms: int = wire(INT32, "1+", default=-1, ignorable=True)
    member_id: str = wire(STRING, "0+")  # empty the first time
    group_instance_id: str | None = wire(STRING, "5+", nullable="5+", default=None)
    protocol_type: str = wire(STRING, "0+")  # "consumer", "connect", ...
    # in order of preference
    protocols: list[JoinGroupRequestProtocol] = wire(array(JoinGroupRequestProtocol), "0+")
    reason: str | None = wire(STRING, "8+", nullable="8+", default=None, ignorable=True)


@struct
class JoinGroupResponseMember:
    member_id: str = wire(STRING, "0+")
    group_instance_id: str | None = wire(STRING, "5+", nullable="5+", default=None, ignorable=True)
    metadata: bytes = wire(BYTES, "0+")


@message(versions="0-9", flexible="6+")
class JoinGroupResponse:
    throttle_time_ms: int = wire(INT32, "2+", ignorable=True)
    error_code: int = wire(INT16, "0+")
    generation_id: int = wire(INT32, "0+", default=-1)
    protocol_type: str | None = wire(STRING, "7+", nullable="7+", default=None, ignorable=True)
    protocol_name: str | None = wire(STRING, "0+", nullable="7+")
    leader: str = wire(STRING, "0+")
    skip_assignment: bool = wire(BOOL, "9+")
    member_id: str = wire(STRING, "0+")
    # for the leader only
    members: list[JoinGroupResponseMember] = wire(array(JoinGroupResponseMember), "0+")
