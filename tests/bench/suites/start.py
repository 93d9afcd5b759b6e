"""w11: what starting takes, and what a broker has in memory when it has done all the rest."""

import time
from collections.abc import Iterator

from confluent_kafka import Producer

from tests.bench.clients import READY_TIMEOUT_S, create_topic
from tests.bench.contenders import BROKERS, Contender
from tests.bench.figures import Figure
from tests.bench.size import Size
from tests.bench.usage import usage


def start_up(contender: Contender, _: Size) -> Iterator[Figure]:
    """From exec to a Metadata answer with all brokers and one acks=all record on RF 3.

    ZooKeeper was running before. To be the first workload of a turn: the turn waits for Metadata
    with all brokers, and what comes then counts as part of the start.
    """
    create_topic(contender, "start", replication_factor=BROKERS, partitions=1)
    producer = Producer(
        {"bootstrap.servers": contender.bootstrap, "acks": "all", "linger.ms": 0, "log_level": 0}
    )
    producer.produce("start", b"first")
    if producer.flush(READY_TIMEOUT_S):
        raise TimeoutError("the first record is not acknowledged")
    took_s = time.monotonic() - contender.began_s
    yield Figure("w11-start", "first record", took_s, "s", False)
    yield Figure("w11-start", "memory", usage(contender).rss_mb / BROKERS, "MB a broker", False)


def memory(contender: Contender, _: Size) -> Iterator[Figure]:
    """Now, whatever came before."""
    resident_mb = usage(contender).rss_mb / BROKERS
    yield Figure("w11-memory", "resident", resident_mb, "MB a broker", False)
