"""The first leader and ISR of new partitions: NEW -> ONLINE.

All live replicas are in sync, for there is nothing to be behind of; the first of them leads. Its
znode and state are made together, in one multi a partition. Both may exist already:

    .../P without a state     another controller (Kafka makes the two in turn) died in between
    .../P/state as we meant   our multi was done, and its answer was lost with the connection
    .../P/state, another      somebody began this partition: it has a leader already, and goes on
                              to the elections of those that had one

Source: kafka.controller.ZkPartitionStateMachine.initializeLeaderAndIsrForPartitions.
"""

from collections.abc import Sequence

from coordination.controller.batch import RequestBatch
from coordination.controller.context import ControllerContext
from coordination.controller.leader_election import initial_leader_and_isr
from coordination.controller.partition_states import PartitionState
from coordination.controller.partition_writes import Written, read_states
from coordination.controller.story import Story, persist, record, state_facts
from coordination.store import Create, NodeExists, NoNode, StoreError
from coordination.values import LeaderAndIsr, TopicPartition
from coordination.znodes import encode_partition_state, paths

__all__ = ["begin_leadership", "record_election_failure"]


def begin_leadership(
    context: ControllerContext, partitions: Sequence[TopicPartition], batch: RequestBatch
) -> Story[tuple[set[TopicPartition], list[TopicPartition]]]:
    """Create the states of new partitions. Returns those begun, and those that had one already."""
    live = context.live_broker_ids()
    initial: dict[TopicPartition, LeaderAndIsr] = {}
    for partition in partitions:
        replicas = context.assignment(partition).replicas
        state = initial_leader_and_isr(replicas, live, context.epoch)
        if state is None:
            yield from record_election_failure(partition, f"no replica of {replicas} is live")
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
    for partition in already_begun:
        context.move_partition(partition, PartitionState.OFFLINE)
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
            yield from record_election_failure(partition, "its topic is gone")
        elif isinstance(outcome, StoreError) and not isinstance(outcome, NodeExists):
            raise outcome
        elif partition not in existing or context.leadership.get(partition) == initial[partition]:
            # In the second case it was ours, and its acknowledgement was lost.
            accepted[partition] = initial[partition]
    context.leadership.update(accepted)
    return Written(accepted, [partition for partition in existing if partition not in accepted])


def record_election_failure(partition: TopicPartition, why: str) -> Story[None]:
    yield from record("partition.election_failed", partition=str(partition), why=why)
