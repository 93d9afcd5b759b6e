"""`zbroker-admin topic`: list, describe, create, delete.

Flags and the text of `describe` are those of Kafka's kafka-topics.sh, so that a
script or a course made for that reads this. Names may be given as arguments
(exactly these topics) or, as there, with `--topic REGEX`.
"""

from collections.abc import Sequence

import click

from broker.wire.errors import ErrorCode
from cli.client import Cluster
from cli.client.topics import (
    NewTopic,
    PartitionDescription,
    TopicDescription,
    TopicOutcome,
    create_topic,
    delete_topics,
    describe_topics,
    list_topics,
    topic_names,
)
from cli.commands.options import Exit, Failure, Target, cluster_options, output_option
from cli.commands.output import print_json, say
from cli.commands.topic_text import (
    parse_assignment,
    parse_configs,
    partition_line,
    topic_line,
    topic_regex,
)
from coordination.znodes import topic_id_text


@click.group()
def topic() -> None:
    """List, describe, create and delete topics."""


# list


@topic.command("list")
@click.option("--exclude-internal", is_flag=True, help="Leave out __consumer_offsets and the like.")
@output_option("name", "json")
@cluster_options
def list_command(target: Target, exclude_internal: bool, output: str) -> None:
    """Print the names of all topics.

    Example: zbroker-admin topic list -b 127.0.0.1:9092
    """
    topics = [
        (name, internal)
        for name, internal in target.ask(list_topics)
        if not (internal and exclude_internal)
    ]
    if output == "json":
        print_json(topics=[{"name": name, "internal": internal} for name, internal in topics])
    else:
        for name, _ in topics:
            click.echo(name)


# describe


@topic.command("describe")
@click.argument("names", nargs=-1, metavar="[TOPIC]..")
@click.option("--topic", "pattern", metavar="REGEX", help="Topics that match, as in Kafka's tool.")
@click.option("--exclude-internal", is_flag=True, help="Leave out __consumer_offsets and the like.")
@click.option(
    "--under-replicated-partitions", is_flag=True, help="Only those with too few in sync."
)
@click.option("--unavailable-partitions", is_flag=True, help="Only those without a leader.")
@output_option("table", "json")
@cluster_options
def describe_command(
    target: Target,
    names: tuple[str, ...],
    pattern: str | None,
    exclude_internal: bool,
    under_replicated_partitions: bool,
    unavailable_partitions: bool,
    output: str,
) -> None:
    """Print topics with their partitions: leader, replicas, in-sync replicas.

    The text is that of kafka-topics.sh --describe. Without a name, all topics.

    Example: zbroker-admin topic describe orders
    """

    async def facts(cluster: Cluster) -> list[TopicDescription]:
        return await describe_topics(cluster, await _chosen(cluster, names, pattern))

    described = [each for each in target.ask(facts) if not (each.internal and exclude_internal)]
    missing = set(names) - {each.name for each in described if each.name in names}
    if pattern is not None and not described:
        raise Failure(f"no topic matches {pattern!r}")

    def wanted(partition: PartitionDescription) -> bool:
        if under_replicated_partitions:
            return partition.under_replicated
        return not unavailable_partitions or partition.leader is None

    only_partitions = under_replicated_partitions or unavailable_partitions
    if output == "json":
        print_json(
            topics=[_json(each, [p for p in each.partitions if wanted(p)]) for each in described]
        )
    else:
        for each in described:
            if not only_partitions:
                click.echo(topic_line(each))
            for partition in each.partitions:
                if wanted(partition):
                    click.echo(partition_line(each.name, partition))
    _fail_for(sorted(f"no topic {name!r}" for name in missing), any_done=bool(described))


async def _chosen(cluster: Cluster, names: Sequence[str], pattern: str | None) -> list[str]:
    """The names given, else those that match the pattern, else all."""
    if pattern is None:
        return list(names) or await topic_names(cluster)
    regex = topic_regex(pattern)
    return [name for name in await topic_names(cluster) if regex.fullmatch(name)]


def _json(topic: TopicDescription, partitions: Sequence[PartitionDescription]) -> dict[str, object]:
    return {
        "name": topic.name,
        "topic_id": topic_id_text(topic.topic_id),
        "internal": topic.internal,
        "partition_count": len(topic.partitions),
        "replication_factor": topic.replication_factor,
        "configs": dict(topic.configs),
        "partitions": [
            {
                "partition": each.partition,
                "leader": each.leader,
                "leader_epoch": each.leader_epoch,
                "replicas": each.replicas,
                "isr": each.isr,
                "offline_replicas": each.offline_replicas,
                "under_replicated": each.under_replicated,
            }
            for each in partitions
        ],
    }


# create


@topic.command("create")
@click.argument("name", required=False, metavar="TOPIC")
@click.option("--topic", "name_option", metavar="TOPIC", help="The same, as in Kafka's tool.")
@click.option("-p", "--partitions", type=click.IntRange(min=1), help="Default: num.partitions.")
@click.option(
    "-r",
    "--replication-factor",
    type=click.IntRange(1, 32767),
    help="Default: default.replication.factor.",
)
@click.option(
    "--replica-assignment",
    metavar="0:1,1:2",
    help="Brokers of each partition, instead of the two numbers.",
)
@click.option("--config", "configs", multiple=True, metavar="KEY=VALUE", help="A topic setting.")
@click.option("--if-not-exists", is_flag=True, help="No error if there is one of this name.")
@click.option("--validate-only", is_flag=True, help="Check, and create nothing.")
@cluster_options
def create_command(
    target: Target,
    name: str | None,
    name_option: str | None,
    partitions: int | None,
    replication_factor: int | None,
    replica_assignment: str | None,
    configs: tuple[str, ...],
    if_not_exists: bool,
    validate_only: bool,
) -> None:
    """Create a topic.

    Example: zbroker-admin topic create orders -p 3 -r 2 --config retention.ms=1000000
    """
    name = name or name_option
    if name is None:
        raise click.UsageError("give the TOPIC to create")
    if replica_assignment and (partitions or replication_factor):
        raise click.UsageError(
            "--replica-assignment excludes --partitions and --replication-factor"
        )
    new_topic = NewTopic(
        name,
        partitions or -1,
        replication_factor or -1,
        parse_assignment(replica_assignment) if replica_assignment else {},
        parse_configs(configs),
    )
    if "." in name or "_" in name:
        say(
            "Warning: metric names can't tell '.' from '_' in a topic's name: use one of them only."
        )

    async def create(cluster: Cluster) -> TopicOutcome:
        return await create_topic(cluster, new_topic, validate_only=validate_only)

    outcome = target.ask(create)
    if outcome.code is ErrorCode.TOPIC_ALREADY_EXISTS and if_not_exists:
        return
    if not outcome.done:
        raise Failure(f"topic {name!r}: {outcome.reason}")
    click.echo(f"Topic {name} could be created." if validate_only else f"Created topic {name}.")


# delete


@topic.command("delete")
@click.argument("names", nargs=-1, metavar="[TOPIC]..")
@click.option("--topic", "pattern", metavar="REGEX", help="Topics that match, as in Kafka's tool.")
@click.option("--if-exists", is_flag=True, help="No error for a topic that is not there.")
@cluster_options
def delete_command(
    target: Target, names: tuple[str, ...], pattern: str | None, if_exists: bool
) -> None:
    """Delete topics with all their records.

    Example: zbroker-admin topic delete orders payments
    """
    if not names and pattern is None:
        raise click.UsageError("give the TOPICs to delete")

    async def delete(cluster: Cluster) -> list[TopicOutcome]:
        chosen = await _chosen(cluster, names, pattern)
        return await delete_topics(cluster, chosen) if chosen else []

    outcomes = target.ask(delete)
    if not outcomes and not if_exists:
        raise Failure(f"no topic matches {pattern!r}")
    failures = [
        f"topic {each.name!r}: {each.reason}"
        for each in outcomes
        if not each.done and not (if_exists and each.code is ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    ]
    for each in outcomes:
        if each.done:
            click.echo(f"Deleted topic {each.name}.")
    _fail_for(failures, any_done=any(each.done for each in outcomes))


def _fail_for(problems: Sequence[str], *, any_done: bool) -> None:
    """End with an error if there are problems: PARTIAL if something was done all the same."""
    if problems:
        raise Failure("; ".join(problems), Exit.PARTIAL if any_done else Exit.ERROR)
