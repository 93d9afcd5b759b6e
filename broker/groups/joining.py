"""JoinGroup: who may become a member, who is one already, and whether the group must rebalance.

    member id   instance id   known?
    empty       none          -        MEMBER_ID_REQUIRED and an id to come back with (from
                                       version 4, KIP-394), else a member at once
    empty       given         no       a new static member
    empty       given         yes      it restarted: it takes its old place under a new member id
    given       none          pending  it came back with its id: a new member
    given       any           yes      it joins the round, or learns that nothing has changed
    given       any           no       UNKNOWN_MEMBER_ID; FENCED_INSTANCE_ID for an old static one

Source: Kafka's GroupCoordinator (handleJoinGroup and the do...JoinGroup family).
"""

import uuid
from collections.abc import Callable
from random import Random
from typing import Final

import attrs

from broker.groups.config import GroupConfig
from broker.groups.directory import GroupDirectory, check_group_id
from broker.groups.group import Group
from broker.groups.group_states import (
    EMPTY,
    PREPARING_REBALANCE,
    STABLE,
)
from broker.groups.member import NO_MEMBER_ID, JoinRequest, JoinResult, Member, Ticket
from broker.groups.rebalancing import Rebalancing
from broker.groups.static_return import StaticReturn
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.reader_source import LONGEST_STRING_BYTES
from coordination.values import Recorder

# A new member cannot send heartbeats while its first JoinGroup waits, and may have given up and
# come back as someone else. After this long it is told to do so.
NEW_MEMBER_JOIN_TIMEOUT_MS: Final = 5 * 60 * 1000


@attrs.frozen
class Joining:
    """Handles JoinGroup. Each ticket is answered now, or is held by a member."""

    config: GroupConfig
    directory: GroupDirectory
    rebalancing: Rebalancing
    static_return: StaticReturn
    recorder: Recorder
    clock_ms: Callable[[], int]
    rng: Random

    def join(self, request: JoinRequest, ticket: Ticket[JoinResult]) -> None:
        try:
            group = self._group(request)
        except KafkaError as error:
            ticket.answer(JoinResult(error.code, request.member_id))
            return
        try:
            self._check_room(group, request.member_id)
            if request.member_id == NO_MEMBER_ID:
                self._join_anew(group, request, ticket)
            else:
                self._join_again(group, request, ticket)
        except KafkaError as error:
            has_no_id = error.code is ErrorCode.GROUP_MAX_SIZE_REACHED
            ticket.answer(JoinResult(error.code, NO_MEMBER_ID if has_no_id else request.member_id))
        self.rebalancing.end_round_if_all_joined(group)

    def _group(self, request: JoinRequest) -> Group:
        check_group_id(request.group_id)
        self.directory.partition_of(request.group_id)
        shortest_ms = self.config.group_min_session_timeout_ms
        longest_ms = self.config.group_max_session_timeout_ms
        if not shortest_ms <= request.session_timeout_ms <= longest_ms:
            raise KafkaError(ErrorCode.INVALID_SESSION_TIMEOUT)
        if request.member_id == NO_MEMBER_ID:
            return self.directory.find_or_create(request.group_id, self.clock_ms())
        group = self.directory.find(request.group_id)
        if group is None:
            raise KafkaError(ErrorCode.UNKNOWN_MEMBER_ID)
        return group

    def _check_room(self, group: Group, member_id: str) -> None:
        """GROUP_MAX_SIZE_REACHED if the group is full; then the member is out.

        During a round those count who have joined it: a group that is too large (the limit was
        lowered) loses whoever comes last.
        """
        member = group.members.get(member_id)
        if group.state is EMPTY:
            return
        if group.state is PREPARING_REBALANCE:
            has_place = member is not None and member.joining is not None
            taken = group.joining_count
        else:
            has_place = member is not None
            taken = len(group.members)
        if not has_place and taken >= self.config.group_max_size:
            if member is not None:
                self.rebalancing.remove(group, member, "the group has reached its maximum size")
            raise KafkaError(ErrorCode.GROUP_MAX_SIZE_REACHED)

    # Without a member id

    def _join_anew(self, group: Group, request: JoinRequest, ticket: Ticket[JoinResult]) -> None:
        if not group.supports(request.protocol_type, request.protocols):
            raise KafkaError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
        instance_id = request.group_instance_id
        member_id = f"{instance_id or request.client_id}-{self._uuid()}"
        if len(member_id.encode()) > LONGEST_STRING_BYTES:
            raise KafkaError(ErrorCode.INVALID_REQUEST)
        if instance_id is not None and instance_id in group.static_members:
            self.static_return.rejoin(group, member_id, request, ticket)
        elif instance_id is not None or not request.requires_member_id:
            self._add(group, member_id, request, ticket)
        else:
            group.pending_members.add(member_id)
            self.rebalancing.watch(group, member_id, request.session_timeout_ms)
            ticket.answer(JoinResult(ErrorCode.MEMBER_ID_REQUIRED, member_id))

    def _uuid(self) -> uuid.UUID:
        return uuid.UUID(int=self.rng.getrandbits(128), version=4)

    def _add(
        self, group: Group, member_id: str, request: JoinRequest, ticket: Ticket[JoinResult]
    ) -> None:
        member = Member(
            member_id=member_id,
            group_instance_id=request.group_instance_id,
            client_id=request.client_id,
            client_host=request.client_host,
            session_timeout_ms=request.session_timeout_ms,
            rebalance_timeout_ms=request.rebalance_timeout_ms,
            protocol_type=request.protocol_type,
            protocols=request.protocols,
            is_new=True,
        )
        member.wait_for_join(ticket)
        if group.extendable_ms is not None and group.generation == 0:
            group.has_latecomer = True
        group.add(member)
        self.rebalancing.watch(group, member_id, NEW_MEMBER_JOIN_TIMEOUT_MS)
        group.cause = self.recorder(
            "group.member_joined",
            cause=group.cause,
            group=group.group_id,
            member=member_id,
            instance=request.group_instance_id,
            host=request.client_host,
        )
        self.rebalancing.begin_if_possible(
            group,
            f"Adding new member {member_id} with group instance id {request.group_instance_id}; "
            f"client reason: {request.reason}",
        )

    # With a member id

    def _join_again(self, group: Group, request: JoinRequest, ticket: Ticket[JoinResult]) -> None:
        member_id = request.member_id
        if not group.supports(request.protocol_type, request.protocols):
            raise KafkaError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
        if member_id in group.pending_members:
            if request.group_instance_id is not None:
                # No static member is ever pending; Kafka calls it an illegal state.
                raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)
            self._add(group, member_id, request, ticket)
            return
        member = group.member_for(member_id, request.group_instance_id)
        has_changed = member.protocols != request.protocols
        # A leader that joins again may have seen something that the others cannot, such as new
        # partitions of a topic.
        leads_stable = group.state is STABLE and group.leader_id == member_id
        if group.state is PREPARING_REBALANCE or has_changed or leads_stable:
            member.join_again(request, ticket)
            what = "Leader" if leads_stable else "Updating metadata for member"
            doing = " re-joining group" if leads_stable else ""
            self.rebalancing.begin_if_possible(
                group,
                f"{what} {member_id}{doing} during {group.state.value}; "
                f"client reason: {request.reason}",
            )
        else:
            # It did not get the answer of this generation: here it is again.
            ticket.answer(group.join_result(member_id))
