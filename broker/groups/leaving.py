"""LeaveGroup: members go at once, instead of being missed when their session ends.

A consumer that shuts down leaves by its member id. An administrator may also remove static members
by their instance id alone, several at once (KIP-345); each has an error of its own.

Source: Kafka's GroupCoordinator.handleLeaveGroup.
"""

from collections.abc import Sequence

import attrs

from broker.groups.directory import GroupDirectory, check_group_id
from broker.groups.group import Group
from broker.groups.member import NO_MEMBER_ID
from broker.groups.rebalancing import Rebalancing
from broker.wire.errors import ErrorCode, KafkaError


@attrs.frozen
class LeavingMember:
    """Who leaves: by member id, by instance id with an empty member id, or by both."""

    member_id: str
    group_instance_id: str | None = None
    reason: str = "not provided"


@attrs.frozen
class Leaving:
    """Handles LeaveGroup."""

    directory: GroupDirectory
    rebalancing: Rebalancing

    def leave(self, group_id: str, leaving: Sequence[LeavingMember]) -> list[ErrorCode]:
        """An error for each. KafkaError: the group is not one of ours, or not now."""
        check_group_id(group_id)
        group = self.directory.find(group_id)
        if group is None:
            return [ErrorCode.UNKNOWN_MEMBER_ID] * len(leaving)
        return [self._leave(group, each) for each in leaving]

    def _leave(self, group: Group, leaving: LeavingMember) -> ErrorCode:
        member_id, instance_id = leaving.member_id, leaving.group_instance_id
        if member_id in group.pending_members:
            self.rebalancing.remove_pending(group, member_id)
            return ErrorCode.NONE
        if member_id == NO_MEMBER_ID and instance_id is not None:
            member_id = group.static_members.get(instance_id, NO_MEMBER_ID)
        try:
            member = group.member_for(member_id, None if member_id == NO_MEMBER_ID else instance_id)
        except KafkaError as error:
            return error.code
        self.rebalancing.remove(
            group,
            member,
            f"Removing member {member_id} on LeaveGroup; client reason: {leaving.reason}",
        )
        return ErrorCode.NONE
