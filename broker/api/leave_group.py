"""LeaveGroup: members go. Versions 0 to 2 name one, later ones several, with an error each."""

from typing import Final

from broker.api.context import RequestContext
from broker.api.group_services import GroupServices
from broker.groups.leaving import LeavingMember
from broker.wire.errors import KafkaError
from broker.wire.messages.leave_group import (
    LeaveGroupRequest,
    LeaveGroupResponse,
    MemberResponse,
)

FIRST_VERSION_WITH_MANY_MEMBERS: Final = 3


async def handle(
    broker: GroupServices, context: RequestContext, request: LeaveGroupRequest
) -> LeaveGroupResponse:
    names_many = context.api_version >= FIRST_VERSION_WITH_MANY_MEMBERS
    if names_many:
        leaving = [
            LeavingMember(each.member_id, each.group_instance_id, each.reason or "not provided")
            for each in request.members
        ]
    else:
        leaving = [LeavingMember(request.member_id)]
    try:
        errors = await broker.groups.leave(request.group_id, leaving)
    except KafkaError as error:
        return LeaveGroupResponse(error_code=error.code)
    if not names_many:
        return LeaveGroupResponse(error_code=errors[0])
    return LeaveGroupResponse(
        members=[
            MemberResponse(
                member_id=each.member_id,
                group_instance_id=each.group_instance_id,
                error_code=error,
            )
            for each, error in zip(leaving, errors, strict=True)
        ]
    )
