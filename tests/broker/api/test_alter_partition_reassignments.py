"""AlterPartitionReassignments: what the controller is asked, and how its answer is told."""

from types import SimpleNamespace
from typing import Any

from broker.api.alter_partition_reassignments import handle
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.alter_partition_reassignments import (
    AlterPartitionReassignmentsRequest,
    AlterPartitionReassignmentsResponse,
    ReassignablePartition,
    ReassignableTopic,
)
from coordination.controller.requests import (
    AlterPartitionReassignments,
    KafkaErrorName,
    Refusal,
)
from coordination.values import TopicPartition


async def ask(answer: object, **topics: dict[int, list[int] | None]) -> Any:
    """The handler's answer if the controller's is `answer`."""
    asked = {
        TopicPartition(topic, index): None if replicas is None else tuple(replicas)
        for topic, partitions in topics.items()
        for index, replicas in partitions.items()
    }

    async def ask_controller(request: object) -> object:
        assert request == AlterPartitionReassignments(asked)
        if isinstance(answer, KafkaError):
            raise answer
        return answer

    request = AlterPartitionReassignmentsRequest(
        topics=[
            ReassignableTopic(
                name=topic,
                partitions=[
                    ReassignablePartition(partition_index=index, replicas=replicas)
                    for index, replicas in partitions.items()
                ],
            )
            for topic, partitions in topics.items()
        ]
    )
    broker: Any = SimpleNamespace(ask_controller=ask_controller)
    context: Any = None
    return await handle(broker, context, request)


def told(response: AlterPartitionReassignmentsResponse) -> dict[str, tuple[int, str | None]]:
    return {
        f"{topic.name}-{each.partition_index}": (each.error_code, each.error_message)
        for topic in response.responses
        for each in topic.partitions
    }


async def test_each_partition_has_its_own_answer() -> None:
    dead = Refusal(KafkaErrorName.INVALID_REPLICA_ASSIGNMENT, "9 is dead")
    idle = Refusal(KafkaErrorName.NO_REASSIGNMENT_IN_PROGRESS)
    answer = {
        TopicPartition("a", 0): None,
        TopicPartition("a", 1): dead,
        TopicPartition("b", 0): idle,
    }
    response = await ask(answer, a={0: [1, 2], 1: [9]}, b={0: None})
    assert response.error_code == ErrorCode.NONE
    assert told(response) == {
        "a-0": (ErrorCode.NONE, None),
        "a-1": (ErrorCode.INVALID_REPLICA_ASSIGNMENT, "9 is dead"),
        "b-0": (
            ErrorCode.NO_REASSIGNMENT_IN_PROGRESS,
            ErrorCode.NO_REASSIGNMENT_IN_PROGRESS.message,
        ),
    }


async def test_who_is_not_the_controller_says_so_once() -> None:
    response = await ask(KafkaError(ErrorCode.NOT_CONTROLLER), a={0: [1]})
    assert response.error_code == ErrorCode.NOT_CONTROLLER
    assert response.error_message == ErrorCode.NOT_CONTROLLER.message
    assert response.responses == []


async def test_nothing_is_asked_for() -> None:
    assert await ask({}) == AlterPartitionReassignmentsResponse()
