"""What each replica's log has, asked of the broker that has it, in this order:

leaders     ListOffsets, OffsetForLeaderEpoch   the high watermark; the epoch of the state
   │        then, as none in the ISR may be behind that:
replicas    ListOffsets as replica -2           log start, log end, the epoch it was told
   │
replicas    Fetch, as a consumer                the last committed records (`samples`)
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from functools import partial

import attrs

from broker.wire.errors import ErrorCode
from broker.wire.messages.offset_for_leader_epoch import (
    OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
    OffsetForLeaderPartition,
    OffsetForLeaderTopic,
)
from cli.client import Cluster
from cli.client.offsets import ANY_REPLICA, CONSUMER, At, offsets_at
from cli.doctor.brokers import Brokers
from cli.doctor.facts import Cache, Logs, Replica, Sample, Znodes
from cli.doctor.samples import SAMPLE_RECORDS, Wanted, read_samples
from coordination.values import TopicPartition

EPOCHS_SINCE = 2  # version of OffsetForLeaderEpoch from which on it takes and tells epochs


@attrs.frozen
class _Leading:
    """What a leader says of a partition; None for what it didn't."""

    high_watermark: int | None
    latest_epoch: int | None


@attrs.frozen
class _Ends:
    """How far a replica's log goes, and the leader epoch that its broker was told last."""

    log_start_offset: int | None
    log_end_offset: int | None
    leader_epoch: int | None
    error: ErrorCode


async def read_logs(
    brokers: Brokers,
    znodes: Znodes,
    caches: Mapping[int, Cache],
    compacted: Collection[str],
) -> dict[TopicPartition, Logs]:
    """The logs of all partitions that have a state, and are not being deleted."""
    led: dict[int, dict[TopicPartition, int]] = defaultdict(dict)
    held: dict[int, list[TopicPartition]] = defaultdict(list)
    for partition, state in znodes.states.items():
        if partition.topic not in znodes.deleting:
            led[state.leader][partition] = state.leader_epoch
            for broker_id in (
                znodes.topics[partition.topic].partitions[partition.partition].replicas
            ):
                held[broker_id].append(partition)
    leading = {
        partition: said
        for each in (await brokers.ask(partial(_read_leading, led))).values()
        for partition, said in each.items()
    }
    ends = await brokers.ask(partial(_read_ends, held))
    marks = {partition: each.high_watermark for partition, each in leading.items()}
    plans = {
        broker_id: _plan(marks, its, caches[broker_id], compacted)
        for broker_id, its in ends.items()
    }
    samples = await brokers.ask(partial(_read_samples, plans), partitions=len(znodes.states))
    return {
        partition: Logs(
            marks.get(partition),
            leading[partition].latest_epoch if partition in leading else None,
            partition.topic in compacted,
            {
                broker_id: _replica(its[partition], samples.get(broker_id, {}).get(partition))
                for broker_id, its in ends.items()
                if partition in its
            },
        )
        for partition in znodes.states
        if partition.topic not in znodes.deleting
    }


async def _read_leading(
    led: Mapping[int, Mapping[TopicPartition, int]], broker_id: int, cluster: Cluster
) -> dict[TopicPartition, _Leading]:
    """Of the partitions that this broker leads, each with its state's leader epoch."""
    epochs = led.get(broker_id)
    if not epochs:
        return {}
    marks = await offsets_at(
        cluster, broker_id, dict.fromkeys(epochs, At.LATEST), replica_id=CONSUMER
    )
    latest = await _latest_epochs(cluster, epochs)
    return {each: _Leading(marks[each].offset, latest.get(each)) for each in epochs}


async def _latest_epochs(
    cluster: Cluster, epochs: Mapping[TopicPartition, int]
) -> dict[TopicPartition, int]:
    """The largest epoch in each log that is not above this one; -1 if none is as large."""
    by_topic: dict[str, list[OffsetForLeaderPartition]] = defaultdict(list)
    for each, epoch in epochs.items():
        by_topic[each.topic].append(
            OffsetForLeaderPartition(partition=each.partition, leader_epoch=epoch)
        )
    broker = await cluster.any_broker()
    answer = await broker.call(
        OffsetForLeaderEpochRequest(
            topics=[
                OffsetForLeaderTopic(topic=name, partitions=its) for name, its in by_topic.items()
            ]
        ),
        OffsetForLeaderEpochResponse,
        needs=EPOCHS_SINCE,
    )
    return {
        TopicPartition(topic.topic, each.partition): each.leader_epoch
        for topic in answer.topics
        for each in topic.partitions
        if not each.error_code
    }


async def _read_ends(
    held: Mapping[int, Collection[TopicPartition]], broker_id: int, cluster: Cluster
) -> dict[TopicPartition, _Ends]:
    """Of all replicas that this broker has."""
    partitions = held.get(broker_id)
    if not partitions:
        return {}
    starts, ends = [
        await offsets_at(cluster, broker_id, dict.fromkeys(partitions, at), replica_id=ANY_REPLICA)
        for at in (At.EARLIEST, At.LATEST)
    ]
    return {
        each: _Ends(
            starts[each].offset, ends[each].offset, ends[each].leader_epoch, ends[each].error
        )
        for each in partitions
    }


def _plan(
    marks: Mapping[TopicPartition, int | None],
    ends: Mapping[TopicPartition, _Ends],
    cache: Cache,
    compacted: Collection[str],
) -> dict[TopicPartition, Wanted | str]:
    """What to read of this broker's replicas, or why that can't be read."""
    plan: dict[TopicPartition, Wanted | str] = {}
    for partition, its in ends.items():
        high_watermark = marks.get(partition)
        if its.log_start_offset is None or its.log_end_offset is None:
            plan[partition] = its.error.name
            continue
        if not high_watermark:  # nothing is committed, or the leader didn't tell
            continue
        sample_start = max(high_watermark - SAMPLE_RECORDS, its.log_start_offset)
        if its.log_end_offset <= high_watermark - SAMPLE_RECORDS:
            plan[partition] = f"its log ends at {its.log_end_offset}, before the sample"
        elif partition.topic not in cache.topic_ids:
            plan[partition] = "the broker doesn't know its topic"
        elif sample_start < high_watermark:
            plan[partition] = Wanted(
                sample_start, cache.topic_ids[partition.topic], partition.topic in compacted
            )
    return plan


async def _read_samples(
    plans: Mapping[int, Mapping[TopicPartition, Wanted | str]], broker_id: int, cluster: Cluster
) -> dict[TopicPartition, Sample | str]:
    plan = plans.get(broker_id, {})
    told: dict[TopicPartition, Sample | str] = {
        partition: why for partition, why in plan.items() if isinstance(why, str)
    }
    wanted = {each: its for each, its in plan.items() if isinstance(its, Wanted)}
    return told | await read_samples(cluster, wanted)


def _replica(ends: _Ends, sample: Sample | str | None) -> Replica:
    if isinstance(sample, str):
        return Replica(ends.log_end_offset, ends.leader_epoch, None, sample)
    return Replica(ends.log_end_offset, ends.leader_epoch, sample)
