"""A static member comes back: a restarted process takes its old place in the group (KIP-345).

It has its instance id, but not its member id, so it is given a new one, and whoever still uses the
old one is fenced. What happens then depends on what the others are doing:

    PreparingRebalance    it has joined the round
    CompletingRebalance   a new round: the leader may be assigning to the old member id
    Stable                nothing, if the group's protocol stays what it is: the new member id is
                          stored, and it learns the generation it is in. Else a new round.

The last is what static members are for: a rolling restart without a rebalance. A leader that comes
back this way must not work out an assignment that nobody would get. From version 9 it is told so
(KIP-814); before, it is not told that it leads, but the old member id is named.

Source: Kafka's updateStaticMemberAndRebalance.
"""

import attrs

from broker.coordinators.background import Background
from broker.groups.group import Group
from broker.groups.group_states import COMPLETING_REBALANCE, STABLE
from broker.groups.member import (
    NO_MEMBER_ID,
    JoinRequest,
    JoinResult,
    Member,
    Protocols,
    Ticket,
)
from broker.groups.rebalancing import Rebalancing
from broker.groups.storing import GroupStore, Write
from broker.wire.errors import ErrorCode
from coordination.values import Recorder


@attrs.frozen
class _Place:
    """What the member was before it returned, to go back to if its return is not stored."""

    member_id: str
    leader_id: str
    protocols: Protocols
    session_timeout_ms: int
    rebalance_timeout_ms: int

    @staticmethod
    def of(group: Group, instance_id: str) -> "_Place":
        member = group.members[group.static_members[instance_id]]
        return _Place(
            member.member_id,
            group.leader_id or NO_MEMBER_ID,
            member.protocols,
            member.session_timeout_ms,
            member.rebalance_timeout_ms,
        )

    def restore(self, group: Group, member: Member) -> None:
        member.protocols = self.protocols
        member.session_timeout_ms = self.session_timeout_ms
        member.rebalance_timeout_ms = self.rebalance_timeout_ms
        group.replace_static_member(member.member_id, self.member_id)


@attrs.frozen
class StaticReturn:
    """Handles the JoinGroup of a static member that the group knows, without a member id."""

    rebalancing: Rebalancing
    store: GroupStore
    background: Background
    recorder: Recorder

    def rejoin(
        self, group: Group, member_id: str, request: JoinRequest, ticket: Ticket[JoinResult]
    ) -> None:
        """Give the member of the request's instance id the new `member_id`."""
        instance_id = request.group_instance_id
        assert instance_id is not None
        before = _Place.of(group, instance_id)
        member = group.replace_static_member(before.member_id, member_id)
        self.rebalancing.forget_session(group, before.member_id)
        self.rebalancing.keep_alive(group, member)
        member.join_again(request, ticket)
        group.cause = self.recorder(
            "group.member_returned",
            cause=group.cause,
            group=group.group_id,
            member=member_id,
            instance=instance_id,
            replaced=before.member_id,
        )
        if group.state is STABLE and group.select_protocol() == group.protocol_name:
            assignment = {each.member_id: each.assignment for each in group.members.values()}
            write = self.store.group(group, assignment)
            self.background.start(self._answer, group, member, before, request, ticket, write)
        elif group.state is STABLE:
            self.rebalancing.begin(
                group,
                f"Group's selectedProtocol will change because static member {member_id} with "
                f"instance id {instance_id} joined with change of protocol; "
                f"client reason: {request.reason}",
            )
        elif group.state is COMPLETING_REBALANCE:
            self.rebalancing.begin(
                group,
                f"Updating metadata for static member {member_id} with instance id {instance_id}; "
                f"client reason: {request.reason}",
            )

    async def _answer(
        self,
        group: Group,
        member: Member,
        before: _Place,
        request: JoinRequest,
        ticket: Ticket[JoinResult],
        write: Write,
    ) -> None:
        """The new member id is stored, or not: say so, unless a round began, which will."""
        error = await write.outcome()
        if group.state is not STABLE or member.joining is not ticket:
            return
        if error is not ErrorCode.NONE:
            member.answer_join(JoinResult(error, NO_MEMBER_ID))
            self.rebalancing.forget_session(group, member.member_id)
            before.restore(group, member)
            self.rebalancing.keep_alive(group, member)
            return
        result = group.join_result(member.member_id)
        if request.can_skip_assignment:
            is_leader = group.leader_id == member.member_id
            result = attrs.evolve(result, skip_assignment=is_leader)
        else:
            result = attrs.evolve(result, leader_id=before.leader_id, members=())
        member.answer_join(result)
