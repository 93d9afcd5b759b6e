"""The part of a plan that names log directories: replicas moved on their own brokers.

A replica that a reassignment has yet to make is not there to be moved at first: the broker is told
all the same, answers REPLICA_NOT_AVAILABLE, and is asked again until it is.
"""

from collections import defaultdict
from collections.abc import Mapping

import trio

from broker.wire.errors import ErrorCode
from cli.client import Cluster
from cli.client.log_dirs import Placement, describe_log_dirs, move_replicas, placements_of
from cli.client.outcome import Outcome
from coordination.values import TopicPartition

RETRY_SECONDS = 0.5

# A partition's replica on one broker.
Replica = tuple[TopicPartition, int]


async def start_moves(cluster: Cluster, wanted: Mapping[Replica, str]) -> list[Outcome[Replica]]:
    """Begin all moves; waits for replicas that are not there yet, until the command's deadline."""
    pending = dict(wanted)
    ended: list[Outcome[Replica]] = []
    while pending:
        for outcome in await _asked(cluster, pending):
            if outcome.code is not ErrorCode.REPLICA_NOT_AVAILABLE:
                ended.append(outcome)
                del pending[outcome.subject]
        if pending:
            cluster.waiting_for = f"{len(pending)} replicas to be there, to move them"
            await trio.sleep(RETRY_SECONDS)
    return ended


async def _asked(cluster: Cluster, wanted: Mapping[Replica, str]) -> list[Outcome[Replica]]:
    by_broker: dict[int, dict[TopicPartition, str]] = defaultdict(dict)
    for (partition, broker_id), path in wanted.items():
        by_broker[broker_id][partition] = path
    return [
        Outcome((each.subject, broker_id), each.code, each.message)
        for broker_id, targets in by_broker.items()
        for each in await move_replicas(cluster, broker_id, targets)
    ]


async def find_replicas(
    cluster: Cluster, wanted: Mapping[Replica, object]
) -> dict[Replica, list[Placement]]:
    """Where each of these replicas lies now; nowhere if its broker has it in no live directory."""
    by_broker: dict[int, list[TopicPartition]] = defaultdict(list)
    for partition, broker_id in wanted:
        by_broker[broker_id].append(partition)
    found: dict[Replica, list[Placement]] = {}
    for broker_id, partitions in by_broker.items():
        placements = placements_of(await describe_log_dirs(cluster, broker_id, partitions))
        found.update({(each, broker_id): placements.get(each, []) for each in partitions})
    return found


def move_state(placements: list[Placement], path: str) -> tuple[bool, str]:
    """Whether a move to `path` is over, and the state in the words of Kafka's tool."""
    if not placements:
        return True, "is not found in any live log dir"
    future = [each.log_dir for each in placements if each.is_future]
    if future:
        return False, (
            "is still in progress"
            if future[0] == path
            else f"is being moved to {future[0]} instead"
        )
    if placements[0].log_dir == path:
        return True, "completed successfully"
    return True, f"is not being moved from log dir {placements[0].log_dir} to {path}"
