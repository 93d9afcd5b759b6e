"""DeleteRecords: forget everything before an offset, on every replica (KIP-107).

The leader's log start offset moves at once. Followers learn it with their next
fetch; the answer waits until the *low watermark*, the smallest log start of the
live replicas, has come to the offset. -1 stands for the high watermark.

Of a partition that is named twice the last offset counts, and it is answered once.

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
    asked = {
        TopicPartition(topic.name, partition.partition_index): partition.offset
        for topic in request.topics
        for partition in topic.partitions
    }
    topics: dict[str, DeleteRecordsTopicResult] = {}
    for topic_partition, offset in asked.items():
        topic = topics.setdefault(
            topic_partition.topic, DeleteRecordsTopicResult(name=topic_partition.topic)
        )
        topic.partitions.append(_delete(broker, context, topic_partition, offset, deletions))

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
    return DeleteRecordsResponse(topics=list(topics.values()))


def _delete(
    broker: Broker,
    context: RequestContext,
    topic_partition: TopicPartition,
    asked_offset: int,
    deletions: list[_Deletion],
) -> DeleteRecordsPartitionResult:
    result = DeleteRecordsPartitionResult(
        partition_index=topic_partition.partition, low_watermark=-1
    )
    try:
        context.require(Resource.TOPIC, topic_partition.topic)
        partition = broker.replicas.find(topic_partition)
        partition.leading()
        offset = partition.high_watermark if asked_offset == HIGH_WATERMARK else asked_offset
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
