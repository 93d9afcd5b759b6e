"""JoinGroup: become a member of a group, or join its next generation; waits for the others."""

from typing import Final

from broker.api.context import RequestContext
from broker.api.group_services import GroupServices
from broker.groups.member import JoinRequest
from broker.wire.messages.join_group import (
    JoinGroupRequest,
    JoinGroupResponse,
    JoinGroupResponseMember,
)

FIRST_VERSION_WITH_REBALANCE_TIMEOUT: Final = 1
FIRST_VERSION_THAT_REQUIRES_A_MEMBER_ID: Final = 4
FIRST_VERSION_WITH_NULL_PROTOCOL: Final = 7
FIRST_VERSION_WITH_SKIP_ASSIGNMENT: Final = 9


async def handle(
    broker: GroupServices, context: RequestContext, request: JoinGroupRequest
) -> JoinGroupResponse:
    version = context.api_version
    result = await broker.groups.join(
        JoinRequest(
            group_id=request.group_id,
            member_id=request.member_id,
            group_instance_id=request.group_instance_id,
            client_id=context.client_id or "",
            client_host=f"/{context.host}",  # as Java prints an address
            session_timeout_ms=request.session_timeout_ms,
            rebalance_timeout_ms=(
                request.rebalance_timeout_ms
                if version >= FIRST_VERSION_WITH_REBALANCE_TIMEOUT
                else request.session_timeout_ms
            ),
            protocol_type=request.protocol_type,
            protocols=tuple((each.name, each.metadata) for each in request.protocols),
            requires_member_id=version >= FIRST_VERSION_THAT_REQUIRES_A_MEMBER_ID,
            can_skip_assignment=version >= FIRST_VERSION_WITH_SKIP_ASSIGNMENT,
            reason=request.reason or "not provided",
        )
    )
    no_protocol = None if version >= FIRST_VERSION_WITH_NULL_PROTOCOL else ""
    return JoinGroupResponse(
        error_code=result.error,
        generation_id=result.generation,
        protocol_type=result.protocol_type,
        protocol_name=result.protocol_name or no_protocol,
        leader=result.leader_id,
        skip_assignment=result.skip_assignment,
        member_id=result.member_id,
        members=[
            JoinGroupResponseMember(
                member_id=member.member_id,
                group_instance_id=member.group_instance_id,
                metadata=member.metadata,
            )
            for member in result.members
        ],
    )
