"""`zbroker-admin txn find-hanging`: transactions that stop consumers for good (KIP-664)."""

import time

import click

from cli.client import Cluster
from cli.client.hanging import OpenTransaction, find_hanging
from cli.client.topics import describe_topics, topic_names
from cli.commands.completing import complete_brokers, complete_topics
from cli.commands.options import Failure, Target, cluster_options, output_option
from cli.commands.output import Answer, Table
from coordination.values import TopicPartition

COLUMNS = (
    "Topic",
    "Partition",
    "ProducerId",
    "ProducerEpoch",
    "CoordinatorEpoch",
    "StartOffset",
    "LastTimestamp",
    "Duration(min)",
)
MS_A_MINUTE = 60_000


@click.command("find-hanging")
@click.option(
    "--broker-id",
    type=click.IntRange(min=0),
    metavar="ID",
    shell_complete=complete_brokers,
    help="In all replicas of this broker.",
)
@click.option("--topic", metavar="TOPIC", shell_complete=complete_topics, help="In this topic.")
@click.option("--partition", type=click.IntRange(min=0), metavar="N", help="In this one of it.")
@click.option(
    "--max-transaction-timeout",
    "max_minutes",
    type=click.IntRange(min=0),
    default=15,
    show_default=True,
    metavar="MIN",
    help="None that wrote since then: the brokers' transaction.max.timeout.ms, in minutes.",
)
@output_option(repeats=True)
@cluster_options
def command(
    target: Target,
    broker_id: int | None,
    topic: str | None,
    partition: int | None,
    max_minutes: int,
    output: str,
) -> None:
    """Print transactions that are open in a log and that nobody is going to end.

    \b
    Example: zbroker-admin txn find-hanging --broker-id 1
    """
    if topic is None and broker_id is None:
        raise click.UsageError("give --topic or --broker-id: where to look")
    if partition is not None and topic is None:
        raise click.UsageError("--partition goes with --topic")
    now_ms = round(time.time() * 1000)

    async def facts(cluster: Cluster) -> list[OpenTransaction]:
        return await find_hanging(
            cluster,
            await _where(cluster, topic, partition, broker_id),
            broker_id=broker_id,
            begun_before_ms=now_ms - max_minutes * MS_A_MINUTE,
        )

    found = target.ask(facts)
    Answer(
        facts={"transactions": [_facts(each) for each in found]},
        text=[Table(COLUMNS, [_row(each, now_ms) for each in found])],
        names=[each.partition for each in found],
    ).print_as(output)


async def _where(
    cluster: Cluster, topic: str | None, partition: int | None, broker_id: int | None
) -> list[TopicPartition]:
    """The partitions to look in: of the topic, or all; only those with a replica on the broker."""
    described = await describe_topics(
        cluster, await topic_names(cluster) if topic is None else [topic]
    )
    found = [
        TopicPartition(each.name, its.partition)
        for each in described
        for its in each.partitions
        if (partition is None or its.partition == partition)
        and (broker_id is None or broker_id in its.replicas)
    ]
    if topic is not None and not found:
        name = topic if partition is None else f"{topic}-{partition}"
        raise Failure(f"no {name}" + ("" if broker_id is None else f" on broker {broker_id}"))
    return found


def _row(each: OpenTransaction, now_ms: int) -> tuple[object, ...]:
    return (
        each.partition.topic,
        each.partition.partition,
        each.producer.producer_id,
        each.producer.producer_epoch,
        each.producer.coordinator_epoch,
        each.producer.transaction_start_offset,
        each.producer.last_timestamp_ms,
        (now_ms - each.producer.last_timestamp_ms) // MS_A_MINUTE,
    )


def _facts(each: OpenTransaction) -> dict[str, object]:
    return {
        "topic": each.partition.topic,
        "partition": each.partition.partition,
        "producer_id": each.producer.producer_id,
        "producer_epoch": each.producer.producer_epoch,
        "coordinator_epoch": each.producer.coordinator_epoch,
        "start_offset": each.producer.transaction_start_offset,
        "last_timestamp_ms": each.producer.last_timestamp_ms,
    }
