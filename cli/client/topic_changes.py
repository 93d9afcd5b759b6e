"""Topics created, given more partitions, deleted: requests to the controller."""

from collections.abc import Mapping, Sequence

import attrs

from broker.wire.messages.create_partitions import (
    CreatePartitionsAssignment,
    CreatePartitionsRequest,
    CreatePartitionsResponse,
    CreatePartitionsTopic,
)
from broker.wire.messages.create_topics import (
    CreatableReplicaAssignment,
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
    CreateTopicsResponse,
)
from broker.wire.messages.delete_topics import (
    DeleteTopicsRequest,
    DeleteTopicsResponse,
    DeleteTopicState,
)
from cli.client.cluster import Cluster
from cli.client.outcome import Outcome, outcome_of

# -1 leaves the number to the broker: num.partitions, default.replication.factor (KIP-464).
BROKER_DEFAULT = -1

# How long the controller may wait for brokers to take the change over before it answers
# REQUEST_TIMED_OUT; Kafka's tools send their request.timeout.ms, 30 s.
CHANGE_TIMEOUT_MS = 30_000


@attrs.frozen
class NewTopic:
    """A topic to create; `assignment` (partition -> replicas) excludes the two numbers."""

    name: str
    partitions: int = BROKER_DEFAULT
    replication_factor: int = BROKER_DEFAULT
    assignment: Mapping[int, Sequence[int]] = attrs.field(factory=dict)
    configs: Mapping[str, str] = attrs.field(factory=dict)


async def create_topics(
    cluster: Cluster, topics: Sequence[NewTopic], *, validate_only: bool = False
) -> list[Outcome[str]]:
    """Create topics at the controller, in one request; one outcome a topic, in their order."""
    request = CreateTopicsRequest(
        topics=[_creatable(each) for each in topics],
        timeout_ms=CHANGE_TIMEOUT_MS,
        validate_only=validate_only,
    )

    places = {each.name: place for place, each in enumerate(topics)}

    async def create() -> list[Outcome[str]]:
        controller = await cluster.controller()
        answer = await controller.call(request, CreateTopicsResponse, needs=4)
        return [
            _outcome(each.name, each.error_code, each.error_message)
            for each in sorted(answer.topics, key=lambda each: places.get(each.name, -1))
        ]

    return await cluster.retrying(create, repeatable=False)


def _creatable(topic: NewTopic) -> CreatableTopic:
    return CreatableTopic(
        name=topic.name,
        num_partitions=BROKER_DEFAULT if topic.assignment else topic.partitions,
        replication_factor=BROKER_DEFAULT if topic.assignment else topic.replication_factor,
        assignments=[
            CreatableReplicaAssignment(partition_index=partition, broker_ids=list(replicas))
            for partition, replicas in topic.assignment.items()
        ],
        configs=[
            CreatableTopicConfig(name=name, value=value) for name, value in topic.configs.items()
        ],
    )


async def add_partitions(
    cluster: Cluster,
    topics: Mapping[str, int],
    assignments: Mapping[str, Sequence[Sequence[int]]],
    *,
    validate_only: bool = False,
) -> list[Outcome[str]]:
    """Give topics more partitions; `topics` says how many each is to have then.

    `assignments` has the brokers of the new partitions alone, for topics that don't leave that to
    the controller.
    """
    request = CreatePartitionsRequest(
        topics=[
            CreatePartitionsTopic(name=name, count=count, assignments=_new(assignments.get(name)))
            for name, count in topics.items()
        ],
        timeout_ms=CHANGE_TIMEOUT_MS,
        validate_only=validate_only,
    )

    async def add() -> list[Outcome[str]]:
        controller = await cluster.controller()
        answer = await controller.call(request, CreatePartitionsResponse)
        return [_outcome(each.name, each.error_code, each.error_message) for each in answer.results]

    return await cluster.retrying(add, repeatable=False)


async def delete_topics(cluster: Cluster, names: Sequence[str]) -> list[Outcome[str]]:
    """Delete topics at the controller; one outcome a topic."""
    request = DeleteTopicsRequest(
        topics=[DeleteTopicState(name=name) for name in names], timeout_ms=CHANGE_TIMEOUT_MS
    )

    async def delete() -> list[Outcome[str]]:
        controller = await cluster.controller()
        answer = await controller.call(request, DeleteTopicsResponse, needs=6)
        return [
            _outcome(each.name or "", each.error_code, each.error_message)
            for each in answer.responses
        ]

    return await cluster.retrying(delete, repeatable=False)


def _new(
    assignment: Sequence[Sequence[int]] | None,
) -> list[CreatePartitionsAssignment] | None:
    if assignment is None:
        return None
    return [CreatePartitionsAssignment(broker_ids=list(each)) for each in assignment]


def _outcome(name: str, code: int, message: str | None) -> Outcome[str]:
    return outcome_of(name, f"topic {name!r}", code, message)
