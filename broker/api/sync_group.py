"""SyncGroup: hand in the assignment, or ask for one's part of it; waits for the leader."""

from typing import Final

from broker.api.context import RequestContext
from broker.api.group_services import GroupServices
from broker.groups.syncing import SyncRequest
from broker.wire.errors import ErrorCode
from broker.wire.messages.sync_group import SyncGroupRequest, SyncGroupResponse

FIRST_VERSION_THAT_REQUIRES_THE_PROTOCOL: Final = 5


async def handle(
    broker: GroupServices, context: RequestContext, request: SyncGroupRequest
) -> SyncGroupResponse:
    if context.api_version >= FIRST_VERSION_THAT_REQUIRES_THE_PROTOCOL and (
        request.protocol_type is None or request.protocol_name is None
    ):
        return SyncGroupResponse(error_code=ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    result = await broker.groups.sync(
        SyncRequest(
            group_id=request.group_id,
            generation=request.generation_id,
            member_id=request.member_id,
            group_instance_id=request.group_instance_id,
            protocol_type=request.protocol_type,
            protocol_name=request.protocol_name,
            assignment={each.member_id: each.assignment for each in request.assignments},
        )
    )
    return SyncGroupResponse(
        error_code=result.error,
        protocol_type=result.protocol_type,
        protocol_name=result.protocol_name,
        assignment=result.assignment,
    )
