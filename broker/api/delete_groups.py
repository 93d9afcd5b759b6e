"""DeleteGroups: groups without members go, with all their offsets."""

from broker.api.context import RequestContext
from broker.api.group_services import GroupServices
from broker.wire.messages.delete_groups import (
    DeletableGroupResult,
    DeleteGroupsRequest,
    DeleteGroupsResponse,
)


async def handle(
    broker: GroupServices, _context: RequestContext, request: DeleteGroupsRequest
) -> DeleteGroupsResponse:
    errors = await broker.groups.delete_groups(request.groups_names)
    return DeleteGroupsResponse(
        results=[
            DeletableGroupResult(group_id=group_id, error_code=error)
            for group_id, error in errors.items()
        ]
    )
