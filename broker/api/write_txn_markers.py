"""WriteTxnMarkers: write how transactions ended into the partitions that this broker leads.

The coordinator sends it when it has decided, and again until each partition says NONE, so a marker
may come twice: the second finds no open transaction and ends nothing. A coordinator that was
replaced is refused (TRANSACTION_COORDINATOR_FENCED), a marker for an older life of the producer
too (INVALID_PRODUCER_EPOCH).

Like a producer's records with acks=all, markers are appended before the next request is looked at,
and answered when they are replicated. Of one in `__consumer_offsets` the group coordinator is told
at once, and sees to the offsets that were committed in the transaction when it is replicated:
whether or not the sender is still there to be answered, and without waiting for other partitions.

A marker without a producer id or epoch ends nothing, and is nobody's: as in Kafka, it fails the
whole request as a defect would, and what comes before it in the request is written.

`kafka-transactions abort` sends it too, to end a transaction that no coordinator knows of: so who
may alter the cluster may send it, besides brokers (KIP-664).

Kafka: KafkaApis.handleWriteTxnMarkersRequest.
"""

from collections.abc import Iterator

import trio

from broker.api.context import RequestContext
from broker.api.permissions import Operation, Resource
from broker.broker import Broker
from broker.groups.committed_offsets import EndedTransaction
from broker.groups.offsets_log import OFFSETS_TOPIC
from broker.log.values import Origin
from broker.network.answers import Later
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

NONE = -1  # no producer id, or no epoch

# What came of the markers of one producer, by partition.
Written = dict[TopicPartition, Appended]


async def handle(
    broker: Broker, context: RequestContext, request: WriteTxnMarkersRequest
) -> Later | WriteTxnMarkersResponse:
    if not context.may(Resource.CLUSTER, operation=Operation.ALTER) and not context.may(
        Resource.CLUSTER, operation=Operation.CLUSTER_ACTION
    ):
        return _all_failed(request, ErrorCode.CLUSTER_AUTHORIZATION_FAILED)
    written: list[tuple[WritableTxnMarker, Written]] = []
    for marker in request.markers:
        if _is_nobodys(broker, marker):
            return _all_failed(request, ErrorCode.UNKNOWN_SERVER_ERROR)
        written.append((marker, _write(broker, marker)))

    async def wait() -> WriteTxnMarkersResponse:
        # Who sends it waits for one of these, too: he is to hear which partition is slow, and that
        # the others have their markers, before he gives up the whole request.
        timeout_s = broker.config.request_timeout_ms / 2000
        async with trio.open_nursery() as nursery:
            for _, appended in written:
                nursery.start_soon(wait_until_acknowledged, appended.values(), timeout_s)
        return _response(written)

    return Later(wait)


def _is_nobodys(broker: Broker, marker: WritableTxnMarker) -> bool:
    """Whether something would be written for no producer."""
    has_producer = NONE not in (marker.producer_id, marker.producer_epoch)
    return not has_producer and any(
        partition in broker.replicas.partitions for partition in _partitions(marker)
    )


def _write(broker: Broker, marker: WritableTxnMarker) -> Written:
    """Append the marker to each partition, as far as it's led here."""
    written: Written = {}
    for partition in dict.fromkeys(_partitions(marker)):  # each once, however often it's named
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
        [appended] = append(
            broker.replicas, [(partition, memoryview(batch))], ALL, Origin.COORDINATOR
        )
        written[partition] = appended
        if partition.topic == OFFSETS_TOPIC and appended.error is None:
            broker.groups.marker_appended(
                partition.partition,
                EndedTransaction(
                    marker.producer_id, appended.base_offset, marker.transaction_result
                ),
            )
    return written


def _partitions(marker: WritableTxnMarker) -> Iterator[TopicPartition]:
    for topic in marker.topics:
        for partition in topic.partition_indexes:
            yield TopicPartition(topic.name, partition)


def _all_failed(request: WriteTxnMarkersRequest, error: ErrorCode) -> WriteTxnMarkersResponse:
    return _results(
        {
            marker.producer_id: dict.fromkeys(_partitions(marker), error)
            for marker in request.markers
        }
    )


def _response(written: list[tuple[WritableTxnMarker, Written]]) -> WriteTxnMarkersResponse:
    """A producer's markers are answered together, and one without partitions not at all."""
    of_producer: dict[int, dict[TopicPartition, ErrorCode]] = {}
    for marker, appended in written:
        if appended:
            of_producer.setdefault(marker.producer_id, {}).update(
                {
                    partition: ErrorCode.NONE if each.error is None else each.error.code
                    for partition, each in appended.items()
                }
            )
    return _results(of_producer)


def _results(of_producer: dict[int, dict[TopicPartition, ErrorCode]]) -> WriteTxnMarkersResponse:
    return WriteTxnMarkersResponse(
        markers=[
            WritableTxnMarkerResult(producer_id=producer_id, topics=_topics(errors))
            for producer_id, errors in of_producer.items()
        ]
    )


def _topics(errors: dict[TopicPartition, ErrorCode]) -> list[WritableTxnMarkerTopicResult]:
    topics: dict[str, WritableTxnMarkerTopicResult] = {}
    for partition, error in errors.items():
        topic = topics.setdefault(
            partition.topic, WritableTxnMarkerTopicResult(name=partition.topic)
        )
        topic.partitions.append(
            WritableTxnMarkerPartitionResult(partition_index=partition.partition, error_code=error)
        )
    return list(topics.values())
