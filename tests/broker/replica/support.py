"""Partitions over real logs in a temporary directory, for the tests of this room."""

import random
from collections.abc import Container
from pathlib import Path
from uuid import UUID

from broker.log.log_config import LogConfig
from broker.log.partition_log import PartitionLog
from broker.replica.fetch import look
from broker.replica.interest import Interest
from broker.replica.interests import Interests, Reads
from broker.replica.looking import FetchParameters
from broker.replica.manager import ReplicaManager
from broker.replica.partition import Partition
from broker.replica.partition_read import PartitionFetch, PartitionRead
from broker.wire.record_batch import batches, build_batch
from broker.wire.records import Record
from coordination.values import ZERO_UUID, LeaderAndIsr, TopicPartition
from tests.support.unsynced_disk import UnsyncedDisk

TOPIC_ID = UUID(int=7)
LAG_TIME_MAX_S = 30.0


def open_partition(
    directory: Path,
    broker_id: int = 1,
    min_insync_replicas: int = 1,
    partition: int = 0,
    living: Container[int] = range(1, 10),
) -> Partition:
    """A replica of topic t without a role, on broker `broker_id`."""
    home = directory / f"broker-{broker_id}"
    home.mkdir(exist_ok=True)
    log = PartitionLog.open(
        home / f"t-{partition}",
        LogConfig(min_insync_replicas=min_insync_replicas),
        disk=UnsyncedDisk(),
        clock_ms=lambda: 1_700_000_000_000,
        randomness=random.Random(1),
    )
    return Partition(
        TopicPartition("t", partition),
        broker_id,
        TOPIC_ID,
        log,
        LAG_TIME_MAX_S,
        is_alive=living.__contains__,
    )


def leader_and_isr(
    leader: int, leader_epoch: int, isr: tuple[int, ...], partition_epoch: int = 0
) -> LeaderAndIsr:
    return LeaderAndIsr(leader, leader_epoch, isr, 1, partition_epoch)


def batch(*values: str) -> memoryview:
    """One batch of records with these values, as a producer sends it."""
    records = [Record(value=value.encode(), timestamp_ms=1_700_000_000_000) for value in values]
    return memoryview(build_batch(records))


def values(partition: Partition) -> list[str]:
    """The values of all records in the partition's log, in order."""
    log = partition.log
    found = log.read(log.log_start_offset, 1 << 20, log.log_end_offset)
    data = b"".join(region.read() for region in found.regions)
    return [
        record.value.decode()
        for each in batches(data)
        for record in each.records()
        if record.value is not None
    ]


def ask(offset: int, name: str = "t-0", topic_id: UUID = ZERO_UUID, **more: int) -> Interest:
    """One partition of a fetch, as its client names it."""
    topic, _, partition = name.rpartition("-")
    asked = PartitionFetch(fetch_offset=offset, **{"max_bytes": 1 << 20, **more})
    return Interest(topic, topic_id, int(partition), asked)


def asking(*named: Interest, replica_id: int = -1) -> Interests:
    """What a fetch of these partitions is about."""
    interests = Interests(replica_id)
    interests.ask(named)
    return interests


def look_at(
    replicas: ReplicaManager, parameters: FetchParameters, *named: Interest
) -> list[PartitionRead]:
    """What there is to read now, in the order of `named`."""
    reads: Reads = {}
    look(replicas, parameters, asking(*named, replica_id=parameters.replica_id), reads)
    return list(reads.values())
