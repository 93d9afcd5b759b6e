"""w5, w6: Kafka's perf consumer, over what is in the page cache, and over what is not.

What is not in memory must come from the disk, and the broker has others to serve meanwhile: beside
w6 a producer sends 2,000 records a second to the same brokers, and what it waits for is measured.
"""

from collections.abc import Iterator
from pathlib import Path

from tests.bench import page_cache, perf_tools
from tests.bench.clients import PARTITIONS, create_topic, fill_evenly
from tests.bench.contenders import Contender
from tests.bench.figures import Figure, latencies
from tests.bench.paced import Latencies, paced, waited_ms
from tests.bench.size import Size
from tests.bench.usage import used

PER_SECOND = 2_000
VALUE_BYTES = 1_000


def cached(contender: Contender, size: Size) -> Iterator[Figure]:
    """w5: just written, then read."""
    topic = filled(contender, "w5", size)
    with used(contender, "w5") as usage:
        mb_s = perf_tools.consume(contender, topic, size.records)
    yield Figure("w5", "throughput", mb_s, "MB/s", True)
    yield from usage


def cold(contender: Contender, size: Size) -> Iterator[Figure]:
    """w6: written, brought to the disk, thrown out of memory, then read."""
    topic = filled(contender, "w6", size)
    beside = create_topic(contender, "w6-beside")
    targets = [(beside, partition) for partition in range(PARTITIONS)]
    seen = Latencies()
    with paced(contender, targets, PER_SECOND, seen, acks="1", value_bytes=VALUE_BYTES):
        page_cache.drop(segments(contender, topic))
        with used(contender, "w6") as usage:
            mb_s = perf_tools.consume(contender, topic, size.records)
    yield Figure("w6", "throughput", mb_s, "MB/s", True)
    yield from latencies("w6", "produced beside", waited_ms(seen.acknowledged))
    yield from usage


def filled(contender: Contender, topic: str, size: Size) -> str:
    """A topic whose partitions have one replica each, with all the records."""
    create_topic(contender, topic)
    fill_evenly(contender, topic, size.records)
    return topic


def segments(contender: Contender, topic: str) -> list[Path]:
    """The files of all brokers that hold the topic's records."""
    return [
        file
        for broker in contender.brokers
        for file in sorted((broker.directory / "data").glob(f"{topic}-[0-9]*/*.log"))
    ]
