"""The two roles of a replica, as data with an epoch: a leader's state, and a follower's.

    ┌───────────┐  LeaderAndIsr(leader = me)    ┌──────────┐
    │ no role   │ ────────────────────────────► │ Leading  │ appends, serves fetches,
    │ (offline) │                               │ epoch n  │ counts followers, proposes ISRs
    └───────────┘                               └──────────┘
          │       LeaderAndIsr(leader = other)     ▲    │
          │                                        │    ▼   each with a larger epoch
          │                                     ┌──────────┐
          └───────────────────────────────────► │Following │ copies `leader`'s log
                                                │ epoch m  │ (broker.replica.fetcher)
                                                └──────────┘

What a leader decides from its state alone is here too: which ISR to propose, and how far the
partition is committed. Its log, its clock and its limits it's told.

    isr             what the controller has persisted: in force
    proposed_isr    what we have asked it to persist, pending; at most one at a time (KIP-497)

Kafka: PartitionState, CommittedPartitionState, PendingPartitionChange.
"""

from collections.abc import Callable, Iterable
from typing import Self

import attrs

from broker.replica.follower_progress import FollowerProgress
from broker.replica.high_watermark import high_watermark
from broker.replica.isr import can_join_isr, out_of_sync
from coordination.values import LeaderAndIsr


@attrs.define
class Leading:
    """This broker leads the partition at `epoch`, and has led it since `first_epoch` on end."""

    epoch: int
    first_epoch: int
    epoch_start_offset: int
    isr: tuple[int, ...]  # in the order of joining, as the znode has it
    partition_epoch: int
    followers: dict[int, FollowerProgress]
    proposed_isr: tuple[int, ...] | None = None

    @classmethod
    def begin(
        cls,
        state: LeaderAndIsr,
        followers: Iterable[int],
        start_offset: int,
        before: "Leading | None",
        now_s: float,
    ) -> Self:
        """A new epoch; `before` is this broker's own leadership just until now, if it had it.

        The ISR's followers start as caught up now: each gets `replica.lag.time.max.ms`
        to show that it is in sync before it's dropped. The others have yet to catch up.
        """
        known = before.followers if before else {}
        progress = {broker: known.get(broker) or FollowerProgress() for broker in followers}
        for broker, follower in progress.items():
            follower.led_anew(broker in state.isr, now_s, start_offset)
        return cls(
            epoch=state.leader_epoch,
            first_epoch=before.first_epoch if before else state.leader_epoch,
            epoch_start_offset=start_offset,
            isr=state.isr,
            partition_epoch=state.partition_epoch,
            followers=progress,
        )

    @property
    def maximal_isr(self) -> frozenset[int]:
        """The largest ISR that may be in force: see `broker.replica.high_watermark`."""
        return frozenset(self.isr + (self.proposed_isr or ()))

    def committed_offset(
        self,
        log_end_offset: int,
        now_s: float,
        lag_time_max_s: float,
        is_alive: Callable[[int], bool],
    ) -> int:
        """Up to where everyone has the log who is in the ISR, or about to join it.

        A broker that has just stopped won't join, however recent its last fetch is
        (Kafka: isReplicaIsrEligible).
        """
        maximal_isr = self.maximal_isr
        may_join = (
            broker
            for broker, follower in self.followers.items()
            if broker not in maximal_isr
            and follower.is_caught_up(log_end_offset, now_s, lag_time_max_s)
            and is_alive(broker)
        )
        return high_watermark(log_end_offset, self.followers, maximal_isr, may_join)

    def joining_isr(self, follower: int, committed_offset: int) -> tuple[int, ...] | None:
        """The ISR to propose because `follower` has caught up; None for no change."""
        if self.proposed_isr is not None or follower in self.isr:
            return None
        if not can_join_isr(self.followers[follower], committed_offset, self.epoch_start_offset):
            return None
        return (*self.isr, follower)

    def shrunk_isr(
        self, leader: int, log_end_offset: int, now_s: float, lag_time_max_s: float
    ) -> tuple[int, ...] | None:
        """The ISR to propose without the followers that lag; None for no change."""
        if self.proposed_isr is not None:
            return None
        slow = out_of_sync(leader, log_end_offset, self.isr, self.followers, now_s, lag_time_max_s)
        return tuple(broker for broker in self.isr if broker not in slow) if slow else None

    def take_isr(self, isr: Iterable[int], partition_epoch: int) -> None:
        """The controller has persisted `isr`: it's in force, and no proposal is pending."""
        self.isr = tuple(isr)
        self.partition_epoch = partition_epoch
        self.proposed_isr = None


@attrs.define
class Following:
    """This broker copies the log of broker `leader` (-1: there is none now) at `epoch`."""

    epoch: int
    leader: int
