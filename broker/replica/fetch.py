"""Reading for consumers and followers, and waiting for what isn't there yet.

Who may read how far:

    log start ├──────────────┬───────────────┬──────────────────┤ log end
              │ read_committed consumer       │                  │
              └── up to the last stable offset┤                  │
                   consumer: up to the high watermark            │
                                          follower: up to the log end

A read_committed consumer is told which transactions were aborted that have
records in what it gets, and leaves those out itself.

A follower is served by the leader alone. A consumer that knows of KIP-392
(Fetch 11 and later) is served by followers too, up to the high watermark that
the follower has heard of; the leader may send it to one that is nearer
(`broker.replica.read_replica`).

A fetch from a follower is also news of it: it has everything before the offset
it asks for. That may move the high watermark and make it eligible for the ISR.
At 3.9 it's where truncation happens as well: the follower names the epoch of
its last record, and when that epoch ends earlier here, the answer is the epoch
and end offset on which both agree, and no records (KIP-595).

If fewer than `min_bytes` are there the fetch waits up to `max_wait` for an
append (a follower) or a high watermark (a consumer), then looks again at what
has moved. `broker.replica.interests` knows what must be looked at.

Kafka: ReplicaManager.fetchMessages, DelayedFetch, Partition.fetchRecords.
"""

from collections.abc import Callable

import attrs
import trio

from broker.log.values import UNDEFINED_EPOCH, EpochEndOffset
from broker.replica.follower_progress import FollowerProgress
from broker.replica.interest import Interest
from broker.replica.interests import CONSUMER, Interests, Reads
from broker.replica.manager import ReplicaManager
from broker.replica.partition import Partition
from broker.replica.partition_read import PartitionFetch, PartitionRead
from broker.replica.read_replica import preferred_read_replica
from broker.replica.roles import Leading
from broker.wire.errors import ErrorCode, KafkaError


@attrs.frozen
class FetchParameters:
    """What holds for the whole request. `replica_id` is -1 for a consumer.

    `client_rack` is None for who doesn't know that followers may be read, "" for no rack.
    """

    replica_id: int
    replica_epoch: int
    max_wait_s: float
    min_bytes: int
    max_bytes: int
    read_committed: bool
    client_rack: str | None = None
    listener: str = ""  # that it came by
    may_read: Callable[[str], bool] = lambda _topic: True

    @property
    def from_follower(self) -> bool:
        return self.replica_id != CONSUMER

    @property
    def only_committed(self) -> bool:
        """Followers get everything, whatever they say (Kafka: FetchIsolation)."""
        return self.read_committed and not self.from_follower


def note_progress(
    replicas: ReplicaManager, parameters: FetchParameters, interests: Interests
) -> list[Partition]:
    """Take a follower's fetch offsets as news of it; returns the partitions it made progress in.

    A follower whose log parts from ours before its fetch offset has made none.
    Errors are not answered here: the look that follows meets the same.
    """
    now_s = trio.current_time()
    noted = []
    for interest in interests.due.items:
        try:
            partition = find(replicas, parameters, interest)
            progress = _follower(partition, parameters, interest.asked)
            if _divergence(partition, interest.asked) is None:
                partition.log.check_in_range(interest.asked.fetch_offset)
                noted.append((interest, partition, progress))
        except KafkaError:
            interest.lost_contact(interests.contact)
    advanced = []
    for interest, partition, progress in noted:
        if partition.follower_fetched(
            parameters.replica_id,
            interest.asked.fetch_offset,
            interest.asked.log_start_offset,
            now_s,
            parameters.replica_epoch,
        ):
            interest.in_contact(progress, interests.contact)
            advanced.append(partition)
    interests.contact.last_fetch_s = now_s
    return advanced


async def fetch(
    replicas: ReplicaManager, parameters: FetchParameters, interests: Interests
) -> Reads:
    """Read every partition that is due, waiting for `min_bytes` in all if they aren't there yet."""
    reads: Reads = {}
    enough = look(replicas, parameters, interests, reads)
    if enough or parameters.max_wait_s <= 0 or not interests.all:
        return reads
    answered = False
    try:
        with trio.move_on_after(parameters.max_wait_s):
            while not enough:
                interests.watch(reads)
                await interests.due.rung()
                enough = look(replicas, parameters, interests, reads)
        if not enough:
            look(replicas, parameters, interests, reads)
        answered = True
    finally:
        if not answered:
            interests.not_told(reads)
    return reads


def look(
    replicas: ReplicaManager, parameters: FetchParameters, interests: Interests, reads: Reads
) -> bool:
    """Read what is due and there now, `max_bytes` in all, into `reads`; whether it's enough.

    The first partition that has anything gives at least one whole batch, be it
    larger than both limits: a consumer could never get past it otherwise (KIP-74).
    """
    room = parameters.max_bytes
    min_one = True
    size_bytes = 0
    must_answer_now = False
    for interest in interests.due.items:
        max_bytes = min(interest.asked.max_bytes, room)
        read = _read_one(replicas, parameters, interest, max_bytes, min_one)
        if read.size_bytes:
            min_one = False
            size_bytes += read.size_bytes
        room = max(0, room - read.size_bytes)
        must_answer_now = must_answer_now or read.must_answer_now
        reads[interest] = read
    return must_answer_now or size_bytes >= parameters.min_bytes


def find(replicas: ReplicaManager, parameters: FetchParameters, interest: Interest) -> Partition:
    """The replica here, for whoever may read it.

    Raises what `ReplicaManager.find` does, UNKNOWN_TOPIC_ID if nobody knows the topic's name,
    TOPIC_AUTHORIZATION_FAILED.
    """
    if interest.topic is None:
        interest.topic = replicas.topic_name(interest.topic_id)
        if interest.topic is None:
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_ID, f"no topic has id {interest.topic_id}")
    if not parameters.may_read(interest.topic):
        raise KafkaError(ErrorCode.TOPIC_AUTHORIZATION_FAILED)
    return replicas.find(interest.topic_partition, interest.topic_id)


def _read_one(
    replicas: ReplicaManager,
    parameters: FetchParameters,
    interest: Interest,
    max_bytes: int,
    min_one: bool,
) -> PartitionRead:
    asked = interest.asked
    diverging = found = aborted = None
    try:
        partition = find(replicas, parameters, interest)
        if parameters.from_follower:
            _follower(partition, parameters, asked)
        elif parameters.client_rack is None:
            partition.leading(asked.current_leader_epoch)
        else:
            partition.serving(asked.current_leader_epoch)
        log = partition.log
        preferred = _preferred(replicas, parameters, partition, asked)
        if preferred is None:
            diverging = _divergence(partition, asked)
            if diverging is None:
                end = _readable_end(partition, parameters)
                found = log.read(asked.fetch_offset, max_bytes, end, min_one=min_one)
                if max_bytes < 0 and asked.fetch_offset < end:
                    # As Kafka, which stumbles: its segments read nothing of such a size.
                    raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, f"invalid size {max_bytes}")
                aborted = log.aborted_in(found, end) if parameters.only_committed else None
    except KafkaError as error:
        return PartitionRead(error)
    except OSError as error:
        return PartitionRead(KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, str(error)))
    if found is None:
        return PartitionRead(
            high_watermark=log.high_watermark,
            last_stable_offset=log.last_stable_offset,
            log_start_offset=log.log_start_offset,
            diverging=diverging,
            preferred_read_replica=-1 if preferred is None else preferred,
        )
    held_back = found.size_bytes > 0 and _is_held_back(replicas, parameters, partition)
    return PartitionRead(
        high_watermark=log.high_watermark,
        last_stable_offset=log.last_stable_offset,
        log_start_offset=log.log_start_offset,
        regions=() if held_back else found.regions,
        size_bytes=0 if held_back else found.size_bytes,
        aborted=aborted,
        partition=partition,
        is_idle=asked.fetch_offset >= end and not _expects_news(partition, parameters),
    )


def _is_held_back(
    replicas: ReplicaManager, parameters: FetchParameters, partition: Partition
) -> bool:
    """Whether a follower that is out of sync must wait: too much has been copied lately."""
    return (
        parameters.from_follower
        and partition.is_throttled_as_leader
        and replicas.throttle.is_exceeded
        and parameters.replica_id not in partition.leading().isr
    )


def note_sent(replicas: ReplicaManager, parameters: FetchParameters, reads: Reads) -> None:
    """These are sent: a follower's count against the throttle as well, in sync or not."""
    for interest, read in reads.items():
        if read.partition is None:
            continue
        traffic = read.partition.traffic
        traffic.fetch_requests += 1
        if not read.size_bytes:
            continue
        if not parameters.from_follower:
            traffic.bytes_out += read.size_bytes
            continue
        traffic.replication_bytes_out += read.size_bytes
        if parameters.replica_id in read.partition.adding:
            traffic.reassignment_bytes_out += read.size_bytes
        if find(replicas, parameters, interest).is_throttled_as_leader:
            replicas.throttle.record(read.size_bytes)


def _expects_news(partition: Partition, parameters: FetchParameters) -> bool:
    """Whether a follower that has everything is to be looked at again with each of its fetches.

    It is until it's in the ISR, which may have to be proposed more than once, and until all is
    committed: what holds the high watermark back may be over by mere lapse of time.
    """
    if not parameters.from_follower:
        return False
    return (
        parameters.replica_id not in partition.leading().isr
        or partition.high_watermark < partition.log.log_end_offset
    )


def _readable_end(partition: Partition, parameters: FetchParameters) -> int:
    if parameters.from_follower:
        return partition.log.log_end_offset
    if parameters.only_committed:
        return partition.log.last_stable_offset
    return partition.log.high_watermark


def _follower(
    partition: Partition, parameters: FetchParameters, asked: PartitionFetch
) -> FollowerProgress:
    return partition.follower(parameters.replica_id, asked.current_leader_epoch)


def _preferred(
    replicas: ReplicaManager,
    parameters: FetchParameters,
    partition: Partition,
    asked: PartitionFetch,
) -> int | None:
    """The broker that a consumer should ask instead of this one; None for none."""
    if not parameters.client_rack or parameters.from_follower or not replicas.selects_by_rack:
        return None
    if not isinstance(partition.role, Leading):
        return None
    return preferred_read_replica(
        parameters.client_rack,
        parameters.listener,
        asked.fetch_offset,
        replicas.config.broker_rack,
        partition.role,
        replicas.metadata.current.brokers,
    )


def _divergence(partition: Partition, asked: PartitionFetch) -> EpochEndOffset | None:
    """Where the fetcher's log and ours part, None if they don't before `fetch_offset`.

    Raises OFFSET_OUT_OF_RANGE if we know nothing of that epoch or of an older one, or have
    deleted what it asks for.
    """
    if asked.last_fetched_epoch == UNDEFINED_EPOCH:
        return None
    ours = partition.log.end_offset_for_epoch(asked.last_fetched_epoch)
    if ours is None:
        raise KafkaError(
            ErrorCode.OFFSET_OUT_OF_RANGE,
            f"{partition.topic_partition}: nothing known of leader epoch "
            f"{asked.last_fetched_epoch} or before",
        )
    if asked.fetch_offset < partition.log.log_start_offset:
        partition.log.check_in_range(asked.fetch_offset)
    if ours.leader_epoch < asked.last_fetched_epoch or ours.end_offset < asked.fetch_offset:
        return ours
    return None
