"""ListGroups: the groups that this broker coordinates; a client asks every broker.

Versions:
       3  flexible
       4  `states_filter`, and the state of each group (KIP-518)
       5  `types_filter`, and the type of each group, here always "classic" (KIP-848)
"""

from broker.wire.schema import INT16, INT32, STRING, array, message, struct, wire


@message(versions="0-5", flexible="3+")
class ListGroupsRequest:
    states_filter: list[str] = wire(array(STRING), "4+")
    types_filter: list[str] = wire(array(STRING), "5+")


@struct
class ListedGroup:
    group_id: str = wire(STRING, "0+")
    protocol_type: str = wire(STRING, "0+")
    group_state: str = wire(STRING, "4+", ignorable=True)
    group_type: str = wire(STRING, "5+", ignorable=True)


@message(versions="0-5", flexible="3+")
class ListGroupsResponse:
    throttle_time_ms: int = wire(INT32, "1+", ignorable=True)
    error_code: int = wire(INT16, "0+")
    groups: list[ListedGroup] = wire(array(ListedGroup), "0+")
