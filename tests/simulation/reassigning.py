"""Asking a simulated cluster for reassignments, and looking at what became of them."""

from broker.network.peers import PeerUnavailable
from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages import alter_partition_reassignments as ar
from broker.wire.messages import list_partition_reassignments as lr
from coordination.values import PartitionAssignment, TopicPartition
from coordination.znodes import decode_topic, paths
from tests.simulation.client import Client
from tests.simulation.ensemble import Ensemble, host_of


async def reassign(
    client: Client, tp: TopicPartition, replicas: tuple[int, ...] | None, timeout_s: float = 60
) -> None:
    """Ask the controller until it has begun; None cancels. Raises AssertionError if it refuses."""
    wanted = ar.ReassignablePartition(
        partition_index=tp.partition, replicas=None if replicas is None else list(replicas)
    )
    request = ar.AlterPartitionReassignmentsRequest(
        topics=[ar.ReassignableTopic(name=tp.topic, partitions=[wanted])]
    )

    async def attempt() -> tuple[ErrorCode, None]:
        answer = await client.ask(
            await _controller(client),
            ApiKey.ALTER_PARTITION_REASSIGNMENTS,
            0,
            request,
            ar.AlterPartitionReassignmentsResponse,
            timeout_s=10,
        )
        if answer.error_code:
            return ErrorCode.of(answer.error_code), None
        [result] = answer.responses[0].partitions
        return ErrorCode.of(result.error_code), None

    await client.retrying(attempt, timeout_s)


async def under_way(client: Client) -> dict[TopicPartition, tuple[list[int], list[int]]]:
    """Who is being added and removed, as the controller lists it."""

    async def attempt() -> tuple[ErrorCode, lr.ListPartitionReassignmentsResponse]:
        answer = await client.ask(
            await _controller(client),
            ApiKey.LIST_PARTITION_REASSIGNMENTS,
            0,
            lr.ListPartitionReassignmentsRequest(),
            lr.ListPartitionReassignmentsResponse,
        )
        return ErrorCode.of(answer.error_code), answer

    answer = await client.retrying(attempt, 60)
    return {
        TopicPartition(topic.name, each.partition_index): (
            each.adding_replicas,
            each.removing_replicas,
        )
        for topic in answer.topics
        for each in topic.partitions
    }


async def _controller(client: Client) -> int:
    found = (await client.metadata()).controller_id
    if found < 0:
        raise PeerUnavailable("no controller is known")
    return found


def assignment(ensemble: Ensemble, tp: TopicPartition) -> PartitionAssignment:
    """As ZooKeeper has it."""
    node = ensemble.store.tree.node(paths.topic(tp.topic))
    return decode_topic(tp.topic, node).partitions[tp.partition]


def is_over(ensemble: Ensemble, tp: TopicPartition) -> bool:
    return not assignment(ensemble, tp).is_being_reassigned


def replica_directories(ensemble: Ensemble, tp: TopicPartition) -> set[int]:
    """The brokers with a directory of the partition, be it one that waits to be deleted."""
    homes = {broker_id: ensemble.directory / host_of(broker_id) for broker_id in (1, 2, 3, 4)}
    return {broker_id for broker_id, home in homes.items() if any(home.glob(f"{tp}*"))}
