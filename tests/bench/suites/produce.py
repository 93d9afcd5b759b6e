"""w1, w2, w3, w8, w9: Kafka's perf producer, as fast as it goes, after a short warm-up.

It is one producer with one connection to each broker, and six partitions to write to.
"""

from collections.abc import Iterator
from typing import Any

from tests.bench import perf_tools
from tests.bench.clients import create_topic
from tests.bench.contenders import BROKERS, Contender
from tests.bench.figures import Figure
from tests.bench.size import Size
from tests.bench.usage import used

TRANSACTION_MS = 100
LEAST_WARMED_UP = 10_000  # fewer records show only that it runs


def leader_only(contender: Contender, size: Size) -> Iterator[Figure]:
    """w1."""
    yield from _produce(contender, "w1", 1, size.records, acks="1")


def replicated(contender: Contender, size: Size) -> Iterator[Figure]:
    """w2."""
    yield from _produce(contender, "w2", BROKERS, size.records)


def small(contender: Contender, size: Size) -> Iterator[Figure]:
    """w3: sent as soon as they are there, in batches that form by themselves.

    The batch size is the client's own default.
    """
    yield from _produce(
        contender,
        "w3",
        BROKERS,
        size.small_records,
        record_bytes=100,
        batch_bytes=16_384,
        linger_ms=0,
    )


def lz4(contender: Contender, size: Size) -> Iterator[Figure]:
    """w8: the producer compresses."""
    yield from _produce(contender, "w8-lz4", BROKERS, size.records, compression="lz4")


def zstd(contender: Contender, size: Size) -> Iterator[Figure]:
    """w8: the producer compresses."""
    yield from _produce(contender, "w8-zstd", BROKERS, size.records, compression="zstd")


def transactions(contender: Contender, size: Size) -> Iterator[Figure]:
    """w9: a transaction is committed, and the next begun, every 100 ms."""
    every = ("--transactional-id", "w9", "--transaction-duration-ms", str(TRANSACTION_MS))
    yield from _produce(contender, "w9", BROKERS, size.records, *every)


def _produce(
    contender: Contender,
    workload: str,
    replication_factor: int,
    records: int,
    *options: str,
    **settings: Any,
) -> Iterator[Figure]:
    """`options` and `settings` are those of perf_tools.produce."""
    topic = create_topic(contender, workload, replication_factor)
    if records >= LEAST_WARMED_UP:
        perf_tools.produce(contender, topic, records // 10, *options, **settings)
    with used(contender, workload) as usage:
        produced = perf_tools.produce(contender, topic, records, *options, **settings)
    yield Figure(workload, "throughput", produced.mb_s, "MB/s", True)
    yield Figure(workload, "records", produced.records_s, "records/s", True)
    yield Figure(workload, "p99", produced.p99_ms, "ms", False)
    yield from usage
