"""DeleteGroups: delete groups that have no members, with their offsets (KIP-229).

Versions: 2 is flexible.
"""

from broker.wire.schema import INT16, INT32, STRING, array, message, struct, wire


@message(versions="0-2", flexible="2+")
class DeleteGroupsRequest:
    groups_names: list[str] = wire(array(STRING), "0+")


@struct
class DeletableGroupResult:
    group_id: str = wire(STRING, "0+")
    error_code: int = wire(INT16, "0+")


@message(versions="0-2", flexible="2+")
class DeleteGroupsResponse:
    throttle_time_ms: int = wire(INT32, "0+")
    results: list[DeletableGroupResult] = wire(array(DeletableGroupResult), "0+")
