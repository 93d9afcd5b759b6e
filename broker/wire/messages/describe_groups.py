"""DescribeGroups: state, members and assignments of groups.

A group that does not exist is answered as state "Dead" without an error.

Versions: 1 adds the throttle time, 3 authorized operations (KIP-430), 4 `group_instance_id`
(KIP-345), 5 is flexible.
"""

from broker.wire.schema import BOOL, BYTES, INT16, INT32, STRING, array, message, struct, wire


@message(versions="0-5", flexible="5+")
class DescribeGroupsRequest:
    groups: list[str] = wire(array(STRING), "0+")
    include_authorized_operations: bool = wire(BOOL, "3+")


@struct
class DescribedGroupMember:
    member_id: str = wire(STRING, "0+")
    group_instance_id: str | None = wire(STRING, "4+", nullable="4+", default=None, ignorable=True)
    client_id: str = wire(STRING, "0+")
    client_host: str = wire(STRING, "0+")
    member_metadata: bytes = wire(BYTES, "0+")
    member_assignment: bytes = wire(BYTES, "0+")


@struct
class DescribedGroup:
    error_code: int = wire(INT16, "0+")
    group_id: str = wire(STRING, "0+")
    group_state: str = wire(STRING, "0+")
    protocol_type: str = wire(STRING, "0+")
    protocol_data: str = wire(STRING, "0+")  # the assignor's name, while Stable
    members: list[DescribedGroupMember] = wire(array(DescribedGroupMember), "0+")
    authorized_operations: int = wire(INT32, "3+", default=-0x80000000)


@message(versions="0-5", flexible="5+")
class DescribeGroupsResponse:
    throttle_time_ms: int = wire(INT32, "1+", ignorable=True)
    groups: list[DescribedGroup] = wire(array(DescribedGroup), "0+")
