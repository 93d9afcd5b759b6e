"""Records written, as a producer that is not idempotent does: acks=all, each batch sent once."""

from collections.abc import Sequence

from broker.wire.compression import Compression
from broker.wire.errors import ErrorCode
from broker.wire.messages.produce import (
    PartitionProduceData,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
)
from broker.wire.record_batch import build_batch
from broker.wire.records import Record
from cli.client.cluster import Cluster
from cli.client.errors import RequestFailed
from cli.client.offsets import leaders_of
from coordination.values import TopicPartition

ALL_IN_SYNC = -1
TIMEOUT_MS = 30_000


async def produce(cluster: Cluster, partition: TopicPartition, records: Sequence[Record]) -> int:
    """Append the records as one batch, and return the first one's offset.

    When all in-sync replicas have them, or `RequestFailed` with the leader's error.
    """
    batch = build_batch(records, compression=Compression.NONE)
    request = ProduceRequest(
        acks=ALL_IN_SYNC,
        timeout_ms=TIMEOUT_MS,
        topic_data=[
            TopicProduceData(
                name=partition.topic,
                partition_data=[PartitionProduceData(index=partition.partition, records=batch)],
            )
        ],
    )

    async def send() -> int:
        leader = (await leaders_of(cluster, [partition.topic])).get(partition)
        if leader is None:
            raise RequestFailed(str(partition), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        if leader < 0:
            raise RequestFailed(str(partition), ErrorCode.LEADER_NOT_AVAILABLE)
        broker = await cluster.broker(leader)
        answer = await broker.call(request, ProduceResponse, needs=3)
        result = answer.responses[0].partition_responses[0]
        if result.error_code:
            raise RequestFailed(
                str(partition), ErrorCode.of(result.error_code), result.error_message
            )
        return result.base_offset

    return await cluster.retrying(send, repeatable=False)
