"""LeaveGroup: members leave a group at once instead of running into their session timeout.

Versions:
     0-2  one member, in `member_id`; its error is the response's `error_code`
       3  several, in `members`, named by member id or by `group_instance_id` (KIP-345), each with
          an error of its own
       4  flexible
       5  `reason`, for the log (KIP-800)
"""

from broker.wire.schema import INT16, INT32, STRING, array, message, struct, wire


@struct
class MemberIdentity:
    member_id: str = wire(STRING, "3+")
    group_instance_id: str | None = wire(STRING, "3+", nullable="3+", default=None)
    reason: str | None = wire(STRING, "5+", nullable="5+", default=None, ignorable=True)


@message(versions="0-5", flexible="4+")
class LeaveGroupRequest:
    group_id: str = wire(STRING, "0+")
    member_id: str = wire(STRING, "0-2")
    members: list[MemberIdentity] = wire(array(MemberIdentity), "3+")


@struct
class MemberResponse:
    member_id: str = wire(STRING, "3+")
    group_instance_id: str | None = wire(STRING, "3+", nullable="3+")
    error_code: int = wire(INT16, "3+")


@message(versions="0-5", flexible="4+")
class LeaveGroupResponse:
    throttle_time_ms: int = wire(INT32, "1+", ignorable=True)
    error_code: int = wire(INT16, "0+")
    members: list[MemberResponse] = wire(array(MemberResponse), "3+")
