"""Produce: append batches, answer when they're as safe as `acks` asks.

The appends of a request happen before the first await (see `broker.listener`
and `broker.replica.append`); with acks=all the answer comes `Later`.
"""

from broker.api.context import RequestContext
from broker.broker import Broker
from broker.listener import Answer, CloseConnection, Later
from broker.replica.append import ALL, Appended, append, wait_until_acknowledged
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.produce import (
    LeaderIdAndEpoch,
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceResponse,
)
from coordination.values import TopicPartition


async def handle(broker: Broker, context: RequestContext, request: ProduceRequest) -> Answer:
    entries = [
        (TopicPartition(topic.name, partition.index), memoryview(partition.records or bytearray()))
        for topic in request.topic_data
        for partition in topic.partition_data
    ]
    refusal = _refusal(request)
    if refusal is not None:
        appended = [Appended(tp, refusal) for tp, _ in entries]
    else:
        appended = append(broker.replicas, entries, request.acks)
    if request.acks == 0:
        failed = next((entry for entry in appended if entry.error is not None), None)
        if failed is not None:
            # The producer hears of nothing, so it hears of this: by having to connect anew.
            raise CloseConnection(f"acks=0, and {failed.topic_partition}: {failed.error}")
        return None
    if request.acks != ALL or refusal is not None:
        return _response(broker, context, appended)

    async def wait() -> ProduceResponse:
        await wait_until_acknowledged(appended, request.timeout_ms / 1000)
        return _response(broker, context, appended)

    return Later(wait)


def _refusal(request: ProduceRequest) -> KafkaError | None:
    if request.acks in (ALL, 0, 1):
        return None
    return KafkaError(ErrorCode.INVALID_REQUIRED_ACKS, f"acks={request.acks}")


def _response(broker: Broker, context: RequestContext, appended: list[Appended]) -> ProduceResponse:
    topics: dict[str, TopicProduceResponse] = {}
    for entry in appended:
        name = entry.topic_partition.topic
        topic = topics.setdefault(name, TopicProduceResponse(name=name))
        topic.partition_responses.append(_partition_response(broker, entry, context.api_version))
    return ProduceResponse(responses=list(topics.values()))


def _partition_response(broker: Broker, entry: Appended, version: int) -> PartitionProduceResponse:
    response = PartitionProduceResponse(
        index=entry.topic_partition.partition,
        base_offset=entry.base_offset,
        log_append_time_ms=entry.log_append_time_ms,
        log_start_offset=entry.log_start_offset,
    )
    if entry.error is None:
        return response
    response.base_offset = -1
    response.error_code = entry.error.code
    response.error_message = entry.error.message
    if entry.error.code is ErrorCode.NOT_LEADER_OR_FOLLOWER and version >= 10:
        # KIP-951: tell the producer where to go instead.
        known = broker.metadata.current.partition(entry.topic_partition)
        if known is not None:
            response.current_leader = LeaderIdAndEpoch(
                leader_id=known.leader_and_isr.leader,
                leader_epoch=known.leader_and_isr.leader_epoch,
            )
    return response
