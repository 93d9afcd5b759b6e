"""The course of a rebalance: a round of joining, a generation, an assignment, and who is late.

    begin ──▶ PreparingRebalance ──── all have joined, or the JOIN deadline ───▶ end_round
                 members' JoinGroups wait                                            │
                                                     the late are out; JoinGroups are answered
                                                                                     ▼
    give_assignment ◀── stored ◀── the leader's SyncGroup ◀─────────── CompletingRebalance
         │                                                     SyncGroups of the others wait
         ▼
      Stable        whoever has not synced by the SYNC deadline is out, and a new round begins

The first round of a group is held open a little (group.initial.rebalance.delay.ms) and then again
as long as newcomers keep arriving, or starting ten consumers would make ten generations.

Nothing here awaits: between two awaits of anybody, a group goes from one consistent state to the
next. The record of a generation is appended in the same step as the decision, so the log has them
in the same order; what must wait for its replication is a background task that looks again at the
group's state and generation afterwards.

Source: Kafka's GroupCoordinator (prepareRebalance, onCompleteJoin, onExpirePendingSync,
onExpireHeartbeat), DelayedJoin, InitialDelayedJoin, DelayedSync, DelayedHeartbeat.
"""

from collections.abc import Callable, Mapping
from typing import Final

import attrs

from broker.coordinators.background import Background
from broker.groups.config import GroupConfig
from broker.groups.deadlines import Deadline, Deadlines, Kind
from broker.groups.group import Group
from broker.groups.group_states import (
    COMPLETING_REBALANCE,
    DEAD,
    EMPTY,
    PREPARING_REBALANCE,
    STABLE,
)
from broker.groups.member import NO_MEMBER_ID, JoinResult, Member, SyncResult
from broker.groups.storing import GroupStore, Write
from broker.wire.errors import ErrorCode
from coordination.values import Recorder

# Members may say that a round has no time at all; looking again and again would take all of ours.
SHORTEST_WAIT_FOR_STATIC_MEMBERS_MS: Final = 1000


@attrs.frozen
class Rebalancing:
    """Moves groups through their rounds. Every method may be called at any time, in any state."""

    config: GroupConfig
    deadlines: Deadlines
    store: GroupStore
    background: Background
    recorder: Recorder
    clock_ms: Callable[[], int]

    # A round of joining

    def begin_if_possible(self, group: Group, reason: str) -> None:
        """Begin a round, unless one is under way."""
        if group.can_rebalance:
            self.begin(group, reason)

    def begin(self, group: Group, reason: str) -> None:
        """Begin a round of joining; `reason` is what Kafka logs."""
        if group.state is COMPLETING_REBALANCE:
            self.refuse_assignment(group, ErrorCode.REBALANCE_IN_PROGRESS)
        self._end_sync(group)
        is_first = group.state is EMPTY
        group.move_to(PREPARING_REBALANCE, self.clock_ms())
        group.cause = self.recorder(
            "group.rebalance",
            cause=group.cause,
            group=group.group_id,
            generation=group.generation,
            reason=reason,
        )
        if is_first:
            delay_ms = self.config.group_initial_rebalance_delay_ms
            group.extendable_ms = max(group.rebalance_timeout_ms - delay_ms, 0)
            group.has_latecomer = False
            self.deadlines.set(Deadline(Kind.JOIN, group), delay_ms)
        else:
            self.deadlines.set(Deadline(Kind.JOIN, group), group.rebalance_timeout_ms)
            self.end_round_if_all_joined(group)

    def end_round_if_all_joined(self, group: Group) -> None:
        """End the round early if nobody is missing; the first round takes its time."""
        if (
            group.state is PREPARING_REBALANCE
            and group.extendable_ms is None
            and group.all_have_joined
        ):
            self._end_round(group)

    def _join_deadline(self, group: Group) -> None:
        if group.extendable_ms and group.has_latecomer:
            delay_ms = min(self.config.group_initial_rebalance_delay_ms, group.extendable_ms)
            group.extendable_ms -= delay_ms
            group.has_latecomer = False
            self.deadlines.set(Deadline(Kind.JOIN, group), delay_ms)
        else:
            self._end_round(group)

    def _end_round(self, group: Group) -> None:
        group.extendable_ms = None
        self.deadlines.cancel(Deadline(Kind.JOIN, group))
        # A static member may be restarting: it keeps its place until its session ends.
        late = [m for m in group.members.values() if m.joining is None and not m.is_static]
        for member in late:
            self._forget(group, member, "did not rejoin before the rebalance timeout")
        if group.members and not group.elect_joined_leader():
            # Only static members, and none is back: their sessions decide.
            again_ms = max(group.rebalance_timeout_ms, SHORTEST_WAIT_FOR_STATIC_MEMBERS_MS)
            self.deadlines.set(Deadline(Kind.JOIN, group), again_ms)
            return
        group.next_generation()
        group.move_to(COMPLETING_REBALANCE if group.members else EMPTY, self.clock_ms())
        group.cause = self.recorder(
            "group.generation",
            cause=group.cause,
            group=group.group_id,
            generation=group.generation,
            state=group.state.value,
            protocol=group.protocol_name,
            leader=group.leader_id,
            members=list(group.members),
        )
        if group.members:
            self._answer_joins(group)
        else:
            self.background.start(self._store_empty, group, self.store.group(group, {}))

    def _answer_joins(self, group: Group) -> None:
        for member in group.members.values():
            member.answer_join(group.join_result(member.member_id))
            member.is_new = False
            self.keep_alive(group, member)
            group.unsynced_members.add(member.member_id)
        self.deadlines.set(Deadline(Kind.SYNC, group), group.rebalance_timeout_ms)

    async def _store_empty(self, group: Group, write: Write) -> None:
        error = await write.outcome()
        if error is not ErrorCode.NONE:
            # Harmless: who loads the generation before will find its members gone soon enough.
            self.recorder(
                "group.write_failed", cause=group.cause, group=group.group_id, error=error.name
            )

    # The assignment

    def synced(self, group: Group, member: Member) -> None:
        """A member has asked for its assignment."""
        group.unsynced_members.discard(member.member_id)
        if not group.unsynced_members:
            self.deadlines.cancel(Deadline(Kind.SYNC, group))

    def give_assignment(self, group: Group, assignment: Mapping[str, bytes]) -> None:
        """The leader's assignment is stored: the group is Stable, who waits gets its part."""
        for member in group.members.values():
            member.assignment = assignment[member.member_id]
            self._answer_sync(group, member, group.sync_result(member))
        group.move_to(STABLE, self.clock_ms())

    def refuse_assignment(self, group: Group, error: ErrorCode) -> None:
        """There will be no assignment in this generation: tell those who wait for theirs."""
        for member in group.members.values():
            member.assignment = b""
            self._answer_sync(group, member, SyncResult(error))

    def _answer_sync(self, group: Group, member: Member, result: SyncResult) -> None:
        if member.answer_sync(result):
            # While it waited its session could not end, and maybe its deadline has passed.
            self.keep_alive(group, member)

    def _sync_deadline(self, group: Group) -> None:
        missing = sorted(group.unsynced_members)
        for member_id in missing:
            self._forget(group, group.members[member_id], "did not sync before the timeout")
        self.begin(group, f"Removing {missing} on pending sync request expiration")

    def _end_sync(self, group: Group) -> None:
        group.unsynced_members.clear()
        self.deadlines.cancel(Deadline(Kind.SYNC, group))

    # Members' lives

    def keep_alive(self, group: Group, member: Member) -> None:
        """A member was heard of: its session begins anew."""
        self.watch(group, member.member_id, member.session_timeout_ms)

    def watch(self, group: Group, member_id: str, timeout_ms: int) -> None:
        """Expect to hear of a member, or a pending one, within that time."""
        self.deadlines.set(Deadline(Kind.SESSION, group, member_id), timeout_ms)

    def forget_session(self, group: Group, member_id: str) -> None:
        """There is no such member any more to hear of."""
        self.deadlines.cancel(Deadline(Kind.SESSION, group, member_id))

    def remove(self, group: Group, member: Member, reason: str) -> None:
        """A member left or failed: the others rebalance."""
        self._forget(group, member, reason)
        self.begin_if_possible(group, reason)
        self.end_round_if_all_joined(group)

    def remove_pending(self, group: Group, member_id: str) -> None:
        """Someone who was given an id will not come back with it."""
        group.remove(member_id)
        self.forget_session(group, member_id)
        self.end_round_if_all_joined(group)

    def _forget(self, group: Group, member: Member, reason: str) -> None:
        # It may still wait: it is told to come back as someone else, if it is still there.
        member.answer_join(JoinResult(ErrorCode.UNKNOWN_MEMBER_ID, NO_MEMBER_ID))
        member.answer_sync(SyncResult(ErrorCode.UNKNOWN_MEMBER_ID))
        group.remove(member.member_id)
        self.forget_session(group, member.member_id)
        group.cause = self.recorder(
            "group.member_left",
            cause=group.cause,
            group=group.group_id,
            member=member.member_id,
            reason=reason,
        )

    def _session_deadline(self, group: Group, member_id: str) -> None:
        member = group.members.get(member_id)
        if member_id in group.pending_members:
            self.remove_pending(group, member_id)
        elif member is not None and not member.needs_no_heartbeat:
            self.remove(group, member, f"removing member {member_id} on heartbeat expiration")

    # Time, and the end

    def due(self, deadline: Deadline) -> None:
        """A deadline has come."""
        kind, group, member_id = deadline
        match kind:
            case Kind.JOIN:
                self._join_deadline(group)
            case Kind.SYNC:
                self._sync_deadline(group)
            case Kind.SESSION:
                self._session_deadline(group, member_id)

    def bury(self, group: Group) -> None:
        """The group is not ours any more, or gone: nobody waits on, no deadline is left."""
        group.move_to(DEAD, self.clock_ms())
        for member in group.members.values():
            member.answer_join(JoinResult(ErrorCode.NOT_COORDINATOR, member.member_id))
            member.answer_sync(SyncResult(ErrorCode.NOT_COORDINATOR))
        for member_id in [*group.members, *group.pending_members]:
            self.forget_session(group, member_id)
        self.deadlines.cancel(Deadline(Kind.JOIN, group))
        self.deadlines.cancel(Deadline(Kind.SYNC, group))
