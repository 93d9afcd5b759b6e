"""The partitions that are meant by `--topic orders` and `--topic orders:0,2`."""

from broker.wire.errors import ErrorCode
from cli.client import Cluster, RequestFailed
from cli.client.topics import partitions_of
from coordination.values import TopicPartition


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
