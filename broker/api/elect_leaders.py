"""ElectLeaders: an admin wants partitions to have their preferred leader, or any live one.

The controller elects and answers at once; the admin is answered when this broker's metadata names
the new leaders, so that who asks afterwards is told of them, or when the timeout is over.

Asked for all partitions (null), those that need no election are left out of the answer.
Kafka: KafkaApis.handleElectLeaders, ReplicaManager.electLeaders, DelayedElectLeader.
"""

from collections.abc import Mapping

import trio

from broker.api.context import RequestContext
from broker.api.permissions import Resource
from broker.broker import Broker
from broker.waiting import wait_until
from broker.wire.errors import ErrorCode
from broker.wire.messages.elect_leaders import (
    ElectLeadersRequest,
    ElectLeadersResponse,
    PartitionResult,
    ReplicaElectionResult,
)
from coordination.controller.inbox import NotController
from coordination.controller.requests import (
    ElectLeaders,
    LeadersElected,
    Refusal,
)
from coordination.values import TopicPartition

PREFERRED, UNCLEAN = 0, 1
FIRST_VERSION_WITH_ERROR_OF_ALL = 1

# An error code and its message, for each partition.
Results = Mapping[TopicPartition, tuple[ErrorCode, str | None]]


async def handle(
    broker: Broker, context: RequestContext, request: ElectLeadersRequest
) -> ElectLeadersResponse:
    deadline_s = trio.current_time() + request.timeout_ms / 1000
    if not context.may(Resource.CLUSTER):
        return _refused(context, request, ErrorCode.CLUSTER_AUTHORIZATION_FAILED)
    if request.election_type not in (PREFERRED, UNCLEAN):
        return _refused(context, request, ErrorCode.UNKNOWN_SERVER_ERROR)
    partitions = _asked_for(broker, request)
    try:
        elected = await broker.controller.submit(
            ElectLeaders(partitions, unclean=request.election_type == UNCLEAN)
        )
    except NotController:
        return _response(dict.fromkeys(partitions, (ErrorCode.NOT_CONTROLLER, None)))
    assert isinstance(elected, LeadersElected)
    results = await _outcome(broker, elected, deadline_s)
    if request.topic_partitions is None:
        results = {
            partition: result
            for partition, result in results.items()
            if result[0] is not ErrorCode.ELECTION_NOT_NEEDED
        }
    return _response(results)


def _refused(
    context: RequestContext, request: ElectLeadersRequest, code: ErrorCode
) -> ElectLeadersResponse:
    """All of it, and every partition that it names."""
    answer = _response(dict.fromkeys(_named(request), (code, code.message)))
    if context.api_version >= FIRST_VERSION_WITH_ERROR_OF_ALL:
        answer.error_code = code
    return answer


def _asked_for(broker: Broker, request: ElectLeadersRequest) -> list[TopicPartition]:
    if request.topic_partitions is not None:
        return _named(request)
    return [
        TopicPartition(topic.name, index)
        for topic in broker.metadata.current.topics.values()
        for index in topic.partitions
    ]


def _named(request: ElectLeadersRequest) -> list[TopicPartition]:
    return [
        TopicPartition(asked.topic, index)
        for asked in request.topic_partitions or []
        for index in asked.partitions
    ]


async def _outcome(broker: Broker, elected: LeadersElected, deadline_s: float) -> Results:
    """The refusals, and for each new leader whether this broker has heard of it in time."""
    leaders = {
        p: result for p, result in elected.results.items() if not isinstance(result, Refusal)
    }

    def unheard() -> set[TopicPartition]:
        return {p for p, leader in leaders.items() if _leader(broker, p) != leader}

    timeout_s = max(0, deadline_s - trio.current_time())
    await wait_until(lambda: not unheard(), [broker.metadata.changed], timeout_s)
    late = unheard()
    results: dict[TopicPartition, tuple[ErrorCode, str | None]] = {}
    for partition, result in elected.results.items():
        if isinstance(result, Refusal):
            code = ErrorCode[result.error.value]
            results[partition] = (code, result.message or code.message)
        elif partition in late:
            results[partition] = (ErrorCode.REQUEST_TIMED_OUT, None)
        else:
            results[partition] = (ErrorCode.NONE, None)
    return results


def _leader(broker: Broker, partition: TopicPartition) -> int | None:
    known = broker.metadata.current.partition(partition)
    return None if known is None else known.leader_and_isr.leader


def _response(
    results: Mapping[TopicPartition, tuple[ErrorCode, str | None]],
) -> ElectLeadersResponse:
    topics: dict[str, ReplicaElectionResult] = {}
    for partition, (code, text) in results.items():
        topic = topics.setdefault(partition.topic, ReplicaElectionResult(topic=partition.topic))
        topic.partition_result.append(
            PartitionResult(partition_id=partition.partition, error_code=code, error_message=text)
        )
    return ElectLeadersResponse(replica_election_results=list(topics.values()))
