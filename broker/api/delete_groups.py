"""DeleteGroups: groups without members go, with all their offsets."""

from broker.api.context import RequestContext
from broker.api.group_services import GroupServices
from broker.api.permissions import Resource
from broker.wire.errors import ErrorCode
from broker.wire.messages.delete_groups import (
    DeletableGroupResult,
    DeleteGroupsRequest,
    DeleteGroupsResponse,
)


async def handle(
    broker: GroupServices, context: RequestContext, request: DeleteGroupsRequest
) -> DeleteGroupsResponse:
    errors = dict.fromkeys(request.groups_names, ErrorCode.GROUP_AUTHORIZATION_FAILED)
    errors |= await broker.groups.delete_groups(
        [name for name in errors if context.may(Resource.GROUP, name)]
    )
    return DeleteGroupsResponse(
        results=[
            DeletableGroupResult(group_id=group_id, error_code=error)
            for group_id, error in errors.items()
        ]
    )
