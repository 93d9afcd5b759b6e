"""Reading for consumers and followers, and waiting for what isn't there yet.

Who may read how far:

    log start ├──────────────┬───────────────┬──────────────────┤ log end
              │ read_committed consumer       │                  │
              └── up to the last stable offset┤                  │
                   consumer: up to the high watermark            │
                                          follower: up to the log end

A fetch from a follower is also news of it: it has everything before the offset
it asks for. That may move the high watermark and make it eligible for the ISR.
At 3.9 it's where truncation happens as well: the follower names the epoch of
its last record, and when that epoch ends earlier here, the answer is the epoch
and end offset on which both agree, and no records (KIP-595).

If fewer than `min_bytes` are there the fetch waits up to `max_wait` for an
append (a follower) or a high watermark (a consumer), then looks again.

Kafka: ReplicaManager.fetchMessages, DelayedFetch, Partition.fetchRecords.
"""

from collections.abc import Sequence
from uuid import UUID

import attrs
import trio

from broker.log.values import EpochEndOffset
from broker.replica.manager import ReplicaManager
from broker.replica.partition import Partition
from broker.replica.waiting import wait_until
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.regions import FileRegion
from coordination.values import ZERO_UUID, TopicPartition

UNDEFINED_EPOCH = -1


@attrs.frozen
class FetchParameters:
    """What holds for the whole request. `replica_id` is -1 for a consumer."""

    replica_id: int
    replica_epoch: int
    max_wait_s: float
    min_bytes: int
    max_bytes: int
    read_committed: bool

    @property
    def from_follower(self) -> bool:
        return self.replica_id >= 0


@attrs.frozen
class PartitionFetch:
    """One partition of a request; epochs are -1 where the client doesn't know them."""

    topic_partition: TopicPartition
    fetch_offset: int
    max_bytes: int
    topic_id: UUID = ZERO_UUID
    current_leader_epoch: int = UNDEFINED_EPOCH
    last_fetched_epoch: int = UNDEFINED_EPOCH
    log_start_offset: int = -1


@attrs.frozen
class PartitionRead:
    """The answer for one partition; the offsets are -1 with an error."""

    fetch: PartitionFetch
    error: KafkaError | None = None
    high_watermark: int = -1
    last_stable_offset: int = -1
    log_start_offset: int = -1
    regions: tuple[FileRegion, ...] = ()
    size_bytes: int = 0
    diverging: EpochEndOffset | None = None

    @property
    def must_answer_now(self) -> bool:
        return self.error is not None or self.diverging is not None


def note_progress(
    replicas: ReplicaManager, parameters: FetchParameters, fetches: Sequence[PartitionFetch]
) -> list[Partition]:
    """Take a follower's fetch offsets as news of it; returns the partitions it made progress in.

    A follower whose log parts from ours before its fetch offset has made none.
    Errors are not answered here: the read that follows meets the same.
    """
    now_s = trio.current_time()
    noted = []
    for item in fetches:
        try:
            partition = replicas.find(item.topic_partition, item.topic_id)
            partition.leading(item.current_leader_epoch)
            log = partition.log
            in_log = log.log_start_offset <= item.fetch_offset <= log.log_end_offset
            if not in_log or _divergence(partition, item) is not None:
                continue
            partition.follower_fetched(
                parameters.replica_id,
                item.fetch_offset,
                item.log_start_offset,
                now_s,
                parameters.replica_epoch,
            )
        except KafkaError:
            continue
        noted.append(partition)
    return noted


async def fetch(
    replicas: ReplicaManager, parameters: FetchParameters, fetches: Sequence[PartitionFetch]
) -> list[PartitionRead]:
    """Read every partition, waiting for `min_bytes` in all if they aren't there yet."""
    reads = read_all(replicas, parameters, fetches)
    if parameters.max_wait_s <= 0 or not fetches or _is_enough(reads, parameters):
        return reads

    def look() -> bool:
        nonlocal reads
        reads = read_all(replicas, parameters, fetches)
        return _is_enough(reads, parameters)

    partitions = [replicas.partitions[f.topic_partition] for f in fetches]
    movements = [p.moved if parameters.from_follower else p.committed for p in partitions]
    await wait_until(look, movements, parameters.max_wait_s)
    return reads


def read_all(
    replicas: ReplicaManager, parameters: FetchParameters, fetches: Sequence[PartitionFetch]
) -> list[PartitionRead]:
    """Read what is there now, `max_bytes` in all.

    The first partition that has anything gives at least one whole batch, be it
    larger than both limits: a consumer could never get past it otherwise (KIP-74).
    """
    room = parameters.max_bytes
    min_one = True
    reads = []
    for item in fetches:
        read = _read_one(replicas, parameters, item, min(item.max_bytes, room), min_one)
        if read.size_bytes:
            min_one = False
            room = max(0, room - read.size_bytes)
        reads.append(read)
    return reads


def _is_enough(reads: Sequence[PartitionRead], parameters: FetchParameters) -> bool:
    return any(read.must_answer_now for read in reads) or (
        sum(read.size_bytes for read in reads) >= parameters.min_bytes
    )


def _read_one(
    replicas: ReplicaManager,
    parameters: FetchParameters,
    item: PartitionFetch,
    max_bytes: int,
    min_one: bool,
) -> PartitionRead:
    try:
        partition = replicas.find(item.topic_partition, item.topic_id)
        partition.leading(item.current_leader_epoch)
        if parameters.from_follower:
            partition.follower(parameters.replica_id)
        log = partition.log
        diverging = _divergence(partition, item)
        found = None
        if diverging is None:
            end = _readable_end(partition, parameters)
            found = log.read(item.fetch_offset, max_bytes, end, min_one=min_one)
    except KafkaError as error:
        return PartitionRead(item, error)
    except OSError as error:
        return PartitionRead(item, KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, str(error)))
    return PartitionRead(
        item,
        high_watermark=log.high_watermark,
        last_stable_offset=log.last_stable_offset,
        log_start_offset=log.log_start_offset,
        regions=found.regions if found else (),
        size_bytes=found.size_bytes if found else 0,
        diverging=diverging,
    )


def _readable_end(partition: Partition, parameters: FetchParameters) -> int:
    if parameters.from_follower:
        return partition.log.log_end_offset
    if parameters.read_committed:
        return partition.log.last_stable_offset
    return partition.log.high_watermark


def _divergence(partition: Partition, item: PartitionFetch) -> EpochEndOffset | None:
    """Where the fetcher's log and ours part, None if they don't before `fetch_offset`.

    Raises OFFSET_OUT_OF_RANGE if we know nothing of that epoch or of an older one.
    """
    if item.last_fetched_epoch == UNDEFINED_EPOCH:
        return None
    ours = partition.log.end_offset_for_epoch(item.last_fetched_epoch)
    if ours is None:
        raise KafkaError(
            ErrorCode.OFFSET_OUT_OF_RANGE,
            f"{partition.topic_partition}: nothing known of leader epoch "
            f"{item.last_fetched_epoch} or before",
        )
    if ours.leader_epoch < item.last_fetched_epoch or ours.end_offset < item.fetch_offset:
        return ours
    return None
