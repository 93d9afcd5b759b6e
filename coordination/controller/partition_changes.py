"""Moves partitions through their state table (partition_states), with what each move entails.

    -> NEW            noted only
    NEW -> ONLINE     the first leader and ISR are written (first_leaders)
    -> ONLINE         a leader is elected from the last known state, written, replicas are told
    -> OFFLINE, NON_EXISTENT   noted only

An election begins from the state that the context knows and asks ZooKeeper to accept its result
at that version. If the leader or anybody else has changed the znode meanwhile, the partition is
read and elected again; the others are not held up. A partition for which nobody is eligible stays
where it was, and is tried again at the next change of brokers.

Source: kafka.controller.{PartitionStateMachine,ZkPartitionStateMachine}.
"""

from collections.abc import Iterable, Sequence

import attrs

from coordination.controller.batch import RequestBatch
from coordination.controller.context import ControllerContext, Replica
from coordination.controller.first_leaders import begin_leadership, record_election_failure
from coordination.controller.leader_election import Candidates, Election, Strategy, elect
from coordination.controller.partition_states import PartitionState
from coordination.controller.partition_writes import read_states, write_states
from coordination.controller.story import Story, record, state_facts
from coordination.controller.unclean_topics import topics_electing_uncleanly
from coordination.values import LeaderAndIsr, TopicPartition

__all__ = ["bring_online", "candidates_of", "mark_all", "renew_leader_epoch", "trigger_online"]


def mark_all(
    context: ControllerContext, partitions: Iterable[TopicPartition], target: PartitionState
) -> None:
    """The moves that only are noted: to NEW, OFFLINE, NON_EXISTENT."""
    for partition in partitions:
        context.move_partition(partition, target)


def trigger_online(context: ControllerContext) -> Story[set[TopicPartition]]:
    """Try all partitions that have no leader; those to be deleted need none."""
    waiting = context.partitions_in(PartitionState.NEW, PartitionState.OFFLINE)
    return (
        yield from bring_online(
            context, [p for p in waiting if not context.is_to_be_deleted(p)], Strategy.OFFLINE
        )
    )


def bring_online(
    context: ControllerContext,
    partitions: Sequence[TopicPartition],
    strategy: Strategy,
    *,
    allow_unclean: bool = False,
) -> Story[set[TopicPartition]]:
    """Give each a leader, if anybody is eligible. Returns those that have got one.

    `allow_unclean`: an offline election may be unclean, whatever the topic's config says.
    """
    batch = RequestBatch(context)
    new = [p for p in partitions if context.partition_state(p) is PartitionState.NEW]
    others = [p for p in partitions if context.partition_state(p) is not PartitionState.NEW]
    begun, already_begun = yield from begin_leadership(context, new, batch)
    elected = yield from _elect(context, others + already_begun, strategy, batch, allow_unclean)
    yield from batch.send()
    return begun | elected


def renew_leader_epoch(
    context: ControllerContext, partitions: Sequence[TopicPartition], batch: RequestBatch
) -> Story[None]:
    """Keep leader and ISR, but begin a new leader epoch, and tell the replicas.

    Brokers take a LeaderAndIsr only if its leader epoch is new; so this is how a leader learns
    that its partition's znode or assignment has changed without an election. A replica that is
    being added is new: whatever log directory it finds itself in will do. A state that a newer
    controller has written is left to it.
    """
    remaining = [partition for partition in partitions if partition in context.leadership]
    while remaining:
        renewed = {}
        for partition in remaining:
            state = context.leadership[partition]
            if state.controller_epoch > context.epoch:
                name, why = str(partition), _written_by_a_newer_controller(state)
                yield from record("partition.leader_epoch_kept", partition=name, why=why)
            else:
                renewed[partition] = attrs.evolve(state, leader_epoch=state.leader_epoch + 1)
        written = yield from write_states(context, renewed)
        for partition, state in written.accepted.items():
            assignment = context.assignment(partition)
            batch.leader_and_isr(assignment.origin, partition)
            batch.leader_and_isr(assignment.adding, partition, is_new=True)
            yield from record(
                "partition.leader_epoch_renewed",
                **state_facts(partition, state),
                told=tuple(r for r in assignment.replicas if r in context.brokers),
            )
        remaining = [p for p in written.conflicts if p in context.leadership]


def _elect(
    context: ControllerContext,
    partitions: Sequence[TopicPartition],
    strategy: Strategy,
    batch: RequestBatch,
    allow_unclean: bool,
) -> Story[set[TopicPartition]]:
    """Elect until every election was accepted by ZooKeeper or is hopeless."""
    yield from read_states(context, [p for p in partitions if p not in context.leadership])
    elected: set[TopicPartition] = set()
    remaining = list(partitions)
    while remaining:
        unclean_topics = set()
        if strategy is Strategy.OFFLINE:
            unclean_topics = (
                {partition.topic for partition in remaining}
                if allow_unclean
                else (yield from topics_electing_uncleanly(context, remaining))
            )
        before = dict(context.leadership)
        elections: dict[TopicPartition, Election] = {}
        for partition in remaining:
            election = yield from _elect_one(context, partition, strategy, unclean_topics)
            if election is not None:
                elections[partition] = election
        written = yield from write_states(context, {p: e.state for p, e in elections.items()})
        for partition, state in written.accepted.items():
            context.move_partition(partition, PartitionState.ONLINE)
            election = elections[partition]
            batch.leader_and_isr(election.recipients, partition)
            yield from record(
                "partition.leader_elected",
                **state_facts(partition, state),
                election="unclean" if election.unclean else strategy.value,
                previous_leader=before[partition].leader,
                told=tuple(r for r in election.recipients if r in context.brokers),
            )
        elected |= set(written.accepted)
        remaining = written.conflicts
    return elected


def _elect_one(
    context: ControllerContext,
    partition: TopicPartition,
    strategy: Strategy,
    unclean_topics: set[str],
) -> Story[Election | None]:
    state = context.leadership.get(partition)
    if state is None:
        yield from record_election_failure(partition, "ZooKeeper has no leader and ISR of it")
        return None
    if state.controller_epoch > context.epoch:
        yield from record_election_failure(partition, _written_by_a_newer_controller(state))
        return None
    candidates = candidates_of(context, partition, unclean=partition.topic in unclean_topics)
    election = elect(strategy, state, candidates)
    if election is None:
        why = f"no replica is eligible: ISR {state.isr}, live {tuple(sorted(candidates.live))}"
        yield from record_election_failure(partition, why)
    return election


def _written_by_a_newer_controller(state: LeaderAndIsr) -> str:
    return f"its state was written by a controller of epoch {state.controller_epoch}"


def candidates_of(
    context: ControllerContext, partition: TopicPartition, *, unclean: bool = False
) -> Candidates:
    """Who may stand in an election of the partition's leader, as things are now."""
    assignment = context.assignment(partition)
    live = {r for r in assignment.replicas if context.is_replica_serving(Replica(partition, r))}
    return Candidates(assignment, live, context.shutting_down, unclean)
