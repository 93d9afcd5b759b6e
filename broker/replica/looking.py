"""One look into one partition, for a fetch: may it be read, how far, and what is there.

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

At 3.9 a fetch is where truncation happens as well: the follower names the epoch
of its last record, and when that epoch ends earlier here, the answer is the epoch
and end offset on which both agree, and no records (KIP-595).

Kafka: ReplicaManager.readFromLog, Partition.fetchRecords.
"""

from collections.abc import Callable

import attrs

from broker.log.values import UNDEFINED_EPOCH, EpochEndOffset
from broker.replica.follower_progress import FollowerProgress
from broker.replica.interest import Interest
from broker.replica.interests import CONSUMER
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


def read_one(
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
            follower_of(partition, parameters, asked)
        elif parameters.client_rack is None:
            partition.leading(asked.current_leader_epoch)
        else:
            partition.serving(asked.current_leader_epoch)
        log = partition.log
        preferred = _preferred(replicas, parameters, partition, asked)
        if preferred is None:
            diverging = divergence(partition, asked)
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


def follower_of(
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


def divergence(partition: Partition, asked: PartitionFetch) -> EpochEndOffset | None:
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
