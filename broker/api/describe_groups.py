"""DescribeGroups: the state of groups, their members and what these were assigned."""

from broker.api.context import RequestContext
from broker.api.group_services import GroupServices
from broker.api.permissions import Resource
from broker.groups.inspection import MemberDescription
from broker.wire.errors import KafkaError
from broker.wire.messages.describe_groups import (
    DescribedGroup,
    DescribedGroupMember,
    DescribeGroupsRequest,
    DescribeGroupsResponse,
)


async def handle(
    broker: GroupServices, context: RequestContext, request: DescribeGroupsRequest
) -> DescribeGroupsResponse:
    groups = [await _describe(broker, context, group_id) for group_id in request.groups]
    if request.include_authorized_operations:
        for group in groups:
            if group.error_code == 0:
                group.authorized_operations = context.authorized_operations(
                    Resource.GROUP, group.group_id
                )
    return DescribeGroupsResponse(groups=groups)


async def _describe(
    broker: GroupServices, context: RequestContext, group_id: str
) -> DescribedGroup:
    try:
        context.require(Resource.GROUP, group_id)
        group = await broker.groups.describe_group(group_id)
    except KafkaError as error:
        return DescribedGroup(group_id=group_id, error_code=error.code)
    return DescribedGroup(
        group_id=group_id,
        group_state=group.state,
        protocol_type=group.protocol_type,
        protocol_data=group.protocol,
        members=[_member(member) for member in group.members],
    )


def _member(member: MemberDescription) -> DescribedGroupMember:
    return DescribedGroupMember(
        member_id=member.member_id,
        group_instance_id=member.group_instance_id,
        client_id=member.client_id,
        client_host=member.client_host,
        member_metadata=member.metadata,
        member_assignment=member.assignment,
    )
