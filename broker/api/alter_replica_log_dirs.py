"""AlterReplicaLogDirs: move replicas of this broker to other log directories of it (KIP-113).

Answered when the moves have begun; how far they are, DescribeLogDirs tells. A replica that isn't
here yet is REPLICA_NOT_AVAILABLE, and will be made where it's wanted: kafka-reassign-partitions
says so first and adds the replica then. If a partition is named twice the last directory counts.

Kafka: KafkaApis.handleAlterReplicaLogDirsRequest; the rest is `broker.replica.log_dir_moves`.
"""

from broker.api.context import RequestContext
from broker.api.permissions import CLUSTER_NAME, DENIED, Resource
from broker.broker import Broker
from broker.wire.messages.alter_replica_log_dirs import (
    AlterReplicaLogDirPartitionResult,
    AlterReplicaLogDirsRequest,
    AlterReplicaLogDirsResponse,
    AlterReplicaLogDirTopicResult,
)
from coordination.values import TopicPartition


async def handle(
    broker: Broker, context: RequestContext, request: AlterReplicaLogDirsRequest
) -> AlterReplicaLogDirsResponse:
    destinations = {
        TopicPartition(topic.name, partition): directory.path
        for directory in request.dirs
        for topic in directory.topics
        for partition in topic.partitions
    }
    if context.may(Resource.CLUSTER, CLUSTER_NAME):
        errors = await broker.moves.alter(destinations)
    else:
        errors = dict.fromkeys(destinations, DENIED[Resource.CLUSTER])
    topics: dict[str, AlterReplicaLogDirTopicResult] = {}
    for tp, code in errors.items():
        topic = topics.setdefault(tp.topic, AlterReplicaLogDirTopicResult(topic_name=tp.topic))
        topic.partitions.append(
            AlterReplicaLogDirPartitionResult(partition_index=tp.partition, error_code=code)
        )
    return AlterReplicaLogDirsResponse(results=list(topics.values()))
