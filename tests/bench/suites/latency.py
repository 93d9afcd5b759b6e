"""w4: 2,000 records a second, acks=all, RF 3: how long for the acknowledgement, and to a consumer.

The rate is far below what either can do, so that what is measured is the way and not a queue.
"""

import time
from collections.abc import Iterator

from tests.bench.clients import PARTITIONS, create_topic
from tests.bench.contenders import BROKERS, Contender
from tests.bench.figures import Figure, latencies
from tests.bench.paced import Latencies, consuming, paced, waited_ms
from tests.bench.size import Size
from tests.bench.usage import used

PER_SECOND = 2_000
VALUE_BYTES = 1_000


def at_fixed_rate(contender: Contender, size: Size) -> Iterator[Figure]:
    """The first fifth is warm-up: connections, metadata, a JVM's compilers."""
    topic = create_topic(contender, "w4", replication_factor=BROKERS)
    targets = [(topic, partition) for partition in range(PARTITIONS)]
    seen = Latencies()
    with (
        consuming(contender, targets, seen),
        paced(contender, targets, PER_SECOND, seen, acks="all", value_bytes=VALUE_BYTES),
    ):
        time.sleep(size.seconds / 5)
        since_s = time.monotonic()
        with used(contender, "w4") as usage:
            time.sleep(size.seconds)
    yield from latencies("w4", "acknowledged", waited_ms(seen.acknowledged, since_s))
    yield from latencies("w4", "consumed", waited_ms(seen.consumed, since_s))
    yield from usage
