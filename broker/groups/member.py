"""One member of a group, and what it may be waiting for.

A member's JoinGroup is answered when the round of joining ends, its SyncGroup when the leader's
assignment is stored. Until then the member holds a *ticket*: the waiting request's claim to one
answer. The group decides and answers tickets; who waits on the other side, and how, is not its
concern (`one_answer.py` at the async edge, a list in a test).

Every ticket is answered exactly once. A second request of the same member takes the first one's
place, and the first is told REBALANCE_IN_PROGRESS: nobody waits for a ticket that was forgotten.

Source: Kafka's `MemberMetadata`, whose callbacks are our tickets.
"""

from collections.abc import Iterable
from typing import Final, Protocol, TypeVar

import attrs

from broker.wire.errors import ErrorCode

NO_MEMBER_ID: Final = ""
NO_GENERATION: Final = -1

T_contra = TypeVar("T_contra", contravariant=True)

# The assignors that a member offers, best first, each with what it says of itself (for consumers:
# the topics it subscribes to).
Protocols = tuple[tuple[str, bytes], ...]


class Ticket(Protocol[T_contra]):
    """A waiting request's claim to one answer."""

    def answer(self, result: T_contra) -> None: ...


@attrs.frozen
class JoinRequest:
    """A JoinGroup, apart from its version."""

    group_id: str
    member_id: str
    group_instance_id: str | None
    client_id: str
    client_host: str
    session_timeout_ms: int
    rebalance_timeout_ms: int
    protocol_type: str
    protocols: Protocols
    requires_member_id: bool  # from version 4
    can_skip_assignment: bool  # from version 9
    reason: str = "not provided"


@attrs.frozen
class JoinedMember:
    """What the leader is told of each member, to work out the assignment."""

    member_id: str
    group_instance_id: str | None
    metadata: bytes


@attrs.frozen
class JoinResult:
    """The answer to a JoinGroup. `members` is for the leader only."""

    error: ErrorCode
    member_id: str
    generation: int = NO_GENERATION
    protocol_type: str | None = None
    protocol_name: str | None = None
    leader_id: str = NO_MEMBER_ID
    skip_assignment: bool = False
    members: tuple[JoinedMember, ...] = ()


@attrs.frozen
class SyncResult:
    """The answer to a SyncGroup: this member's part of the assignment."""

    error: ErrorCode
    assignment: bytes = b""
    protocol_type: str | None = None
    protocol_name: str | None = None


@attrs.define(eq=False)
class Member:
    """A member of one group. `group_instance_id` makes it a static one (KIP-345)."""

    member_id: str
    group_instance_id: str | None
    client_id: str
    client_host: str
    session_timeout_ms: int
    rebalance_timeout_ms: int
    protocol_type: str
    protocols: Protocols
    assignment: bytes = b""
    # True until its first JoinGroup is answered. It has no id to send heartbeats with yet.
    is_new: bool = False
    joining: Ticket[JoinResult] | None = None
    syncing: Ticket[SyncResult] | None = None

    @property
    def is_static(self) -> bool:
        return self.group_instance_id is not None

    @property
    def needs_no_heartbeat(self) -> bool:
        """A member that waits for us cannot be asked to show that it lives; a new one must be,
        or those that gave up and came back as someone else would never go away."""
        return not self.is_new and (self.joining is not None or self.syncing is not None)

    def metadata(self, protocol_name: str) -> bytes:
        """What it said of itself for that assignor; KeyError if it does not offer it."""
        return dict(self.protocols)[protocol_name]

    def vote(self, candidates: Iterable[str]) -> str:
        """The candidate that it likes best; it must offer one of them."""
        allowed = set(candidates)
        return next(name for name, _ in self.protocols if name in allowed)

    def join_again(self, request: JoinRequest, ticket: Ticket[JoinResult]) -> None:
        """It joins the next generation, maybe with other protocols."""
        self.protocols = request.protocols
        self.session_timeout_ms = request.session_timeout_ms
        self.rebalance_timeout_ms = request.rebalance_timeout_ms
        self.wait_for_join(ticket)

    def wait_for_join(self, ticket: Ticket[JoinResult]) -> None:
        self.answer_join(JoinResult(ErrorCode.REBALANCE_IN_PROGRESS, self.member_id))
        self.joining = ticket

    def wait_for_sync(self, ticket: Ticket[SyncResult]) -> None:
        self.answer_sync(SyncResult(ErrorCode.REBALANCE_IN_PROGRESS))
        self.syncing = ticket

    def answer_join(self, result: JoinResult) -> None:
        """Answer its JoinGroup, if it waits for one."""
        ticket, self.joining = self.joining, None
        if ticket is not None:
            ticket.answer(result)

    def answer_sync(self, result: SyncResult) -> bool:
        """Answer its SyncGroup, if it waits for one; says whether it did."""
        ticket, self.syncing = self.syncing, None
        if ticket is None:
            return False
        ticket.answer(result)
        return True
