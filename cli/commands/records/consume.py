"""`zbroker-admin records consume`: what lies in partitions, up to where it ends now.

A look, without a group: nothing is committed, and it ends. Text is the values, a line each;
`-o wide` has offsets and keys, and `-o json` headers, too. Bytes that are no UTF-8 are escaped.
"""

import click

from broker.wire.records import Record
from cli.client import Cluster
from cli.client.offsets import READ_COMMITTED, READ_UNCOMMITTED, At, list_offsets
from cli.client.reading import fetch
from cli.client.topics import describe_topics
from cli.commands.completing import complete_topics
from cli.commands.naming import parse_topics
from cli.commands.options import Failure, Target, cluster_options, output_option
from cli.commands.output import Answer, Table, say
from coordination.values import TopicPartition

ISOLATION_LEVELS = {"read_uncommitted": READ_UNCOMMITTED, "read_committed": READ_COMMITTED}
COLUMNS = ("TOPIC", "PARTITION", "OFFSET", "TIMESTAMP", "KEY", "VALUE")

# All are kept until they are printed; who wants more says so.
DEFAULT_MAX_MESSAGES = 1000

Found = list[tuple[TopicPartition, Record]]


@click.command("consume")
@click.argument("text", metavar="TOPIC[:0,2,..]", shell_complete=complete_topics)
@click.option("--offset", type=click.IntRange(min=0), metavar="OFFSET", help="From here on.")
@click.option(
    "--isolation-level",
    type=click.Choice(list(ISOLATION_LEVELS)),
    default="read_uncommitted",
    show_default=True,
    help="read_committed leaves out what is in transactions that aren't committed.",
)
@click.option(
    "--max-messages",
    type=click.IntRange(min=1),
    default=DEFAULT_MAX_MESSAGES,
    show_default=True,
    metavar="N",
    help="No more than these.",
)
@output_option()
@cluster_options
def command(
    target: Target,
    text: str,
    offset: int | None,
    isolation_level: str,
    max_messages: int,
    output: str,
) -> None:
    """Print the records of a topic, partition by partition, and end where it ends now.

    \b
    Example: zbroker-admin records consume orders:0 --offset 1000 --max-messages 10 -o wide
    """
    ((name, numbers),) = parse_topics([text], "TOPIC").items()
    level = ISOLATION_LEVELS[isolation_level]

    async def facts(cluster: Cluster) -> Found:
        return await _read(cluster, name, numbers, offset, level, max_messages)

    found = target.ask(facts)
    _answer(found).print_as(output)
    if len(found) == max_messages:
        say(f"ended after {max_messages}: --max-messages says how many")


async def _read(
    cluster: Cluster,
    name: str,
    numbers: list[int] | None,
    offset: int | None,
    level: int,
    max_messages: int,
) -> Found:
    described = await describe_topics(cluster, [name])
    if not described:
        raise Failure(f"no topic {name!r}")
    existing = [each.partition for each in described[0].partitions]
    missing = [each for each in numbers or [] if each not in existing]
    if missing:
        raise Failure(f"no partition {name}-{missing[0]}")
    partitions = [TopicPartition(name, each) for each in numbers or existing]
    starts = await list_offsets(cluster, dict.fromkeys(partitions, At.EARLIEST))
    ends = await list_offsets(cluster, dict.fromkeys(partitions, At.LATEST))
    found: Found = []
    for each in partitions:
        if ends[each].error:
            raise Failure(f"{each}: {ends[each].error.name}")
        position, end = max(offset or 0, starts[each].offset or 0), ends[each].offset or 0
        while position < end and len(found) < max_messages:
            fetched = await fetch(
                cluster, each, described[0].topic_id, position, isolation_level=level
            )
            if fetched.next_offset == position:
                break  # an open transaction, which a reader of committed records waits for
            found += [(each, record) for record in fetched.records if record.offset < end]
            position = fetched.next_offset
    return found[:max_messages]


def _answer(found: Found) -> Answer:
    return Answer(
        facts={
            "records": [
                {
                    "topic": partition.topic,
                    "partition": partition.partition,
                    "offset": each.offset,
                    "timestamp_ms": each.timestamp_ms,
                    "key": _text(each.key),
                    "value": _text(each.value),
                    "headers": [{"key": key, "value": _text(value)} for key, value in each.headers],
                }
                for partition, each in found
            ]
        },
        text=["" if each.value is None else str(_text(each.value)) for _, each in found],
        wide=[
            Table(
                COLUMNS,
                [
                    (
                        partition.topic,
                        partition.partition,
                        each.offset,
                        each.timestamp_ms,
                        _text(each.key),
                        _text(each.value),
                    )
                    for partition, each in found
                ],
            )
        ],
        names=[f"{partition}@{each.offset}" for partition, each in found],
    )


def _text(data: bytes | None) -> str | None:
    return None if data is None else bytes(data).decode("utf-8", errors="backslashreplace")
