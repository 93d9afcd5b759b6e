"""A broker's leaderships moved to others while it goes on: what it leads, and what it would again.

A controlled shutdown does this for a broker that stops; to ask for one is the brokers' own affair
(ControlledShutdown wants the broker's epoch, and marks it as stopping for as long as it lives).
What any client may ask of any Kafka is to name the broker last among a partition's replicas, and
then the preferred election (KIP-455, KIP-460): the replicas stay where they are, no record is
copied, and the controller's own rebalancing brings no leader back.

    partition   leader  replicas   in sync        replicas then   leader then
    a-0         1       1,2,3      1,2,3     ->   2,3,1           2
    a-1         2       1,2,3      1,2,3     ->   2,3,1           2       1 was only preferred
    a-2         1       1,2,3      1,3       ->   3,2,1           3
    a-3         1       1,2        1              it stays: nobody else is in sync
"""

from collections.abc import Iterable, Mapping

import attrs

from broker.wire.errors import ErrorCode
from cli.client.cluster import Cluster
from cli.client.elections import ElectionType, elect_leaders
from cli.client.outcome import Outcome
from cli.client.reassignments import alter_reassignments
from cli.client.topics import TopicDescription
from coordination.values import TopicPartition

Replicas = tuple[int, ...]


@attrs.frozen
class DrainPlan:
    """What the replicas are and shall be, by partition; and why the others keep their leader."""

    before: Mapping[TopicPartition, Replicas]
    after: Mapping[TopicPartition, Replicas]
    staying: Mapping[TopicPartition, str]


def plan_drain(topics: Iterable[TopicDescription], broker_id: int) -> DrainPlan:
    """Of all that the broker leads, or is preferred to lead."""
    before: dict[TopicPartition, Replicas] = {}
    after: dict[TopicPartition, Replicas] = {}
    staying: dict[TopicPartition, str] = {}
    for topic in topics:
        for each in topic.partitions:
            if broker_id not in (each.leader, *each.replicas[:1]):
                continue
            partition = TopicPartition(topic.name, each.partition)
            others = [replica for replica in each.replicas if replica != broker_id]
            in_sync = [replica for replica in others if replica in each.isr]
            if each.reassignment is not None:
                staying[partition] = "it is being reassigned"
            elif not others:
                staying[partition] = "it has no other replica"
            elif not in_sync:
                staying[partition] = "no other replica is in sync"
            else:
                behind = [replica for replica in others if replica not in each.isr]
                before[partition] = each.replicas
                after[partition] = (*in_sync, *behind, broker_id)
    return DrainPlan(before, after, staying)


async def drain(cluster: Cluster, plan: DrainPlan) -> list[Outcome[TopicPartition]]:
    """What became of each partition of `plan.after`: it has another leader, or why not."""
    if not plan.after:
        return []
    named_last = await alter_reassignments(cluster, plan.after)
    fine = [each.subject for each in named_last if each.done]
    elected = await elect_leaders(cluster, ElectionType.PREFERRED, fine) if fine else []
    return [
        *(each for each in named_last if not each.done),
        *(
            Outcome(each.subject) if each.code is ErrorCode.ELECTION_NOT_NEEDED else each
            for each in elected
        ),
    ]
