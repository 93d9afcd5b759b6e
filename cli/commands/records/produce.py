"""`zbroker-admin records produce`: the lines of stdin as records.

A line with a key (`--key-separator`) goes where Kafka's producers put that key; one without, to the
partition that the first such line was given by chance. A batch is sent for each partition when all
is read; one that is refused is told, and the others are there.
"""

import random
import sys
import time
from collections.abc import Iterable, Mapping

import attrs
import click

from broker.wire.records import Record
from cli.client import Cluster, RequestFailed
from cli.client.outcome import Outcome
from cli.client.partitioning import partition_of
from cli.client.producing import produce
from cli.client.topics import partitions_of
from cli.commands.completing import complete_topics
from cli.commands.options import Failure, Target, cluster_options, output_option
from cli.commands.outcomes import error_facts, fail_for_outcomes
from cli.commands.output import Answer
from coordination.values import TopicPartition

# Far below any broker's limit for a batch; what is more wants a producer, not a command line.
MAX_BATCH_BYTES = 500_000


@attrs.frozen
class Batch:
    """So many records for a partition; the first one's offset, if they were taken."""

    partition: TopicPartition
    count: int
    base_offset: int | None = None


@click.command("produce")
@click.argument("topic", shell_complete=complete_topics)
@click.option("--partition", type=click.IntRange(min=0), metavar="N", help="All of it to this one.")
@click.option(
    "--key-separator", metavar="TEXT", help="What stands before it in a line is the record's key."
)
@output_option()
@cluster_options
def command(
    target: Target, topic: str, partition: int | None, key_separator: str | None, output: str
) -> None:
    """Write each line of stdin as a record, acknowledged by all in-sync replicas.

    \b
    Example: zbroker-admin records produce test-topic --key-separator : < lines.txt
    """
    records = [_record(line, key_separator) for line in sys.stdin.buffer]
    outcomes: list[Outcome[Batch]] = []

    async def send(cluster: Cluster) -> list[Outcome[Batch]]:
        numbers = (await partitions_of(cluster, [topic])).get(topic)
        if numbers is None or (partition is not None and partition not in numbers):
            raise Failure(
                f"no topic {topic!r}" if numbers is None else f"no partition {topic}-{partition}"
            )
        placed = place(records, len(numbers), partition)
        return [
            await _sent(cluster, TopicPartition(topic, number), batch)
            for number, its_records in sorted(placed.items())
            for batch in in_batches(its_records)
        ]

    if records:
        outcomes = target.ask(send)
    done = [each.subject for each in outcomes if each.done]
    Answer(
        facts={
            "batches": [
                {
                    "topic": topic,
                    "partition": each.subject.partition.partition,
                    "base_offset": each.subject.base_offset,
                    "record_count": each.subject.count,
                    **error_facts(each),
                }
                for each in outcomes
            ]
        },
        text=[
            f"{each.partition}: {each.count} records from {each.base_offset} on" for each in done
        ],
        names=[each.partition for each in done],
    ).print_as(output)
    fail_for_outcomes(outcomes, lambda each: f"{each.count} records for {each.partition}")


def _record(line: bytes, key_separator: str | None) -> Record:
    value = line.rstrip(b"\r\n")
    key: bytes | None = None
    if key_separator:
        before, separator, after = value.partition(key_separator.encode())
        if separator:
            key, value = before, after
    return Record(key=key, value=value, timestamp_ms=round(time.time() * 1000))


def place(
    records: Iterable[Record], partition_count: int, partition: int | None
) -> Mapping[int, list[Record]]:
    """The records of each partition, in their order."""
    for_those_without_key = random.randrange(partition_count)
    placed: dict[int, list[Record]] = {}
    for each in records:
        number = partition
        if number is None:
            number = (
                for_those_without_key
                if each.key is None
                else partition_of(each.key, partition_count)
            )
        placed.setdefault(number, []).append(each)
    return placed


def in_batches(records: Iterable[Record]) -> list[list[Record]]:
    """The records in batches that a broker takes, unless one alone is too large."""
    batches: list[list[Record]] = []
    size_bytes = MAX_BATCH_BYTES
    for each in records:
        its_bytes = len(each.key or b"") + len(each.value or b"")
        if size_bytes + its_bytes > MAX_BATCH_BYTES:
            batches.append([])
            size_bytes = 0
        batches[-1].append(each)
        size_bytes += its_bytes
    return batches


async def _sent(
    cluster: Cluster, partition: TopicPartition, records: list[Record]
) -> Outcome[Batch]:
    try:
        base_offset = await produce(cluster, partition, records)
    except RequestFailed as error:
        return Outcome(Batch(partition, len(records)), error.code)
    return Outcome(Batch(partition, len(records), base_offset))
