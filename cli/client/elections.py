"""Leaders elected on an operator's word (KIP-460); the controller is asked."""

from collections import defaultdict
from collections.abc import Iterable
from enum import IntEnum

from broker.wire.errors import ErrorCode
from broker.wire.messages.elect_leaders import (
    ElectLeadersRequest,
    ElectLeadersResponse,
    TopicPartitions,
)
from cli.client.cluster import Cluster
from cli.client.errors import RequestFailed
from cli.client.outcome import Outcome, outcome_of
from coordination.values import TopicPartition


class ElectionType(IntEnum):
    """PREFERRED: the assignment's first replica. UNCLEAN: any live one where none in sync lives."""

    PREFERRED = 0
    UNCLEAN = 1


async def elect_leaders(
    cluster: Cluster, election_type: ElectionType, partitions: Iterable[TopicPartition] | None
) -> list[Outcome[TopicPartition]]:
    """Elect leaders of these partitions, of all for None; by topic and partition.

    A partition that has the right leader already is ELECTION_NOT_NEEDED; asked for all, the
    controller leaves those out.
    """
    topics: list[TopicPartitions] | None = None
    if partitions is not None:
        numbers: dict[str, list[int]] = defaultdict(list)
        for each in partitions:
            numbers[each.topic].append(each.partition)
        topics = [
            TopicPartitions(topic=topic, partitions=indexes) for topic, indexes in numbers.items()
        ]
    request = ElectLeadersRequest(election_type=election_type, topic_partitions=topics)

    async def elect() -> list[Outcome[TopicPartition]]:
        controller = await cluster.controller()
        answer = await controller.call(request, ElectLeadersResponse, needs=1)
        if answer.error_code:
            raise RequestFailed("election", ErrorCode.of(answer.error_code))
        return [
            outcome_of(
                TopicPartition(topic.topic, each.partition_id),
                "election",
                each.error_code,
                each.error_message,
            )
            for topic in answer.replica_election_results
            for each in topic.partition_result
        ]

    # Electing twice does no more than once: the second answer is ELECTION_NOT_NEEDED.
    outcomes = await cluster.retrying(elect)
    return sorted(outcomes, key=lambda each: (each.subject.topic, each.subject.partition))
