"""A consumer group as plain data: who is in it, what they agreed on, how far they have consumed.

A group lives in generations. In each round of joining every member names the assignors that it can
run (its *protocols*, best first); those that all members share are candidates, each member votes
for the one it likes best, and one member, the leader, runs the winner and hands in the assignment.
A new generation begins when the round ends, and only its members may sync, beat and commit.

A member is known by its member id. Besides:

* `pending_members` were given an id but have not come back with it (KIP-394). The round waits for
  them, since they will, and their coming would start another.
* `static_members`: a member with an instance id may leave and return under a new member id without
  losing its place (KIP-345). The newest member id of an instance is the one that counts; the
  others are fenced.
* `unsynced_members` have been told of the generation and not asked for their assignment yet.

Nothing here waits, reads a clock or knows of a log. Methods keep the tables consistent; when a
round begins and ends is decided in `rebalancing.py`.

Source: Kafka's `GroupMetadata`.
"""

from collections import Counter

import attrs

from broker.groups.committed_offsets import GroupOffsets
from broker.groups.group_states import (
    DEAD,
    EMPTY,
    PREPARING_REBALANCE,
    TRANSITIONS,
    GroupState,
    check_transition,
)
from broker.groups.member import (
    NO_MEMBER_ID,
    JoinedMember,
    JoinResult,
    Member,
    Protocols,
    SyncResult,
)
from broker.groups.subscription import CONSUMER, subscribed_topics
from broker.wire.errors import ErrorCode, KafkaError


@attrs.define(eq=False)
class Group:
    """One group. `state_since_ms` is wall-clock time, None if an old record did not have it."""

    group_id: str
    state_since_ms: int | None
    state: GroupState = EMPTY
    generation: int = 0
    protocol_type: str | None = None
    protocol_name: str | None = None
    leader_id: str | None = None
    members: dict[str, Member] = attrs.field(factory=dict)  # by member id, in order of arrival
    static_members: dict[str, str] = attrs.field(factory=dict)  # instance id to member id
    pending_members: set[str] = attrs.field(factory=set)
    unsynced_members: set[str] = attrs.field(factory=set)
    # None when it cannot be told, because they are no consumers or wrote what we cannot read.
    subscribed_topics: frozenset[str] | None = None
    offsets: GroupOffsets = attrs.field(factory=GroupOffsets)
    # The first round of a group is kept open for latecomers (group.initial.rebalance.delay.ms):
    # how much longer it may be extended, and whether someone came who is worth it.
    extendable_ms: int | None = None
    has_latecomer: bool = False
    # The id of the trace's event that brought the group where it is.
    cause: str | None = None

    def move_to(self, state: GroupState, now_ms: int) -> None:
        """Change the state; IllegalTransition if the table has no such way."""
        check_transition(self.group_id, self.state, state)
        self.state = state
        self.state_since_ms = now_ms

    @property
    def can_rebalance(self) -> bool:
        return PREPARING_REBALANCE in TRANSITIONS[self.state]

    @property
    def rebalance_timeout_ms(self) -> int:
        """How long a round waits: as long as the most patient member wants."""
        return max((member.rebalance_timeout_ms for member in self.members.values()), default=0)

    @property
    def joining_count(self) -> int:
        return sum(member.joining is not None for member in self.members.values())

    @property
    def all_have_joined(self) -> bool:
        return not self.pending_members and self.joining_count == len(self.members)

    def member_for(self, member_id: str, group_instance_id: str | None) -> Member:
        """The member that a request names.

        FENCED_INSTANCE_ID: the instance has a newer member id. UNKNOWN_MEMBER_ID: no such member.
        """
        if group_instance_id is not None:
            current = self.static_members.get(group_instance_id)
            if current is not None and current != member_id:
                raise KafkaError(ErrorCode.FENCED_INSTANCE_ID)
            if current is None:
                raise KafkaError(ErrorCode.UNKNOWN_MEMBER_ID)
        if member_id not in self.members:
            raise KafkaError(ErrorCode.UNKNOWN_MEMBER_ID)
        return self.members[member_id]

    # Members come and go

    def add(self, member: Member) -> None:
        """A new member; its instance id, if any, must be free."""
        if member.group_instance_id is not None:
            assert member.group_instance_id not in self.static_members
            self.static_members[member.group_instance_id] = member.member_id
        if not self.members:
            self.protocol_type = member.protocol_type
        if self.leader_id is None:
            self.leader_id = member.member_id
        self.members[member.member_id] = member
        self.pending_members.discard(member.member_id)

    def remove(self, member_id: str) -> None:
        """Forget a member or a pending one; the oldest remaining member succeeds a leader."""
        member = self.members.pop(member_id, None)
        if member is not None and member.group_instance_id is not None:
            del self.static_members[member.group_instance_id]
        if self.leader_id == member_id:
            self.leader_id = next(iter(self.members), None)
        self.pending_members.discard(member_id)
        self.unsynced_members.discard(member_id)

    def replace_static_member(self, old_id: str, new_id: str) -> Member:
        """Give a static member another member id; whoever still waits as the old one is fenced."""
        member = self.members.pop(old_id)
        assert member.group_instance_id is not None
        member.answer_join(JoinResult(ErrorCode.FENCED_INSTANCE_ID, old_id))
        member.answer_sync(SyncResult(ErrorCode.FENCED_INSTANCE_ID))
        member.member_id = new_id
        self.members[new_id] = member
        self.static_members[member.group_instance_id] = new_id
        if old_id in self.unsynced_members:
            self.unsynced_members.remove(old_id)
            self.unsynced_members.add(new_id)
        if self.leader_id == old_id:
            self.leader_id = new_id
        return member

    # What they agree on

    def supports(self, protocol_type: str, protocols: Protocols) -> bool:
        """Whether someone who offers these can be a member together with the others."""
        if self.state is EMPTY:
            return bool(protocol_type) and bool(protocols)
        offered = {name for name, _ in protocols}
        return protocol_type == self.protocol_type and bool(
            offered & self._candidates() if self.members else offered
        )

    def _candidates(self) -> set[str]:
        """The protocols that all members offer."""
        offers = [{name for name, _ in member.protocols} for member in self.members.values()]
        return set.intersection(*offers) if offers else set()

    def select_protocol(self) -> str:
        """The candidate with most votes; of several, the one voted for first. Needs a member."""
        candidates = self._candidates()
        votes = Counter(member.vote(candidates) for member in self.members.values())
        return votes.most_common(1)[0][0]

    def elect_joined_leader(self) -> bool:
        """See to it that the leader is one who has joined; False if no member has."""
        leader = self.members.get(self.leader_id or NO_MEMBER_ID)
        if leader is None or leader.joining is None:
            joined = (
                member.member_id for member in self.members.values() if member.joining is not None
            )
            new_leader = next(joined, None)
            if new_leader is None:
                return False
            self.leader_id = new_leader
        return True

    def next_generation(self) -> None:
        """Count the generation and select its protocol; the state is the caller's matter."""
        self.generation += 1
        self.protocol_name = self.select_protocol() if self.members else None
        self.unsynced_members.clear()
        self.note_subscriptions()

    def note_subscriptions(self) -> None:
        """Work out `subscribed_topics` anew, from what the members said of themselves."""
        self.subscribed_topics = None
        if self.protocol_type == CONSUMER:
            protocol = self.protocol_name
            if protocol is not None or not self.members:
                said = [member.metadata(protocol or "") for member in self.members.values()]
                self.subscribed_topics = subscribed_topics(said)

    def consumes(self, topic: str) -> bool:
        """Whether a member subscribes to the topic; yes when it cannot be told."""
        return self.subscribed_topics is None or topic in self.subscribed_topics

    # What they are told

    def joined_members(self) -> tuple[JoinedMember, ...]:
        """What the leader needs to know. The generation's protocol must be selected."""
        protocol = self.protocol_name
        assert protocol is not None
        return tuple(
            JoinedMember(member.member_id, member.group_instance_id, member.metadata(protocol))
            for member in self.members.values()
        )

    def join_result(self, member_id: str) -> JoinResult:
        """The answer to a member's JoinGroup in the current generation."""
        return JoinResult(
            ErrorCode.NONE,
            member_id,
            self.generation,
            self.protocol_type,
            self.protocol_name,
            self.leader_id or NO_MEMBER_ID,
            members=self.joined_members() if member_id == self.leader_id else (),
        )

    def sync_result(self, member: Member) -> SyncResult:
        """The answer to a member's SyncGroup in the current generation."""
        return SyncResult(ErrorCode.NONE, member.assignment, self.protocol_type, self.protocol_name)

    @property
    def is_alive(self) -> bool:
        return self.state is not DEAD
