"""ListGroups: the groups that this broker coordinates, by state and type."""

from broker.api.context import RequestContext
from broker.api.group_services import GroupServices
from broker.api.permissions import Resource
from broker.groups.inspection import CLASSIC
from broker.wire.messages.list_groups import ListedGroup, ListGroupsRequest, ListGroupsResponse


async def handle(
    broker: GroupServices, context: RequestContext, request: ListGroupsRequest
) -> ListGroupsResponse:
    error, groups = await broker.groups.list_groups(request.states_filter, request.types_filter)
    sees_all = context.may(Resource.CLUSTER)
    return ListGroupsResponse(
        error_code=error,
        groups=[
            ListedGroup(
                group_id=group.group_id,
                protocol_type=group.protocol_type,
                group_state=group.state,
                group_type=CLASSIC,
            )
            for group in groups
            if sees_all or context.may(Resource.GROUP, group.group_id)
        ],
    )
