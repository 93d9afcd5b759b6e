"""WriteTxnMarkers: write how transactions ended into the partitions that this broker leads.

The coordinator sends it when it has decided, and again until each partition says NONE, so a marker
may come twice: the second finds no open transaction and ends nothing. A coordinator that was
replaced is refused (TRANSACTION_COORDINATOR_FENCED), a marker for an older life of the producer
too (INVALID_PRODUCER_EPOCH).

Like a producer's records with acks=all, markers are appended before the next request is looked at,
and answered when they are replicated. When one in `__consumer_offsets` is, the group coordinator
takes over or forgets the offsets that were committed in the transaction.

`kafka-transactions abort` sends it too, to end a transaction that no coordinator knows of: so who
may alter the cluster may send it, besides brokers (KIP-664).

Kafka: KafkaApis.handleWriteTxnMarkersRequest.
"""

from collections.abc import Iterator

import trio

from broker.api.context import RequestContext
from broker.api.permissions import Operation, Resource
from broker.broker import Broker
from broker.groups.offsets_log import OFFSETS_TOPIC
from broker.log.values import Origin
from broker.network.listener import Later
from broker.replica.append import ALL, Appended, append, wait_until_acknowledged
from broker.wire.control_records import build_marker
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.write_txn_markers import (
    WritableTxnMarker,
    WritableTxnMarkerPartitionResult,
    WritableTxnMarkerResult,
    WritableTxnMarkerTopicResult,
    WriteTxnMarkersRequest,
    WriteTxnMarkersResponse,
)
from coordination.values import TopicPartition

# What came of the markers of one producer, by partition.
Written = dict[TopicPartition, Appended]


async def handle(broker: Broker, context: RequestContext, request: WriteTxnMarkersRequest) -> Later:
    may = context.may(Resource.CLUSTER, operation=Operation.ALTER) or context.may(
        Resource.CLUSTER, operation=Operation.CLUSTER_ACTION
    )
    written = [
        (marker, _write(broker, marker) if may else _refused(marker)) for marker in request.markers
    ]

    async def wait() -> WriteTxnMarkersResponse:
        async with trio.open_nursery() as nursery:
            for marker, appended in written:
                nursery.start_soon(_until_replicated, broker, marker, appended)
        return _response(written)

    return Later(wait)


def _write(broker: Broker, marker: WritableTxnMarker) -> Written:
    """Append the marker to each partition, as far as it's led here."""
    written: Written = {}
    for partition in _partitions(marker):
        if partition not in broker.replicas.partitions:
            # As Kafka, whatever this broker knows of the partition: it has no log of it.
            error = KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"no log of {partition}")
            written[partition] = Appended(partition, error)
            continue
        batch = build_marker(
            marker.producer_id,
            marker.producer_epoch,
            commit=marker.transaction_result,
            coordinator_epoch=marker.coordinator_epoch,
            timestamp_ms=broker.clock_ms(),
        )
        [written[partition]] = append(
            broker.replicas, [(partition, memoryview(batch))], ALL, Origin.COORDINATOR
        )
    return written


def _refused(marker: WritableTxnMarker) -> Written:
    error = KafkaError(ErrorCode.CLUSTER_AUTHORIZATION_FAILED)
    return {partition: Appended(partition, error) for partition in _partitions(marker)}


def _partitions(marker: WritableTxnMarker) -> Iterator[TopicPartition]:
    for topic in marker.topics:
        for partition in topic.partition_indexes:
            yield TopicPartition(topic.name, partition)


async def _until_replicated(broker: Broker, marker: WritableTxnMarker, written: Written) -> None:
    await wait_until_acknowledged(written.values(), broker.config.request_timeout_ms / 1000)
    for target, appended in written.items():
        if target.topic == OFFSETS_TOPIC and appended.error is None:
            broker.groups.transaction_completed(
                target.partition, marker.producer_id, committed=marker.transaction_result
            )


def _response(written: list[tuple[WritableTxnMarker, Written]]) -> WriteTxnMarkersResponse:
    """A producer's markers are answered together, and one without partitions not at all."""
    of_producer: dict[int, Written] = {}
    for marker, appended in written:
        if appended:
            of_producer.setdefault(marker.producer_id, {}).update(appended)
    return WriteTxnMarkersResponse(
        markers=[
            WritableTxnMarkerResult(producer_id=producer_id, topics=_topics(appended))
            for producer_id, appended in of_producer.items()
        ]
    )


def _topics(written: Written) -> list[WritableTxnMarkerTopicResult]:
    topics: dict[str, WritableTxnMarkerTopicResult] = {}
    for partition, appended in written.items():
        topic = topics.setdefault(
            partition.topic, WritableTxnMarkerTopicResult(name=partition.topic)
        )
        code = ErrorCode.NONE if appended.error is None else appended.error.code
        topic.partitions.append(
            WritableTxnMarkerPartitionResult(partition_index=partition.partition, error_code=code)
        )
    return list(topics.values())
