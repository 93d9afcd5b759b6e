"""Producers as a partition's replicas know them, and the marker that ends a transaction by hand.

A log remembers of each producer that wrote to it (idempotent or transactional) its epoch, its last
sequence, and where its open transaction begins. It does not know transactional ids: those are the
coordinator's (`transactions`).
"""

from collections import defaultdict
from collections.abc import Iterable

import attrs

from broker.wire.errors import ErrorCode
from broker.wire.messages.describe_producers import (
    DescribeProducersRequest,
    DescribeProducersResponse,
    TopicRequest,
)
from broker.wire.messages.write_txn_markers import (
    WritableTxnMarker,
    WritableTxnMarkerTopic,
    WriteTxnMarkersRequest,
    WriteTxnMarkersResponse,
)
from cli.client.cluster import Cluster
from cli.client.errors import RequestFailed
from cli.client.offsets import leaders_of
from coordination.values import TopicPartition


@attrs.frozen
class ProducerState:
    """A producer in one log; `transaction_start_offset` is None unless a transaction is open.

    coordinator_epoch: of the last marker, -1 if there was none yet.
    """

    producer_id: int
    producer_epoch: int
    last_sequence: int
    last_timestamp_ms: int
    coordinator_epoch: int
    transaction_start_offset: int | None


async def describe_producers(
    cluster: Cluster, partitions: Iterable[TopicPartition], broker_id: int | None = None
) -> dict[TopicPartition, list[ProducerState]]:
    """The producers of each partition, as its leader knows them, or this broker's replica.

    Raises `RequestFailed` for a partition that is not there.
    """
    wanted = list(partitions)

    async def ask() -> dict[TopicPartition, list[ProducerState]]:
        asked: dict[int, list[TopicPartition]] = {}
        if broker_id is None:
            asked = await _by_leader(cluster, wanted)
        elif wanted:
            asked = {broker_id: wanted}
        found: dict[TopicPartition, list[ProducerState]] = {}
        for each, its_partitions in asked.items():
            found.update(await _at_broker(cluster, each, its_partitions))
        return found

    return await cluster.retrying(ask)


async def _by_leader(
    cluster: Cluster, partitions: Iterable[TopicPartition]
) -> dict[int, list[TopicPartition]]:
    leaders = await leaders_of(cluster, {each.topic for each in partitions})
    led: dict[int, list[TopicPartition]] = defaultdict(list)
    for each in partitions:
        if each not in leaders:
            raise RequestFailed(str(each), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        if leaders[each] < 0:
            raise RequestFailed(str(each), ErrorCode.LEADER_NOT_AVAILABLE)
        led[leaders[each]].append(each)
    return led


async def _at_broker(
    cluster: Cluster, broker_id: int, partitions: Iterable[TopicPartition]
) -> dict[TopicPartition, list[ProducerState]]:
    numbers: dict[str, list[int]] = defaultdict(list)
    for each in partitions:
        numbers[each.topic].append(each.partition)
    broker = await cluster.broker(broker_id)
    answer = await broker.call(
        DescribeProducersRequest(
            topics=[
                TopicRequest(name=topic, partition_indexes=each) for topic, each in numbers.items()
            ]
        ),
        DescribeProducersResponse,
    )
    found: dict[TopicPartition, list[ProducerState]] = {}
    for topic in answer.topics:
        for result in topic.partitions:
            partition = TopicPartition(topic.name, result.partition_index)
            if result.error_code:
                raise RequestFailed(
                    str(partition), ErrorCode.of(result.error_code), result.error_message
                )
            found[partition] = [
                ProducerState(
                    each.producer_id,
                    each.producer_epoch,
                    each.last_sequence,
                    each.last_timestamp,
                    each.coordinator_epoch,
                    each.current_txn_start_offset if each.current_txn_start_offset >= 0 else None,
                )
                for each in result.active_producers
            ]
    return found


async def abort_transaction(
    cluster: Cluster, partition: TopicPartition, producer: ProducerState
) -> None:
    """Have the leader write an abort marker, as the coordinator would; raises `RequestFailed`.

    A producer whose coordinator never wrote a marker has coordinator epoch -1; 0 is not more than
    any that there can be (Kafka: TransactionsCommand).
    """
    marker = WritableTxnMarker(
        producer_id=producer.producer_id,
        producer_epoch=producer.producer_epoch,
        transaction_result=False,
        topics=[
            WritableTxnMarkerTopic(name=partition.topic, partition_indexes=[partition.partition])
        ],
        coordinator_epoch=max(producer.coordinator_epoch, 0),
    )

    async def abort() -> None:
        (leader,) = await _by_leader(cluster, [partition])
        broker = await cluster.broker(leader)
        answer = await broker.call(
            WriteTxnMarkersRequest(markers=[marker]), WriteTxnMarkersResponse
        )
        code = ErrorCode.of(answer.markers[0].topics[0].partitions[0].error_code)
        if code:
            raise RequestFailed(str(partition), code)

    await cluster.retrying(abort, repeatable=False)
