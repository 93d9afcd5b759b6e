"""Who leads a partition: Kafka's four elections, as pure functions.

    election              picks the first of                 that is          resulting ISR
    --------------------  ---------------------------------  ---------------  ---------------------
    offline               the assignment                     live, in ISR     its live members
      and, if unclean     the assignment                     live             the new leader alone,
                                                                              RECOVERING
    reassign              the assignment's target replicas   live, in ISR     unchanged
    preferred             (only the assignment's first)      live, in ISR     unchanged
    controlled shutdown   the assignment                     live, in ISR,    without the brokers
                                                             not going        that are going

An unclean election loses records that were acknowledged: the new leader was not in the ISR. It is
made only where unclean.leader.election.enable says so and no member of the ISR is live.

The order of the assignment decides, not the ISR's. Every election moves the leader epoch by one.

Source: kafka.controller.{Election,PartitionLeaderElectionAlgorithms}.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from enum import Enum

import attrs

from coordination.values import LeaderAndIsr, LeaderRecoveryState, PartitionAssignment

__all__ = ["Candidates", "Election", "Strategy", "elect", "initial_leader_and_isr"]


class Strategy(Enum):
    OFFLINE = "offline"
    REASSIGN = "reassign"
    PREFERRED = "preferred"
    CONTROLLED_SHUTDOWN = "controlled shutdown"


@attrs.frozen
class Candidates:
    """What an election knows of a partition.

    `live`: brokers whose replica is online, those that are shutting down included (they still
    serve; only a controlled shutdown election passes over them). `unclean`: it may be lossy.
    """

    assignment: PartitionAssignment
    live: AbstractSet[int]
    shutting_down: AbstractSet[int] = frozenset()
    unclean: bool = False


@attrs.frozen
class Election:
    """The state to write, and the brokers that must hear of it."""

    state: LeaderAndIsr
    recipients: tuple[int, ...]
    unclean: bool = False


def initial_leader_and_isr(
    replicas: Sequence[int], live: AbstractSet[int], controller_epoch: int
) -> LeaderAndIsr | None:
    """The first state of a new partition: all live replicas in sync, the first of them leads."""
    isr = tuple(replica for replica in replicas if replica in live)
    if not isr:
        return None
    return LeaderAndIsr(isr[0], 0, isr, controller_epoch, partition_epoch=0)


def elect(strategy: Strategy, state: LeaderAndIsr, candidates: Candidates) -> Election | None:
    """The election's result, or None if no replica may lead."""
    match strategy:
        case Strategy.OFFLINE:
            return _elect_offline(state, candidates)
        case Strategy.REASSIGN:
            target = candidates.assignment.target
            return _elect_in_isr(state, candidates, target, recipients=target)
        case Strategy.PREFERRED:
            replicas = candidates.assignment.replicas
            return _elect_in_isr(state, candidates, replicas[:1], recipients=replicas)
        case Strategy.CONTROLLED_SHUTDOWN:
            return _elect_controlled_shutdown(state, candidates)


def _elect_offline(state: LeaderAndIsr, candidates: Candidates) -> Election | None:
    live = candidates.live - candidates.shutting_down
    replicas = tuple(r for r in candidates.assignment.replicas if r in live)
    in_sync = [r for r in replicas if r in state.isr]
    if in_sync:
        isr = tuple(r for r in state.isr if r in live)
        return Election(_led_by(state, in_sync[0], isr), replicas)
    if candidates.unclean and replicas:
        led = _led_by(state, replicas[0], replicas[:1])
        recovering = attrs.evolve(led, leader_recovery_state=LeaderRecoveryState.RECOVERING)
        return Election(recovering, replicas, unclean=True)
    return None


def _elect_in_isr(
    state: LeaderAndIsr,
    candidates: Candidates,
    eligible: Sequence[int],
    *,
    recipients: tuple[int, ...],
) -> Election | None:
    live = candidates.live - candidates.shutting_down
    for replica in eligible:
        if replica in live and replica in state.isr:
            return Election(_led_by(state, replica, state.isr), recipients)
    return None


def _elect_controlled_shutdown(state: LeaderAndIsr, candidates: Candidates) -> Election | None:
    replicas = tuple(r for r in candidates.assignment.replicas if r in candidates.live)
    isr = tuple(r for r in state.isr if r not in candidates.shutting_down)
    for replica in replicas:
        if replica in isr:
            return Election(_led_by(state, replica, isr), replicas)
    return None


def _led_by(state: LeaderAndIsr, leader: int, isr: tuple[int, ...]) -> LeaderAndIsr:
    return attrs.evolve(state, leader=leader, isr=isr, leader_epoch=state.leader_epoch + 1)
