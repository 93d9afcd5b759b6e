"""Elections that somebody asks for (KIP-183, KIP-460).

    asked by                              for                      what becomes the leader
    ------------------------------------  -----------------------  ------------------------------
    ElectLeaders, preferred;              partitions led by        the assignment's first replica
    /admin/preferred_replica_election     another than that
    ElectLeaders, unclean                 partitions without a     the first live replica, in sync
                                          live leader              if there is one, else lossily

Each partition gets one answer, the first of these that is true:

    there is no such partition          UNKNOWN_TOPIC_OR_PARTITION
    its topic is being deleted          INVALID_TOPIC_EXCEPTION
    it has the leader asked for         ELECTION_NOT_NEEDED
    nobody may become it                PREFERRED_ or ELIGIBLE_LEADERS_NOT_AVAILABLE
    elected, and written to ZooKeeper   the leader

The znode is how tools asked before Kafka 2.4. It is deleted when every partition in it was tried,
and until then a new controller takes it up again. One that cannot be read stays until somebody
mends or deletes it.

Source: kafka.controller.KafkaController.{processReplicaLeaderElection,onReplicaElection}.
"""

from collections.abc import Sequence

from coordination.controller import partition_changes
from coordination.controller.context import ControllerContext
from coordination.controller.effects import Reply
from coordination.controller.leader_election import Strategy
from coordination.controller.requests import (
    NO_SUCH_PARTITION,
    ElectLeaders,
    KafkaErrorName,
    LeadersElected,
    Refusal,
)
from coordination.controller.story import (
    Story,
    exists,
    headline,
    persist,
    read,
    record,
    record_bad_znode,
)
from coordination.store import BadVersion, Delete, NoNode, StoreError
from coordination.values import TopicPartition
from coordination.znodes import BadZnode, decode_preferred_replica_election, paths

__all__ = ["elect_leaders", "preferred_election_changed"]

NOT_EVEN_TRIED = (
    KafkaErrorName.UNKNOWN_TOPIC_OR_PARTITION,
    KafkaErrorName.INVALID_TOPIC_EXCEPTION,
)


def elect_leaders(context: ControllerContext, request: ElectLeaders) -> Story[None]:
    strategy = Strategy.OFFLINE if request.unclean else Strategy.PREFERRED
    results = yield from _elect(context, request.partitions, strategy, asked_by="request")
    yield Reply(LeadersElected(results))


def preferred_election_changed(context: ControllerContext) -> Story[None]:
    """Do what the znode asks for, delete it, and look again, arming the watch for the next one."""
    path = paths.PREFERRED_REPLICA_ELECTION
    while (yield from exists(path)):
        [node] = yield from read([path])
        if node is None:
            continue
        try:
            partitions = sorted(decode_preferred_replica_election(node))
        except BadZnode as error:
            yield from record_bad_znode(error)
            return
        results = yield from _elect(context, partitions, Strategy.PREFERRED, asked_by="znode")
        for partition, result in results.items():
            if isinstance(result, Refusal) and result.error in NOT_EVEN_TRIED:
                yield from record(
                    "partition.election_refused",
                    partition=str(partition),
                    error=result.error.value,
                    why=result.message,
                )
        [outcome] = yield from persist(context, [[Delete(path, node.stat.version)]])
        if isinstance(outcome, StoreError) and not isinstance(outcome, BadVersion | NoNode):
            raise outcome


def _elect(
    context: ControllerContext,
    partitions: Sequence[TopicPartition],
    strategy: Strategy,
    asked_by: str,
) -> Story[dict[TopicPartition, int | Refusal]]:
    results: dict[TopicPartition, int | Refusal] = {}
    wanted = []
    for partition in dict.fromkeys(partitions):
        refusal = _refusal(context, partition, strategy)
        if refusal is None:
            wanted.append(partition)
        else:
            results[partition] = refusal
    if not wanted:
        return results
    unclean = strategy is Strategy.OFFLINE
    yield from headline(
        "partition.elections_asked",
        election="unclean" if unclean else strategy.value,
        partitions=[str(partition) for partition in wanted],
        asked_by=asked_by,
    )
    elected = yield from partition_changes.bring_online(
        context, wanted, strategy, allow_unclean=unclean
    )
    for partition in wanted:
        if partition in elected:
            results[partition] = context.leadership[partition].leader
        else:
            results[partition] = _not_available(partition, strategy)
    return results


def _refusal(
    context: ControllerContext, partition: TopicPartition, strategy: Strategy
) -> Refusal | None:
    """Why there is nothing to elect; None if there is."""
    if partition.partition not in context.topics.get(partition.topic, {}):
        return NO_SUCH_PARTITION
    if context.is_to_be_deleted(partition):
        return Refusal(KafkaErrorName.INVALID_TOPIC_EXCEPTION, "The topic is being deleted")
    state = context.leadership.get(partition)
    if state is None:
        return _not_available(partition, strategy)
    if strategy is Strategy.PREFERRED:
        needed = state.leader not in context.assignment(partition).replicas[:1]
    else:
        needed = state.leader not in context.live_broker_ids()
    return None if needed else Refusal(KafkaErrorName.ELECTION_NOT_NEEDED)


def _not_available(partition: TopicPartition, strategy: Strategy) -> Refusal:
    preferred = strategy is Strategy.PREFERRED
    return Refusal(
        KafkaErrorName.PREFERRED_LEADER_NOT_AVAILABLE
        if preferred
        else KafkaErrorName.ELIGIBLE_LEADERS_NOT_AVAILABLE,
        f"Failed to elect leader for partition {partition} under strategy "
        + (
            "PreferredReplicaPartitionLeaderElectionStrategy"
            if preferred
            else "OfflinePartitionLeaderElectionStrategy(true)"
        ),
    )
