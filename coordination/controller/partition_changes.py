"""Moves partitions through their state table (partition_states), with what each move entails.

    -> NEW            noted only
    NEW -> ONLINE     the first leader and ISR are written, all live replicas are told (`is_new`)
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
from coordination.controller.context import ControllerContext
from coordination.controller.leader_election import (
    Candidates,
    Election,
    Strategy,
    elect,
    initial_leader_and_isr,
)
from coordination.controller.partition_states import PartitionState
from coordination.controller.partition_writes import Written, read_states, write_states
from coordination.controller.story import (
    Story,
    persist,
    read,
    record,
    record_bad_znode,
    state_facts,
)
from coordination.store import Create, NodeExists, NoNode, StoreError
from coordination.values import LeaderAndIsr, TopicPartition
from coordination.znodes import BadZnode, decode_config, encode_partition_state, paths

__all__ = ["bring_online", "mark_all", "renew_leader_epoch", "trigger_online"]


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
    context: ControllerContext, partitions: Sequence[TopicPartition], strategy: Strategy
) -> Story[set[TopicPartition]]:
    """Give each a leader, if anybody is eligible. Returns those that have got one."""
    batch = RequestBatch(context)
    new = [p for p in partitions if context.partition_state(p) is PartitionState.NEW]
    others = [p for p in partitions if context.partition_state(p) is not PartitionState.NEW]
    begun, already_begun = yield from _initialize(context, new, batch)
    elected = yield from _elect(context, others + already_begun, strategy, batch)
    yield from batch.send()
    return begun | elected


def renew_leader_epoch(
    context: ControllerContext, partitions: Sequence[TopicPartition], batch: RequestBatch
) -> Story[None]:
    """Keep leader and ISR, but begin a new leader epoch, and tell the replicas.

    Brokers take a LeaderAndIsr only if its leader epoch is new; so this is how a leader learns
    that its partition's znode or assignment has changed without an election.
    """
    remaining = [partition for partition in partitions if partition in context.leadership]
    while remaining:
        written = yield from write_states(
            context,
            {
                partition: attrs.evolve(state, leader_epoch=state.leader_epoch + 1)
                for partition in remaining
                for state in [context.leadership[partition]]
            },
        )
        for partition in written.accepted:
            batch.leader_and_isr(context.assignment(partition).replicas, partition)
        remaining = [p for p in written.conflicts if p in context.leadership]


# The first leader


def _initialize(
    context: ControllerContext, partitions: Sequence[TopicPartition], batch: RequestBatch
) -> Story[tuple[set[TopicPartition], list[TopicPartition]]]:
    """Create the states of new partitions. Returns those begun, and those that had one already."""
    live = context.live_broker_ids()
    initial: dict[TopicPartition, LeaderAndIsr] = {}
    for partition in partitions:
        replicas = context.assignment(partition).replicas
        state = initial_leader_and_isr(replicas, live, context.epoch)
        if state is None:
            yield from _record_failure(partition, f"no replica of {replicas} is live")
        else:
            initial[partition] = state

    written = yield from _create_states(context, initial)
    for partition, state in written.accepted.items():
        context.move_partition(partition, PartitionState.ONLINE)
        batch.leader_and_isr(state.isr, partition, is_new=True)
        yield from record(
            "partition.leader_elected",
            **state_facts(partition, state),
            election="initial",
            told=state.isr,
        )
    # Somebody else began it: whatever leads it, it has been led, and may need an election.
    already_begun = [p for p in written.conflicts if p in context.leadership]
    mark_all(context, already_begun, PartitionState.OFFLINE)
    return set(written.accepted), already_begun


def _create_states(
    context: ControllerContext, initial: dict[TopicPartition, LeaderAndIsr]
) -> Story[Written]:
    """.../partitions, then of each partition its znode and its state together."""
    topics = sorted({partition.topic for partition in initial})
    yield from persist(context, [[Create(paths.partitions(topic))] for topic in topics])
    outcomes = yield from persist(
        context,
        [
            [
                Create(paths.partition(partition)),
                Create(paths.partition_state(partition), encode_partition_state(state)),
            ]
            for partition, state in initial.items()
        ],
    )
    # Kafka makes the two one after the other: a controller may have died in between.
    half_made = [p for p, o in zip(initial, outcomes, strict=True) if isinstance(o, NodeExists)]
    second = yield from persist(
        context,
        [
            [Create(paths.partition_state(partition), encode_partition_state(initial[partition]))]
            for partition in half_made
        ],
    )
    outcome_of = dict(zip(initial, outcomes, strict=True)) | dict(
        zip(half_made, second, strict=True)
    )
    existing = [p for p, outcome in outcome_of.items() if isinstance(outcome, NodeExists)]
    yield from read_states(context, existing)
    accepted = {}
    for partition, outcome in outcome_of.items():
        if isinstance(outcome, NoNode):
            yield from _record_failure(partition, "its topic is gone")
        elif isinstance(outcome, StoreError) and not isinstance(outcome, NodeExists):
            raise outcome
        elif partition not in existing or context.leadership.get(partition) == initial[partition]:
            # In the second case it was ours, and its acknowledgement was lost.
            accepted[partition] = initial[partition]
    context.leadership.update(accepted)
    return Written(accepted, [partition for partition in existing if partition not in accepted])


# The next leader


def _elect(
    context: ControllerContext,
    partitions: Sequence[TopicPartition],
    strategy: Strategy,
    batch: RequestBatch,
) -> Story[set[TopicPartition]]:
    """Elect until every election was accepted by ZooKeeper or is hopeless."""
    yield from read_states(context, [p for p in partitions if p not in context.leadership])
    elected: set[TopicPartition] = set()
    remaining = list(partitions)
    while remaining:
        unclean_topics = set()
        if strategy is Strategy.OFFLINE:
            unclean_topics = yield from _topics_electing_uncleanly(context, remaining)
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
        yield from _record_failure(partition, "ZooKeeper has no leader and ISR of it")
        return None
    if state.controller_epoch > context.epoch:
        why = f"its state was written by a controller of epoch {state.controller_epoch}"
        yield from _record_failure(partition, why)
        return None
    assignment = context.assignment(partition)
    live = {replica for replica in assignment.replicas if replica in context.brokers}
    candidates = Candidates(
        assignment, live, context.shutting_down, unclean=partition.topic in unclean_topics
    )
    election = elect(strategy, state, candidates)
    if election is None:
        why = f"no replica is eligible: ISR {state.isr}, live {tuple(sorted(live))}"
        yield from _record_failure(partition, why)
    return election


def _topics_electing_uncleanly(
    context: ControllerContext, partitions: Sequence[TopicPartition]
) -> Story[set[str]]:
    """Of the topics with a partition whose ISR is all dead: those that prefer a leader to data.

    The topic's config is read now, not kept: unclean.leader.election.enable is often set in the
    very emergency.
    """
    live = context.live_broker_ids()
    helpless = sorted(
        {
            partition.topic
            for partition in partitions
            if partition in context.leadership
            and not live.intersection(context.leadership[partition].isr)
        }
    )
    default = context.settings.unclean_leader_election_enable
    nodes = yield from read([paths.config(paths.topic_entity(topic)) for topic in helpless])
    unclean = set()
    for topic, node in zip(helpless, nodes, strict=True):
        try:
            config = {} if node is None else decode_config(paths.topic_entity(topic), node)
        except BadZnode as error:
            yield from record_bad_znode(error)
            continue
        override = config.get("unclean.leader.election.enable")
        if default if override is None else override.lower() == "true":
            unclean.add(topic)
    return unclean


def _record_failure(partition: TopicPartition, why: str) -> Story[None]:
    yield from record("partition.election_failed", partition=str(partition), why=why)
