"""Replicas that this broker gets by an order: their logs, found from before or made.

A log that belongs to another topic of the name (it was deleted and made anew while
this broker was down) is not served: INCONSISTENT_TOPIC_ID. Kafka leaves it at
that, and the replica never comes back. Here it's set aside as `-stray`, kept and
not used, if nobody counts on it: the partition is new, or this broker not in its
ISR. Otherwise it may hold the only copy of what was acknowledged (the topic's id
can get lost in ZooKeeper, KAFKA-14190), and somebody must look (KAFKA-14616).

The logs of one order are opened side by side. Each new one is synced (its topic id must not be
lost), and a file system syncs many in the time of one: with a hundred new partitions in an order,
and a sync that takes milliseconds, that is most of what creating a topic takes.

Kafka: ReplicaManager.becomeLeaderOrFollower, LogManager.getOrCreateLog.
"""

from collections.abc import Mapping
from uuid import UUID

import trio

from broker.log.log_config import LogConfig
from broker.log.partition_log import PartitionLog
from broker.replica.manager import ReplicaManager
from broker.replica.orders import ReplicaState
from broker.wire.errors import ErrorCode, KafkaError
from coordination.values import ZERO_UUID, Recorder, TopicPartition


async def open_new_replicas(
    replicas: ReplicaManager,
    states: Mapping[TopicPartition, ReplicaState],
    recorder: Recorder,
    cause: str,
) -> dict[TopicPartition, KafkaError]:
    """Make each of `states` a replica that is none yet; why not, for those that must not be.

    Raises what `topic_config` does; then nothing was opened.
    """
    new = {tp: state for tp, state in states.items() if tp not in replicas.partitions}
    # No config changes under an order: changes wait for `replicas.control_order`, too.
    configs = {
        topic: await replicas.topic_config(topic) for topic in dict.fromkeys(tp.topic for tp in new)
    }
    refused: dict[TopicPartition, KafkaError] = {}

    async def open_one(topic_partition: TopicPartition, state: ReplicaState) -> None:
        config = configs[topic_partition.topic]
        try:
            await _open(replicas, topic_partition, state, config, recorder, cause)
        except KafkaError as refusal:
            refused[topic_partition] = refusal

    async with trio.open_nursery() as nursery:
        for topic_partition, state in new.items():
            nursery.start_soon(open_one, topic_partition, state)
    return refused


async def _open(
    replicas: ReplicaManager,
    topic_partition: TopicPartition,
    state: ReplicaState,
    config: LogConfig,
    recorder: Recorder,
    cause: str,
) -> None:
    is_new = state.is_new
    if _is_stray(replicas, topic_partition, state):
        await _set_aside(replicas, topic_partition, state, recorder, cause)
        is_new = True  # what there was is found: it's in no directory that is offline
    opened = await replicas.logs.get_or_create(
        topic_partition, state.topic_id, config, is_new=is_new
    )
    check_topic_id(opened.topic_id or ZERO_UUID, state.topic_id, topic_partition)
    future = await _future_of(replicas, opened)
    replicas.add(topic_partition, state.topic_id, opened).future = future


async def _future_of(replicas: ReplicaManager, log: PartitionLog) -> PartitionLog | None:
    """The copy that is to take the log's place, if one was being made when the broker ended.

    Not if the log isn't that which it's a copy of: of another topic, or made anew beside it.
    """
    futures = replicas.logs.futures
    future = futures.get(log.topic_partition)
    if future is None:
        return None
    if future.topic_id != log.topic_id or future.directory.parent == log.directory.parent:
        await futures.delete(log.topic_partition)
        return None
    future.update_high_watermark(replicas.high_watermarks.at_start(future))
    return future


def _is_stray(
    replicas: ReplicaManager, topic_partition: TopicPartition, state: ReplicaState
) -> bool:
    """Whether the log found at the start is that of an older topic, and nobody counts on it."""
    found = replicas.logs.get(topic_partition)
    return (
        found is not None
        and found.topic_id is not None
        and ZERO_UUID not in (found.topic_id, state.topic_id)
        and found.topic_id != state.topic_id
        and (state.is_new or replicas.broker_id not in state.leader_and_isr.isr)
    )


async def _set_aside(
    replicas: ReplicaManager,
    topic_partition: TopicPartition,
    state: ReplicaState,
    recorder: Recorder,
    cause: str,
) -> None:
    found = replicas.logs.logs[topic_partition]
    replicas.high_watermarks.at_start(found)  # not that of the new topic
    recorder(
        "partition.set_aside",
        cause=cause,
        partition=str(topic_partition),
        topic_id=found.topic_id,
        ordered_topic_id=state.topic_id,
        directory=await replicas.logs.set_aside(topic_partition),
    )


def check_topic_id(ours: UUID, ordered: UUID, topic_partition: TopicPartition) -> None:
    if ZERO_UUID not in (ours, ordered) and ours != ordered:
        raise KafkaError(
            ErrorCode.INCONSISTENT_TOPIC_ID,
            f"the log of {topic_partition} belongs to topic id {ours}, not {ordered}",
        )
