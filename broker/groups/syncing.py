"""SyncGroup and Heartbeat: what a member does once it has joined a generation.

Every member asks for its part of the assignment. The leader's request brings the whole of it; it is
stored first, so that the next coordinator knows the generation too, and only then given out, to all
who wait. Then heartbeats keep the member's session alive and tell it when to join again.

A member that asks for the assignment of another generation than the current one has missed a
rebalance. One whose protocol differs from the group's mixes up groups.

Source: Kafka's GroupCoordinator (doSyncGroup, handleHeartbeat).
"""

from collections.abc import Mapping

import attrs

from broker.coordinators.background import Background
from broker.groups.directory import GroupDirectory, check_group_id
from broker.groups.group import Group
from broker.groups.group_states import COMPLETING_REBALANCE, PREPARING_REBALANCE, STABLE
from broker.groups.member import Member, SyncResult, Ticket
from broker.groups.rebalancing import Rebalancing
from broker.groups.storing import GroupStore, Write
from broker.wire.errors import ErrorCode, KafkaError
from coordination.values import Recorder


@attrs.frozen
class SyncRequest:
    """A SyncGroup. `assignment` is by member id, from the leader; empty from the others.

    The protocol's type and name come from version 5 on; None is not checked.
    """

    group_id: str
    generation: int
    member_id: str
    group_instance_id: str | None
    protocol_type: str | None
    protocol_name: str | None
    assignment: Mapping[str, bytes]


@attrs.frozen
class Syncing:
    """Handles SyncGroup and Heartbeat. Each ticket is answered now, or is held by a member."""

    directory: GroupDirectory
    rebalancing: Rebalancing
    store: GroupStore
    background: Background
    recorder: Recorder

    def sync(self, request: SyncRequest, ticket: Ticket[SyncResult]) -> None:
        try:
            group, member = self._member(
                request.group_id,
                request.member_id,
                request.group_instance_id,
                request.generation,
            )
            self._check_protocol(group, request)
            self._sync(group, member, request, ticket)
        except KafkaError as error:
            # A loading coordinator does not know the round that this is about. Old clients do not
            # expect to hear of loading here, and joining again is right anyway.
            is_loading = error.code is ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
            ticket.answer(SyncResult(ErrorCode.REBALANCE_IN_PROGRESS if is_loading else error.code))

    def _member(
        self, group_id: str, member_id: str, instance_id: str | None, generation: int
    ) -> tuple[Group, Member]:
        check_group_id(group_id)
        group = self.directory.find(group_id)
        if group is None:
            raise KafkaError(ErrorCode.UNKNOWN_MEMBER_ID)
        member = group.member_for(member_id, instance_id)
        if generation != group.generation:
            raise KafkaError(ErrorCode.ILLEGAL_GENERATION)
        return group, member

    def _check_protocol(self, group: Group, request: SyncRequest) -> None:
        if request.protocol_type not in (None, group.protocol_type) or (
            request.protocol_name not in (None, group.protocol_name)
        ):
            raise KafkaError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)

    def _sync(
        self, group: Group, member: Member, request: SyncRequest, ticket: Ticket[SyncResult]
    ) -> None:
        if group.state is PREPARING_REBALANCE:
            raise KafkaError(ErrorCode.REBALANCE_IN_PROGRESS)
        self.rebalancing.synced(group, member)
        if group.state is STABLE:
            ticket.answer(group.sync_result(member))
            self.rebalancing.keep_alive(group, member)
            return
        assert group.state is COMPLETING_REBALANCE, "an Empty group has no members"
        member.wait_for_sync(ticket)
        if group.leader_id == member.member_id:
            assignment = {m: request.assignment.get(m, b"") for m in group.members}
            write = self.store.group(group, assignment)
            self.background.start(
                self._assign, group, group.generation, member.member_id, assignment, write
            )

    async def _assign(
        self,
        group: Group,
        generation: int,
        leader_id: str,
        assignment: Mapping[str, bytes],
        write: Write,
    ) -> None:
        """The leader's assignment is stored, or not: tell all, unless a round has begun."""
        error = await write.outcome()
        if group.state is not COMPLETING_REBALANCE or group.generation != generation:
            return
        if error is ErrorCode.NONE:
            self.rebalancing.give_assignment(group, assignment)
            group.cause = self.recorder(
                "group.stable", cause=group.cause, group=group.group_id, generation=generation
            )
        else:
            self.rebalancing.refuse_assignment(group, error)
            self.rebalancing.begin(
                group,
                f"Error {error.name} when storing group assignment during SyncGroup "
                f"(member: {leader_id})",
            )

    def heartbeat(
        self, group_id: str, member_id: str, instance_id: str | None, generation: int
    ) -> ErrorCode:
        """NONE, REBALANCE_IN_PROGRESS (join again), or what is wrong with the member."""
        try:
            group, member = self._member(group_id, member_id, instance_id, generation)
        except KafkaError as error:
            # It cannot be told yet whether the member is known; it may keep calm.
            is_loading = error.code is ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
            return ErrorCode.NONE if is_loading else error.code
        self.rebalancing.keep_alive(group, member)
        if group.state is PREPARING_REBALANCE:
            return ErrorCode.REBALANCE_IN_PROGRESS
        return ErrorCode.NONE
