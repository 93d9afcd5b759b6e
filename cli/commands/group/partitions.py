"""Partitions as kafka-consumer-groups.sh takes them: `--topic orders` or `--topic orders:0,2`."""

from collections.abc import Sequence

import click

from broker.wire.errors import ErrorCode
from cli.client import Cluster, RequestFailed
from cli.client.topics import partitions_of
from coordination.values import TopicPartition


def parse_topics(texts: Sequence[str]) -> dict[str, list[int] | None]:
    """The partitions of each topic; None for all that it has."""
    chosen: dict[str, list[int] | None] = {}
    for text in texts:
        topic, colon, numbers = text.rpartition(":")
        if not colon:
            chosen[text] = None
            continue
        try:
            partitions = [int(number) for number in numbers.split(",")]
        except ValueError:
            partitions = [-1]
        if not topic or min(partitions) < 0:
            raise click.BadParameter(
                f"{text!r} is not TOPIC or TOPIC:0,2,..", param_hint="--topic"
            ) from None
        before = chosen.get(topic, [])
        chosen[topic] = None if before is None else [*before, *partitions]
    return chosen


async def look_up(cluster: Cluster, chosen: dict[str, list[int] | None]) -> list[TopicPartition]:
    """The partitions meant; raises `RequestFailed` for a topic that has to be there and isn't."""
    whole = [topic for topic, numbers in chosen.items() if numbers is None]
    existing = await partitions_of(cluster, whole)
    for topic in whole:
        if topic not in existing:
            raise RequestFailed(f"topic {topic!r}", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    return [
        TopicPartition(topic, number)
        for topic, numbers in chosen.items()
        for number in (existing[topic] if numbers is None else dict.fromkeys(numbers))
    ]
