"""DeleteRecords: forget everything before an offset, on every replica (KIP-107).

The leader's log start offset moves at once. Followers learn it with their next
fetch; the answer waits until the *low watermark*, the smallest log start of the
live replicas, has come to the offset. -1 stands for the high watermark.

Kafka: ReplicaManager.deleteRecords, Partition.deleteRecordsOnLeader, DelayedDeleteRecords.
"""

import attrs

from broker.api.context import RequestContext
from broker.api.permissions import Resource
from broker.broker import Broker
from broker.replica.partition import Partition
from broker.waiting import wait_until
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsPartitionResult,
    DeleteRecordsRequest,
    DeleteRecordsResponse,
    DeleteRecordsTopicResult,
)
from coordination.values import TopicPartition

HIGH_WATERMARK = -1


@attrs.define
class _Deletion:
    partition: Partition
    offset: int
    result: DeleteRecordsPartitionResult

    def is_done(self, live: set[int]) -> bool:
        self.result.low_watermark = self.partition.low_watermark(live)
        return self.result.low_watermark >= self.offset


async def handle(
    broker: Broker, context: RequestContext, request: DeleteRecordsRequest
) -> DeleteRecordsResponse:
    deletions: list[_Deletion] = []
    topics = [
        DeleteRecordsTopicResult(
            name=topic.name,
            partitions=[
                _delete(broker, context, topic.name, asked, deletions) for asked in topic.partitions
            ],
        )
        for topic in request.topics
    ]

    def look() -> bool:
        """True when all are done. A partition that isn't led here any more is, with its error."""
        live = set(broker.metadata.current.brokers)
        for deletion in list(deletions):
            try:
                done = deletion.is_done(live)
            except KafkaError as error:
                deletion.result.error_code, done = error.code, True
            if done:
                deletions.remove(deletion)
        return not deletions

    movements = [deletion.partition.moved for deletion in deletions]
    if not await wait_until(look, movements, request.timeout_ms / 1000):
        for deletion in deletions:
            deletion.result.error_code = ErrorCode.REQUEST_TIMED_OUT
    return DeleteRecordsResponse(topics=topics)


def _delete(
    broker: Broker,
    context: RequestContext,
    topic: str,
    asked: DeleteRecordsPartition,
    deletions: list[_Deletion],
) -> DeleteRecordsPartitionResult:
    result = DeleteRecordsPartitionResult(partition_index=asked.partition_index, low_watermark=-1)
    try:
        context.require(Resource.TOPIC, topic)
        partition = broker.replicas.find(TopicPartition(topic, asked.partition_index))
        partition.leading()
        offset = partition.high_watermark if asked.offset == HIGH_WATERMARK else asked.offset
        if not partition.log.config.deletes_by_retention:
            raise KafkaError(
                ErrorCode.POLICY_VIOLATION,
                f"Records of partition {partition.topic_partition} can not be deleted due to the "
                "configured policy",
            )
        if offset < 0:
            raise KafkaError(ErrorCode.OFFSET_OUT_OF_RANGE, f"The offset {offset} is not valid")
        partition.log.increment_log_start_offset(offset)
    except KafkaError as error:
        result.error_code = error.code
        return result
    partition.moved.happened()
    deletions.append(_Deletion(partition, offset, result))
    return result
