"""The leader epochs that each replica of a partition remembers, side by side.

OffsetForLeaderEpoch, which is made for such questions, is answered by leaders alone. But a fetch
says of which epoch the record before its offset is, and is told where that epoch ended if the
broker's log has it otherwise (KIP-595); and followers answer consumers, too (KIP-392). So every
replica is asked by a fetch from an offset that no log reaches, which reads and changes nothing.

`cli.client.epoch_history` has which questions these are. They are looks at different moments: a
replica that is just truncating its log may look inconsistent.

Source: Partition.readRecords.
"""

from typing import Final
from uuid import UUID

import attrs

from broker.wire.errors import ErrorCode
from broker.wire.messages.fetch import FetchPartition, FetchRequest, FetchResponse, FetchTopic
from cli.client.cluster import Cluster
from cli.client.connection import Connection
from cli.client.epoch_history import EpochEnd, History, agree, ask_history
from cli.client.errors import BrokerUnreachable, ConnectionLost, RequestFailed, VersionNotSupported
from cli.client.offsets import ANY_REPLICA, At, offsets_at
from cli.client.topics import PartitionDescription, describe_topics
from coordination.values import TopicPartition

FIRST_VERSION_WITH_DIVERGENCE: Final = 12
BEYOND_EVERY_LOG: Final = (1 << 63) - 1


@attrs.frozen
class PartitionEpochs:
    """The histories of all replicas, in the order of the assignment."""

    partition: TopicPartition
    description: PartitionDescription
    replicas: tuple[History, ...]

    @property
    def epochs(self) -> list[int]:
        """All that any replica knows, ascending."""
        return sorted({epoch for each in self.replicas for epoch in each.offsets})

    def agree_on(self, epoch: int) -> bool:
        return agree(self.replicas, epoch)


async def describe_epochs(cluster: Cluster, partition: TopicPartition) -> PartitionEpochs:
    """What each replica knows; one whose broker does not answer is no reason to give up.

    Raises `RequestFailed` for a partition that is not there.
    """
    topic_id, description = await _described(cluster, partition)
    replicas = []
    for broker_id in description.replicas:
        try:
            offsets = await _at_broker(
                cluster, broker_id, partition, topic_id, description.leader_epoch
            )
            replicas.append(History(broker_id, offsets))
        except (BrokerUnreachable, ConnectionLost, VersionNotSupported) as error:
            replicas.append(History(broker_id, {}, str(error)))
        except RequestFailed as error:
            replicas.append(History(broker_id, {}, error.code.name))
    return PartitionEpochs(partition, description, tuple(replicas))


async def _described(
    cluster: Cluster, partition: TopicPartition
) -> tuple[UUID, PartitionDescription]:
    for topic in await describe_topics(cluster, [partition.topic]):
        for each in topic.partitions:
            if each.partition == partition.partition:
                return topic.topic_id, each
    raise RequestFailed(str(partition), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)


async def _at_broker(
    cluster: Cluster, broker_id: int, partition: TopicPartition, topic_id: UUID, newest: int
) -> dict[int, range]:
    starts = await offsets_at(cluster, broker_id, {partition: At.EARLIEST}, replica_id=ANY_REPLICA)
    start = starts[partition]
    if start.offset is None:
        raise RequestFailed(str(partition), start.error)
    broker = await cluster.broker(broker_id)

    async def end_of(epoch: int) -> EpochEnd | None:
        return await _end_of_epoch(broker, partition, topic_id, epoch)

    return await ask_history(
        end_of, newest=newest, log_start_offset=start.offset, first_epoch=start.leader_epoch
    )


async def _end_of_epoch(
    broker: Connection, partition: TopicPartition, topic_id: UUID, epoch: int
) -> EpochEnd | None:
    """Where the epoch ended in this replica's log; None if it knows none as late."""
    asked = FetchPartition(
        partition=partition.partition, fetch_offset=BEYOND_EVERY_LOG, last_fetched_epoch=epoch
    )
    answer = await broker.call(
        FetchRequest(
            topics=[FetchTopic(topic=partition.topic, topic_id=topic_id, partitions=[asked])]
        ),
        FetchResponse,
        needs=FIRST_VERSION_WITH_DIVERGENCE,
    )
    for topic in answer.responses:
        for data in topic.partitions:
            if data.error_code == ErrorCode.OFFSET_OUT_OF_RANGE:
                return None
            if data.diverging_epoch is not None:
                return EpochEnd(data.diverging_epoch.epoch, data.diverging_epoch.end_offset)
            raise RequestFailed(str(partition), ErrorCode.of(data.error_code))
    # Nothing at all is said to a consumer that has used up its quota.
    code = ErrorCode.of(answer.error_code) or ErrorCode.THROTTLING_QUOTA_EXCEEDED
    raise RequestFailed(str(partition), code)
