"""The replicas of a partition side by side: how far each has its log, where it lies.

Every broker that has a replica is asked for its own (ListOffsets as replica -2, which followers
answer, too, and DescribeLogDirs), and the leader for what consumers may read. These are looks at
different moments: on a partition that is written to, a follower may seem ahead of the leader.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

import attrs

from cli.client.cluster import Cluster
from cli.client.errors import BrokerUnreachable, ConnectionLost, RequestFailed
from cli.client.log_dirs import Placement, describe_log_dirs, placements_of
from cli.client.offsets import (
    ANY_REPLICA,
    CONSUMER,
    READ_COMMITTED,
    READ_UNCOMMITTED,
    At,
    Found,
    offsets_at,
)
from cli.client.topics import PartitionDescription
from coordination.values import TopicPartition


@attrs.frozen
class Replica:
    """One replica; what its broker did not tell is None, with the reason in `error`."""

    broker_id: int
    log_start_offset: int | None
    log_end_offset: int | None
    placements: tuple[Placement, ...]
    error: str | None


@attrs.frozen
class PartitionReplicas:
    """All replicas, and what the leader says: how far one may read, and read committed records."""

    partition: TopicPartition
    description: PartitionDescription
    high_watermark: int | None
    last_stable_offset: int | None
    replicas: tuple[Replica, ...]

    @property
    def leader_end_offset(self) -> int | None:
        for each in self.replicas:
            if each.broker_id == self.description.leader:
                return each.log_end_offset
        return None

    def lag(self, replica: Replica) -> int | None:
        """How many records it has yet to copy."""
        if self.leader_end_offset is None or replica.log_end_offset is None:
            return None
        return max(0, self.leader_end_offset - replica.log_end_offset)


async def describe_replicas(
    cluster: Cluster, partitions: Mapping[TopicPartition, PartitionDescription]
) -> list[PartitionReplicas]:
    """The replicas of these partitions, each asked of the broker that has it."""
    held: dict[int, list[TopicPartition]] = defaultdict(list)
    led: dict[int, list[TopicPartition]] = defaultdict(list)
    for partition, described in partitions.items():
        for broker_id in described.replicas:
            held[broker_id].append(partition)
        if described.leader is not None:
            led[described.leader].append(partition)
    told = {broker_id: await _told(cluster, broker_id, each) for broker_id, each in held.items()}
    marks: dict[TopicPartition, Found] = {}
    stable: dict[TopicPartition, Found] = {}
    for broker_id, each in led.items():
        marks.update(await _readable(cluster, broker_id, each, READ_UNCOMMITTED))
        stable.update(await _readable(cluster, broker_id, each, READ_COMMITTED))
    return [
        PartitionReplicas(
            partition,
            described,
            marks[partition].offset if partition in marks else None,
            stable[partition].offset if partition in stable else None,
            tuple(told[broker_id][partition] for broker_id in described.replicas),
        )
        for partition, described in partitions.items()
    ]


async def _told(
    cluster: Cluster, broker_id: int, partitions: Sequence[TopicPartition]
) -> dict[TopicPartition, Replica]:
    """What a broker says of its replicas; one that does not answer is no reason to give up."""
    try:
        starts = await offsets_at(
            cluster, broker_id, dict.fromkeys(partitions, At.EARLIEST), replica_id=ANY_REPLICA
        )
        ends = await offsets_at(
            cluster, broker_id, dict.fromkeys(partitions, At.LATEST), replica_id=ANY_REPLICA
        )
        placements = placements_of(await describe_log_dirs(cluster, broker_id, partitions))
    except (BrokerUnreachable, ConnectionLost) as error:
        return {each: Replica(broker_id, None, None, (), str(error)) for each in partitions}
    except RequestFailed as error:
        return {each: Replica(broker_id, None, None, (), error.code.name) for each in partitions}
    return {
        each: Replica(
            broker_id,
            starts[each].offset,
            ends[each].offset,
            tuple(placements.get(each, ())),
            ends[each].error.name if ends[each].error else None,
        )
        for each in partitions
    }


async def _readable(
    cluster: Cluster, leader: int, partitions: Sequence[TopicPartition], isolation_level: int
) -> dict[TopicPartition, Found]:
    """How far consumers of this isolation level may read; nothing if the leader doesn't answer."""
    wanted = dict.fromkeys(partitions, At.LATEST)
    try:
        return await offsets_at(
            cluster, leader, wanted, replica_id=CONSUMER, isolation_level=isolation_level
        )
    except (BrokerUnreachable, ConnectionLost, RequestFailed):
        return {}
