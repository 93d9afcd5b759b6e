"""Heartbeat: a member is alive, and hears whether it must join again."""

from broker.api.context import RequestContext
from broker.api.group_services import GroupServices
from broker.wire.messages.heartbeat import HeartbeatRequest, HeartbeatResponse


async def handle(
    broker: GroupServices, _context: RequestContext, request: HeartbeatRequest
) -> HeartbeatResponse:
    error = await broker.groups.heartbeat(
        request.group_id, request.member_id, request.group_instance_id, request.generation_id
    )
    return HeartbeatResponse(error_code=error)
