"""One replica of one partition: its role, its high watermark, its part in the ISR.

    the role         leader or follower, at which epoch: `roles`. It is data and not a
                     task, so an idle partition costs nothing
    appending        what a leader takes, and when it may be acknowledged
    high watermark   how far the partition is committed: `high_watermark`
    the ISR          which one to propose, by what followers fetch: `follower_progress`, `isr`

Those decide, from values alone. Here is what they decide about: this replica's log, the
epoch that fences who asks, and who must be woken.

Invariants:

- Only a LeaderAndIsr request with a larger leader epoch changes the role.
- log start ≤ high watermark ≤ log end. The high watermark of a leader never
  goes back within an epoch, and a follower learns it from its leader.
- Whoever awaited anything checks the epoch again before it acts.

Everything here is synchronous. What waits (acks=all, long polls) registers with
`moved`, the appends, and `committed`, the high watermark; both happen also when
the role changes, so nobody waits for a leader that is none any more.

Kafka: kafka.cluster.Partition, and the KIPs 101 (leader epochs), 320 (fencing
of fetchers) and 497 (AlterPartition).
"""

from collections.abc import Callable, Collection, Iterable
from uuid import UUID

import attrs

from broker.log.partition_log import PartitionLog
from broker.log.validation import Prepared
from broker.log.values import AppendInfo, Origin
from broker.log.verifications import VerificationGuard
from broker.replica.follower_progress import FollowerProgress
from broker.replica.high_watermark import high_watermark
from broker.replica.roles import Following, Leading
from broker.replica.traffic import Traffic
from broker.waiting import Movement
from broker.wire.errors import ErrorCode, KafkaError
from coordination.values import LeaderAndIsr, TopicPartition


@attrs.define(eq=False)
class Partition:
    """A replica on this broker. Offsets are records, `*_end_offset` exclusive."""

    topic_partition: TopicPartition
    broker_id: int
    topic_id: UUID
    log: PartitionLog
    replica_lag_time_max_s: float
    is_alive: Callable[[int], bool]  # whether the controller counts a broker among the living
    traffic: Traffic = attrs.field(factory=Traffic, kw_only=True)  # of the topic, on this broker
    replicas: tuple[int, ...] = ()
    adding: tuple[int, ...] = attrs.field(default=(), init=False)  # of `replicas`: see `orders`
    removing: tuple[int, ...] = attrs.field(default=(), init=False)
    role: Leading | Following | None = None
    # What will be the log once it has caught up: the replica moves to another log directory.
    future: PartitionLog | None = attrs.field(default=None, init=False)
    is_offline: bool = attrs.field(default=False, init=False)
    # Of the role before it was stopped: an older order isn't obeyed afterwards either.
    _stopped_epoch: int = attrs.field(default=-1, init=False)
    moved: Movement = attrs.field(factory=Movement, init=False)
    committed: Movement = attrs.field(factory=Movement, init=False)

    @property
    def high_watermark(self) -> int:
        return self.log.high_watermark

    @property
    def last_stable_offset(self) -> int:
        """Up to where a read_committed consumer may read; it moves with the high watermark."""
        return self.log.last_stable_offset

    @property
    def is_throttled_as_leader(self) -> bool:
        """Whether what its followers out of sync are given is limited (KIP-73)."""
        throttled = self.log.config.leader_replication_throttled_replicas
        return throttled.includes(self.topic_partition.partition, self.broker_id)

    @property
    def is_throttled_as_follower(self) -> bool:
        throttled = self.log.config.follower_replication_throttled_replicas
        return throttled.includes(self.topic_partition.partition, self.broker_id)

    # -- the role ---------------------------------------------------------------

    @property
    def leader_epoch(self) -> int:
        """The epoch of the latest role, -1 before the first LeaderAndIsr."""
        return self.role.epoch if self.role else self._stopped_epoch

    @property
    def leader(self) -> int:
        """The broker id of the leader as this replica knows it, -1 for none."""
        match self.role:
            case Leading():
                return self.broker_id
            case Following(leader=leader):
                return leader
            case None:
                return -1

    def become_leader(self, state: LeaderAndIsr, replicas: tuple[int, ...], now_s: float) -> None:
        """Lead at `state.leader_epoch`, which starts at our log end."""
        self.replicas = replicas
        start = self.log.log_end_offset
        self.log.assign_epoch_start_offset(state.leader_epoch, start)
        before = self.role if isinstance(self.role, Leading) else None
        followers = [broker for broker in replicas if broker != self.broker_id]
        self.role = Leading.begin(state, followers, start, before, now_s)
        self.advance_high_watermark(now_s)
        self.wake_all()

    def become_follower(self, state: LeaderAndIsr, replicas: tuple[int, ...]) -> None:
        """Follow `state.leader` at its epoch; what it answers tells where to truncate."""
        self.replicas = replicas
        self.role = Following(epoch=state.leader_epoch, leader=state.leader)
        self.wake_all()

    def stop(self) -> None:
        """Have no role any more: the replica is being removed."""
        self._stopped_epoch = self.leader_epoch
        self.role = None
        self.wake_all()

    def go_offline(self) -> None:
        """The log directory has failed: have no role, and say why to whoever waits."""
        self.is_offline = True
        self.stop()

    def wake_all(self) -> None:
        self.moved.happened()
        self.committed.happened()

    def leading(self, current_leader_epoch: int = -1) -> Leading:
        """Our role as leader, for a request that believes in `current_leader_epoch` (-1: any).

        Raises `KafkaError` FENCED_LEADER_EPOCH for an older epoch than ours,
        UNKNOWN_LEADER_EPOCH for a newer, NOT_LEADER_OR_FOLLOWER if we don't lead,
        KAFKA_STORAGE_ERROR from the moment on at which the log directory has failed.
        """
        self.check_epoch(current_leader_epoch)
        if not isinstance(self.role, Leading):
            raise self._without_role(f"does not lead {self.topic_partition}")
        self.log.check_storage()
        return self.role

    def serving(self, current_leader_epoch: int = -1) -> None:
        """As `leading`, for who may read from a follower too (KIP-392)."""
        self.check_epoch(current_leader_epoch)
        if self.role is None:
            raise self._without_role(f"has no replica of {self.topic_partition} any more")
        self.log.check_storage()

    def _without_role(self, what: str) -> KafkaError:
        return KafkaError(
            ErrorCode.KAFKA_STORAGE_ERROR if self.is_offline else ErrorCode.NOT_LEADER_OR_FOLLOWER,
            f"broker {self.broker_id} {what}",
        )

    def check_epoch(self, current_leader_epoch: int) -> None:
        """Fence a request that believes in another leader epoch than ours (KIP-320)."""
        if current_leader_epoch in (-1, self.leader_epoch):
            return
        raise KafkaError(
            ErrorCode.FENCED_LEADER_EPOCH
            if current_leader_epoch < self.leader_epoch
            else ErrorCode.UNKNOWN_LEADER_EPOCH,
            f"{self.topic_partition}: the request is at leader epoch {current_leader_epoch}, "
            f"this broker at {self.leader_epoch}",
        )

    # -- appending --------------------------------------------------------------

    @property
    def min_isr(self) -> int:
        """min.insync.replicas as it counts: never more than there are replicas."""
        return min(self.log.config.min_insync_replicas, len(self.replicas))

    @property
    def is_under_min_isr(self) -> bool:
        return len(self.leading().isr) < self.min_isr

    @property
    def is_under_replicated(self) -> bool:
        """Whether a replica is out of sync, but for those that a reassignment only brings.

        Kafka: Partition.isUnderReplicated.
        """
        return len(self.leading().isr) < self.expected_isr

    @property
    def expected_isr(self) -> int:
        """How many replicas are in sync if all is well."""
        return len(self.replicas) - len(self.adding)

    @property
    def is_reassigning(self) -> bool:
        return bool(self.adding or self.removing)

    def append_as_leader(
        self,
        records: memoryview | Prepared,
        acks: int,
        now_s: float,
        origin: Origin = Origin.CLIENT,
        guard: VerificationGuard | None = None,
    ) -> AppendInfo:
        """Append a producer's batches; raises `KafkaError`, with nothing appended then.

        With acks=all the ISR must have `min.insync.replicas` members *before*
        the append (NOT_ENOUGH_REPLICAS); see `is_acknowledged` for after it.
        `guard` is of `broker.replica.verification`, for who begins a transaction.

        A batch that is sent again because its answer was lost, and that we hold,
        is not refused like that (it is in Kafka): the producer would take it for
        not written. If its next batch then meets a larger ISR it's out of order,
        librdkafka begins a new epoch with the refused one, and it's there twice.
        """
        leading = self.leading()
        if (
            acks == -1
            and self.is_under_min_isr
            and not (origin is Origin.CLIENT and self.log.holds(records))
        ):
            raise KafkaError(
                ErrorCode.NOT_ENOUGH_REPLICAS,
                f"The size of the current ISR {sorted(leading.isr)} is insufficient to satisfy "
                f"the min.isr requirement of {self.min_isr} for partition {self.topic_partition}",
            )
        info = self.log.append_as_leader(records, leading.epoch, origin, guard)
        self.moved.happened()
        self.advance_high_watermark(now_s)
        return info

    def is_acknowledged(self, end_offset: int, leader_epoch: int) -> bool:
        """True when everything before `end_offset`, appended at `leader_epoch`, is committed.

        Raises `KafkaError` NOT_LEADER_OR_FOLLOWER when we lost the leadership
        since, be it that we have it back (the record may be lost with it),
        NOT_ENOUGH_REPLICAS_AFTER_APPEND when it's committed by fewer than
        `min.insync.replicas`. A newer epoch of our own is no loss: it begins
        whenever a member of the ISR dies.
        """
        leading = self.leading()
        if leader_epoch < leading.first_epoch:
            raise KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER, "another broker has led meanwhile")
        if self.high_watermark < end_offset:
            return False
        if self.is_under_min_isr:
            raise KafkaError(
                ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
                f"committed by {len(leading.isr)} replicas, {self.min_isr} are required",
            )
        return True

    # -- the high watermark -----------------------------------------------------

    def advance_high_watermark(self, now_s: float) -> None:
        """Move the leader's high watermark to what is now committed, never back.

        Under `min.insync.replicas` it stays (Kafka 3.9): an acks=1 record is
        acknowledged then, but no consumer sees it.
        """
        leading = self.leading()
        if self.is_under_min_isr:
            return
        offset = leading.committed_offset(
            self.log.log_end_offset, now_s, self.replica_lag_time_max_s, self.is_alive
        )
        if offset > self.high_watermark:
            self.log.update_high_watermark(offset)
            self.committed.happened()

    def follow_high_watermark(self, leader_high_watermark: int) -> None:
        """A follower's: what the leader answered, as far as our own log goes."""
        before = self.high_watermark
        if self.log.update_high_watermark(leader_high_watermark) != before:
            self.committed.happened()

    @property
    def kept_offset(self) -> int:
        """Up to where the leader's log can't be lost, but by an unclean election.

        Every member of the ISR has it, however few they are: nobody else may be elected.
        """
        leading = self.leading()
        everyone = high_watermark(
            self.log.log_end_offset, leading.followers, leading.maximal_isr, ()
        )
        return max(everyone, self.high_watermark)

    def low_watermark(self, live: Collection[int]) -> int:
        """The smallest log start offset of the leader and its live followers."""
        followers = self.leading().followers
        return min(
            [self.log.log_start_offset]
            + [f.log_start_offset for broker, f in followers.items() if broker in live]
        )

    # -- the followers and the ISR ----------------------------------------------------------------

    def follower_fetched(
        self,
        follower: int,
        fetch_offset: int,
        log_start_offset: int,
        now_s: float,
        broker_epoch: int,
    ) -> bool:
        """A follower asks for `fetch_offset`, so it has everything before it; whether it's news.

        A request that was under way while the follower died and came back says what
        its former life had: it is none. Raises what `follower` does.
        """
        state = self.follower(follower)
        if -1 < broker_epoch < state.broker_epoch:
            return False
        its_start_moved = log_start_offset != state.log_start_offset
        state.fetched(fetch_offset, log_start_offset, self.log.log_end_offset, now_s, broker_epoch)
        self.advance_high_watermark(now_s)
        if its_start_moved:
            self.moved.happened()  # for DeleteRecords, which waits for the low watermark
        return True

    def follower(self, broker_id: int, current_leader_epoch: int = -1) -> FollowerProgress:
        """What we know of a follower that believes in this leader epoch (-1: it doesn't say).

        Raises what `leading` does; and for a broker that is not an assigned replica
        UNKNOWN_LEADER_EPOCH, for one of us has yet to learn of a change, or, if it didn't say
        which epoch it's at, NOT_LEADER_OR_FOLLOWER (Partition.followerReplicaOrThrow).
        """
        state = self.leading(current_leader_epoch).followers.get(broker_id)
        if state is None:
            raise KafkaError(
                ErrorCode.NOT_LEADER_OR_FOLLOWER
                if current_leader_epoch < 0
                else ErrorCode.UNKNOWN_LEADER_EPOCH,
                f"broker {broker_id} is not a replica of {self.topic_partition}",
            )
        return state

    def joining_isr(self, follower: int, now_s: float) -> tuple[int, ...] | None:
        """The ISR to propose because `follower` has caught up; None for no change.

        Under `min.insync.replicas` the high watermark stands still, and to have come up to it is
        no proof: who joined by it, far from the log's end, would be dropped again (KAFKA-19996).
        """
        leading = self.leading()
        isr = leading.joining_isr(follower, self.high_watermark)
        if isr is not None and self.is_under_min_isr:
            end, longest_s = self.log.log_end_offset, self.replica_lag_time_max_s
            if not leading.followers[follower].is_caught_up(end, now_s, longest_s):
                return None
        return isr

    def shrunk_isr(self, now_s: float) -> tuple[int, ...] | None:
        """The ISR to propose without the followers that lag; None for no change."""
        return self.leading().shrunk_isr(
            self.broker_id, self.log.log_end_offset, now_s, self.replica_lag_time_max_s
        )

    def isr_altered(self, isr: Iterable[int], partition_epoch: int, now_s: float) -> None:
        """The controller has persisted `isr`: it's in force, and no proposal is pending."""
        self.leading().take_isr(isr, partition_epoch)
        self.advance_high_watermark(now_s)
        # An acks=all wait looks again even if nothing moved: the ISR may be too small now.
        self.committed.happened()
