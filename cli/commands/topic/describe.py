"""`zbroker-admin topic describe`: the text of kafka-topics.sh --describe, and its filters.

Of the partitions, the filters show those that at least one of them means. Topics that are found
with none to show have no line of their own then, as in Kafka's tool.
"""

import attrs
import click

from cli.client import Cluster
from cli.client.topics import PartitionDescription, TopicDescription, describe_topics
from cli.commands.options import Target, cluster_options, output_option
from cli.commands.outcomes import fail_for
from cli.commands.output import Answer, Table, Text
from cli.commands.topic.choosing import (
    chosen_topics,
    exclude_internal_option,
    names_options,
    no_match,
)
from cli.commands.topic.text import ids, partition_line, topic_line
from coordination.znodes import topic_id_text

WIDE_COLUMNS = (
    "TOPIC",
    "PARTITION",
    "LEADER",
    "LEADER-EPOCH",
    "REPLICAS",
    "ISR",
    "OFFLINE",
    "ADDING",
    "REMOVING",
    "MIN-ISR",
)


@attrs.frozen
class Filters:
    """Which partitions to show; all, if none of them is set."""

    under_replicated: bool
    unavailable: bool
    under_min_isr: bool
    at_min_isr: bool

    @property
    def any_set(self) -> bool:
        return any(attrs.astuple(self))

    def want(self, topic: TopicDescription, partition: PartitionDescription) -> bool:
        leaderless = partition.leader is None
        in_sync, least = len(partition.isr), topic.min_insync_replicas
        return not self.any_set or (
            (self.under_replicated and partition.under_replicated)
            or (self.unavailable and leaderless)
            or (self.under_min_isr and (leaderless or in_sync < least))
            or (self.at_min_isr and in_sync == least)
        )


@click.command("describe")
@names_options
@exclude_internal_option
@click.option(
    "--under-replicated-partitions", is_flag=True, help="Only those with too few in sync."
)
@click.option("--unavailable-partitions", is_flag=True, help="Only those without a leader.")
@click.option(
    "--under-min-isr-partitions",
    is_flag=True,
    help="Only those with fewer in sync than min.insync.replicas.",
)
@click.option(
    "--at-min-isr-partitions",
    is_flag=True,
    help="Only those that may not lose another one in sync.",
)
@click.option(
    "--topics-with-overrides", is_flag=True, help="Only topics with settings, without partitions."
)
@click.option("--if-exists", is_flag=True, help="No error for a topic that is not there.")
@output_option(repeats=True)
@cluster_options
def command(
    target: Target,
    names: tuple[str, ...],
    pattern: str | None,
    exclude_internal: bool,
    under_replicated_partitions: bool,
    unavailable_partitions: bool,
    under_min_isr_partitions: bool,
    at_min_isr_partitions: bool,
    topics_with_overrides: bool,
    if_exists: bool,
    output: str,
) -> None:
    """Print topics with their partitions: leader, replicas, in-sync replicas.

    The text is that of kafka-topics.sh --describe. Without a name, all topics.

    \b
    Example: zbroker-admin topic describe orders
    """
    filters = Filters(
        under_replicated_partitions,
        unavailable_partitions,
        under_min_isr_partitions,
        at_min_isr_partitions,
    )
    if filters.any_set and topics_with_overrides:
        raise click.UsageError("--topics-with-overrides shows no partitions to filter")

    async def facts(cluster: Cluster) -> list[TopicDescription]:
        chosen = await chosen_topics(cluster, names, pattern, exclude_internal=exclude_internal)
        return await describe_topics(cluster, chosen)

    found = target.ask(facts)
    if pattern is not None and not found and not if_exists:
        raise no_match(pattern)
    missing = [] if if_exists else sorted(set(names) - {each.name for each in found})
    described = [each for each in found if each.configs or not topics_with_overrides]
    if filters.any_set:
        described = [each for each in described if _shown(each, filters)]
    _answer(described, filters, topics_with_overrides).print_as(output)
    fail_for([f"no topic {name!r}" for name in missing], any_done=bool(found))


def _shown(topic: TopicDescription, filters: Filters) -> list[PartitionDescription]:
    return [each for each in topic.partitions if filters.want(topic, each)]


def _answer(topics: list[TopicDescription], filters: Filters, only_topics: bool) -> Answer:
    text: list[str] = []
    for topic in topics:
        if not filters.any_set:
            text.append(topic_line(topic))
        if not only_topics:
            text += [partition_line(topic.name, each) for each in _shown(topic, filters)]
    return Answer(
        facts={"topics": [_facts(each, filters) for each in topics]},
        text=text,
        wide=None if only_topics else _wide(topics, filters),
        names=[each.name for each in topics],
    )


def _wide(topics: list[TopicDescription], filters: Filters) -> Text:
    rows = [
        (
            topic.name,
            each.partition,
            "none" if each.leader is None else each.leader,
            each.leader_epoch,
            ids(each.replicas),
            ids(each.isr) or None,
            ids(each.offline_replicas) or None,
            ids(each.reassignment.adding) if each.reassignment else None,
            ids(each.reassignment.removing) if each.reassignment else None,
            topic.min_insync_replicas,
        )
        for topic in topics
        for each in _shown(topic, filters)
    ]
    return [Table(WIDE_COLUMNS, rows)]


def _facts(topic: TopicDescription, filters: Filters) -> dict[str, object]:
    return {
        "name": topic.name,
        "topic_id": topic_id_text(topic.topic_id),
        "internal": topic.internal,
        "partition_count": len(topic.partitions),
        "replication_factor": topic.replication_factor,
        "min_insync_replicas": topic.min_insync_replicas,
        "configs": dict(topic.configs),
        "partitions": [
            {
                "partition": each.partition,
                "leader": each.leader,
                "leader_epoch": each.leader_epoch,
                "replicas": each.replicas,
                "isr": each.isr,
                "offline_replicas": each.offline_replicas,
                "adding_replicas": each.reassignment.adding if each.reassignment else [],
                "removing_replicas": each.reassignment.removing if each.reassignment else [],
                "under_replicated": each.under_replicated,
            }
            for each in _shown(topic, filters)
        ],
    }
