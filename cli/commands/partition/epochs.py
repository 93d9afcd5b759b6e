"""`zbroker-admin partition epochs`: the leader epochs that each replica remembers, side by side.

    EPOCH    AGREE    LEADER-1    FOLLOWER-2    FOLLOWER-3
    0        yes      0           0             0
    3        yes      40          40            40
    4        no       71          -             68

Under each replica is the offset where the epoch begins in its log; `-o wide` says where it ends,
too. Replicas that do not agree have different records there, until the follower has fetched from
the leader and cut its log. (Of a compacted topic they may have the same: a replica that was made
after compaction took all records of an epoch has never heard of that epoch.)

For this Kafka has no tool: one looks into each broker's leader-epoch-checkpoint.
"""

import click

from cli.client import Cluster
from cli.client.epoch_history import History
from cli.client.leader_epochs import PartitionEpochs, describe_epochs
from cli.commands.naming import partition_options
from cli.commands.options import Target, cluster_options, output_option
from cli.commands.outcomes import fail_for
from cli.commands.output import Answer, Table
from coordination.values import TopicPartition


@click.command("epochs")
@partition_options
@output_option(repeats=True)
@cluster_options
def command(target: Target, partition: TopicPartition, output: str) -> None:
    """Print which leader epoch began at which offset, as each replica of a partition knows it.

    \b
    Example: zbroker-admin partition epochs orders:0
    """

    async def facts(cluster: Cluster) -> PartitionEpochs:
        return await describe_epochs(cluster, partition)

    found = target.ask(facts)
    _answer(found).print_as(output)
    fail_for(
        [
            f"{partition} on broker {each.broker_id}: {each.error}"
            for each in found.replicas
            if each.error
        ],
        any_done=any(not each.error for each in found.replicas),
    )


def _answer(found: PartitionEpochs) -> Answer:
    return Answer(
        facts={"partitions": [_facts(found)]},
        text=[_table(found, whole=False)],
        wide=[_table(found, whole=True)],
        names=found.epochs,
    )


def _table(found: PartitionEpochs, *, whole: bool) -> Table:
    leader = found.description.leader
    return Table(
        (
            "EPOCH",
            "AGREE",
            *(
                f"{'LEADER' if each.broker_id == leader else 'FOLLOWER'}-{each.broker_id}"
                for each in found.replicas
            ),
        ),
        [
            (
                epoch,
                "yes" if found.agree_on(epoch) else "no",
                *(_cell(each, epoch, whole=whole) for each in found.replicas),
            )
            for epoch in found.epochs
        ],
    )


def _cell(replica: History, epoch: int, *, whole: bool) -> str | None:
    offsets = replica.offsets.get(epoch)
    if offsets is None:
        return None
    return f"[{offsets.start},{offsets.stop})" if whole else str(offsets.start)


def _facts(found: PartitionEpochs) -> dict[str, object]:
    return {
        "topic": found.partition.topic,
        "partition": found.partition.partition,
        "leader": found.description.leader,
        "leader_epoch": found.description.leader_epoch,
        "agree": all(found.agree_on(epoch) for epoch in found.epochs),
        "epochs": [{"epoch": each, "agree": found.agree_on(each)} for each in found.epochs],
        "replicas": [
            {
                "broker": each.broker_id,
                "epochs": [
                    {"epoch": epoch, "start_offset": offsets.start, "end_offset": offsets.stop}
                    for epoch, offsets in each.offsets.items()
                ],
                "error": each.error,
            }
            for each in found.replicas
        ],
    }
