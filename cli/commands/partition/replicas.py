"""`zbroker-admin partition replicas`: how far each replica has its log, side by side.

    TOPIC    PARTITION  REPLICA  ROLE      IN-SYNC  LOG-START  LOG-END  LAG  HIGH-WATERMARK  ..
    orders   0          1        leader    yes      0          1200     0    1180
    orders   0          2        follower  yes      0          1180     20   -
    orders   0          3        follower  no       0          700      500  -

Who lags, and behind what, is what Kafka's tools leave to metrics. High watermark and last stable
offset are the leader's: it alone tells consumers.
"""

from collections.abc import Sequence

import click

from cli.client import Cluster
from cli.client.replicas import PartitionReplicas, Replica, describe_replicas
from cli.client.topics import describe_topics, topic_names
from cli.commands.completing import complete_topics
from cli.commands.naming import parse_topics
from cli.commands.options import Target, cluster_options, output_option
from cli.commands.outcomes import fail_for
from cli.commands.output import Answer, Table
from coordination.values import TopicPartition

COLUMNS = (
    "TOPIC",
    "PARTITION",
    "REPLICA",
    "ROLE",
    "IN-SYNC",
    "LOG-START",
    "LOG-END",
    "LAG",
    "HIGH-WATERMARK",
    "LAST-STABLE",
)
WIDE_COLUMNS = (*COLUMNS, "LEADER-EPOCH", "BYTES", "LOG-DIR")


@click.command("replicas")
@click.argument("topics", nargs=-1, metavar="[TOPIC[:0,2,..]]..", shell_complete=complete_topics)
@output_option(repeats=True)
@cluster_options
def command(target: Target, topics: tuple[str, ...], output: str) -> None:
    """Print how far each replica of a partition is: all partitions, or those of TOPICs.

    \b
    Example: zbroker-admin partition replicas orders:0
    """
    chosen = parse_topics(topics, "TOPIC")

    async def facts(cluster: Cluster) -> tuple[list[str], list[PartitionReplicas]]:
        described = await describe_topics(cluster, list(chosen) or await topic_names(cluster))
        partitions = {
            TopicPartition(topic.name, each.partition): each
            for topic in described
            for each in topic.partitions
        }
        existing = {topic.name for topic in described}
        named = [
            TopicPartition(name, number)
            for name, numbers in chosen.items()
            for number in numbers or ()
            if name in existing
        ]
        missing = [f"no topic {name!r}" for name in chosen if name not in existing]
        missing += [f"no partition {each}" for each in named if each not in partitions]
        wanted = {
            each: partition
            for each, partition in partitions.items()
            if chosen.get(each.topic) is None or each in named
        }
        return missing, await describe_replicas(cluster, wanted)

    missing, found = target.ask(facts)
    _answer(found).print_as(output)
    silent = [
        f"{each.partition} on broker {replica.broker_id}: {replica.error}"
        for each in found
        for replica in each.replicas
        if replica.error
    ]
    answered = any(not replica.error for each in found for replica in each.replicas)
    fail_for([*missing, *silent], any_done=answered)


def _answer(found: Sequence[PartitionReplicas]) -> Answer:
    replicas = [(each, replica) for each in found for replica in each.replicas]
    return Answer(
        facts={"partitions": [_facts(each) for each in found]},
        text=[Table(COLUMNS, [_row(each, replica) for each, replica in replicas])],
        wide=[
            Table(
                WIDE_COLUMNS,
                [(*_row(each, replica), *_more(each, replica)) for each, replica in replicas],
            )
        ],
        names=[each.partition for each in found],
    )


def _row(each: PartitionReplicas, replica: Replica) -> tuple[object, ...]:
    leads = replica.broker_id == each.description.leader
    return (
        each.partition.topic,
        each.partition.partition,
        replica.broker_id,
        "leader" if leads else "follower",
        "yes" if replica.broker_id in each.description.isr else "no",
        replica.log_start_offset,
        replica.log_end_offset,
        each.lag(replica),
        each.high_watermark if leads else None,
        each.last_stable_offset if leads else None,
    )


def _more(each: PartitionReplicas, replica: Replica) -> tuple[object, ...]:
    lies = [placement for placement in replica.placements if not placement.is_future]
    return (
        each.description.leader_epoch,
        lies[0].size_bytes if lies else None,
        lies[0].log_dir if lies else None,
    )


def _facts(each: PartitionReplicas) -> dict[str, object]:
    return {
        "topic": each.partition.topic,
        "partition": each.partition.partition,
        "leader": each.description.leader,
        "leader_epoch": each.description.leader_epoch,
        "isr": each.description.isr,
        "high_watermark": each.high_watermark,
        "last_stable_offset": each.last_stable_offset,
        "replicas": [
            {
                "broker": replica.broker_id,
                "in_sync": replica.broker_id in each.description.isr,
                "log_start_offset": replica.log_start_offset,
                "log_end_offset": replica.log_end_offset,
                "lag": each.lag(replica),
                "log_dirs": [
                    {
                        "log_dir": placement.log_dir,
                        "size_bytes": placement.size_bytes,
                        "future": placement.is_future,
                    }
                    for placement in replica.placements
                ],
                "error": replica.error,
            }
            for replica in each.replicas
        ],
    }
