"""ListPartitionReassignments: all, or those asked for; what is told of each."""

from types import SimpleNamespace
from typing import Any

from broker.api.list_partition_reassignments import handle
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.list_partition_reassignments import (
    ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsResponse,
    ListPartitionReassignmentsTopics,
    OngoingPartitionReassignment,
    OngoingTopicReassignment,
)
from coordination.controller.requests import (
    ListPartitionReassignments,
)
from coordination.values import PartitionAssignment, TopicPartition

T0, T1 = TopicPartition("t", 0), TopicPartition("t", 1)


async def ask(
    answer: object, expected: ListPartitionReassignments, topics: dict[str, list[int]] | None
) -> ListPartitionReassignmentsResponse:
    async def ask_controller(request: object) -> object:
        assert request == expected
        if isinstance(answer, KafkaError):
            raise answer
        return answer

    request = ListPartitionReassignmentsRequest(topics=None)
    if topics is not None:
        request.topics = [
            ListPartitionReassignmentsTopics(name=topic, partition_indexes=indexes)
            for topic, indexes in topics.items()
        ]
    broker: Any = SimpleNamespace(ask_controller=ask_controller)
    context: Any = None
    return await handle(broker, context, request)


async def test_all_of_them() -> None:
    answer = {
        T0: PartitionAssignment((3, 1), (3,), (1,)),
        T1: PartitionAssignment((1, 2), (), (2,)),
    }
    response = await ask(answer, ListPartitionReassignments(None), None)
    first = OngoingPartitionReassignment(
        partition_index=0, replicas=[3, 1], adding_replicas=[3], removing_replicas=[1]
    )
    second = OngoingPartitionReassignment(
        partition_index=1, replicas=[1, 2], adding_replicas=[], removing_replicas=[2]
    )
    assert response.topics == [OngoingTopicReassignment(name="t", partitions=[first, second])]


async def test_those_asked_for() -> None:
    asked = ListPartitionReassignments(frozenset({T0, T1}))
    assert await ask({}, asked, {"t": [0, 1]}) == ListPartitionReassignmentsResponse()


async def test_who_is_not_the_controller_says_so() -> None:
    error = KafkaError(ErrorCode.NOT_CONTROLLER)
    response = await ask(error, ListPartitionReassignments(None), None)
    assert response.error_code == ErrorCode.NOT_CONTROLLER
    assert response.error_message == ErrorCode.NOT_CONTROLLER.message
