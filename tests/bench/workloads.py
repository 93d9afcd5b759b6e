"""What the clusters are put to. Each workload gives named figures of one contender in one round."""

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import attrs
from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from tests.bench.contenders import BROKERS, KAFKA_TOOL_FLAGS, Contender, java

PRODUCER_PERFORMANCE = "org.apache.kafka.tools.ProducerPerformance"
CONSUMER_PERFORMANCE = "org.apache.kafka.tools.ConsumerPerformance"
RECORD_BYTES = 1_000
PARTITIONS = 6
READY_TIMEOUT_S = 120.0
TOOL_TIMEOUT_S = 600.0


@attrs.frozen
class Figure:
    """One number. `more_is_better` says which way it wants to go."""

    name: str
    value: float
    unit: str
    more_is_better: bool


def start_up(contender: Contender) -> Iterator[Figure]:
    """From exec to a Metadata answer with all brokers and one acks=all record on RF 3.

    ZooKeeper was running before.
    """
    wait_ready(contender)
    create_topic(contender, "start", replication_factor=BROKERS, partitions=1)
    producer = Producer(
        {"bootstrap.servers": contender.bootstrap, "acks": "all", "linger.ms": 0, "log_level": 0}
    )
    producer.produce("start", b"first")
    producer.flush(READY_TIMEOUT_S)
    yield Figure("start-up", time.monotonic() - contender.began_s, "s", False)
    yield Figure("memory after start", contender.usage().rss_mb / BROKERS, "MB a broker", False)


def wait_ready(contender: Contender) -> None:
    """Block until a Metadata answer lists all brokers."""
    admin = AdminClient({"bootstrap.servers": contender.bootstrap, "log_level": 0})
    deadline_s = contender.began_s + READY_TIMEOUT_S
    while not _knows_all(admin):
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"{contender.kind} is not ready after {READY_TIMEOUT_S:.0f} s")
        time.sleep(0.01)


def _knows_all(admin: AdminClient) -> bool:
    try:
        return len(admin.list_topics(timeout=0.5).brokers) == BROKERS
    except KafkaException:
        return False


def produce(
    contender: Contender,
    name: str,
    acks: str,
    replication_factor: int,
    records: int,
    compression: str = "none",
) -> Iterator[Figure]:
    """Kafka's perf producer, 128 KiB batches, as fast as it goes, after a short warm-up."""
    topic = f"{name.replace(' ', '-').replace('=', '-')}"
    create_topic(contender, topic, replication_factor, PARTITIONS)
    fill(contender, topic, acks, records // 10, compression)
    with _cpu(contender, name) as cpu:
        output = fill(contender, topic, acks, records, compression)
    found = re.search(r"records/sec \(([\d.]+) MB/sec\)(?!.*records/sec)", output, re.DOTALL)
    assert found, output
    yield Figure(name, float(found[1]), "MB/s", more_is_better=True)
    p99 = re.search(r"([\d.]+) ms 99th", output)
    assert p99, output
    yield Figure(f"{name}: p99", float(p99[1]), "ms", more_is_better=False)
    yield cpu[0]


def fill(
    contender: Contender, topic: str, acks: str, records: int, compression: str = "none"
) -> str:
    """Produce so many records; gives what the tool said."""
    return _run(
        *java(KAFKA_TOOL_FLAGS, PRODUCER_PERFORMANCE),
        *("--topic", topic, "--num-records", str(records), "--record-size", str(RECORD_BYTES)),
        *("--throughput", "-1", "--producer-props", f"bootstrap.servers={contender.bootstrap}"),
        *(f"acks={acks}", "batch.size=131072", "linger.ms=5", f"compression.type={compression}"),
    )


def consume(contender: Contender, name: str, topic: str, records: int) -> Iterator[Figure]:
    """Kafka's perf consumer, over what was just produced and is in the page cache."""
    with _cpu(contender, name) as cpu:
        output = _run(
            *java(KAFKA_TOOL_FLAGS, CONSUMER_PERFORMANCE),
            *("--bootstrap-server", contender.bootstrap, "--topic", topic),
            *(
                "--messages",
                str(records),
                "--timeout",
                "60000",
                "--group",
                f"perf-{time.time_ns()}",
            ),
        )
    # start, end, MB, MB/s, records, records/s, rebalance ms, fetch ms, fetch MB/s, fetch records/s
    figures = output.strip().splitlines()[-1].split(", ")
    assert len(figures) == 10, output
    yield Figure(name, float(figures[8]), "MB/s", more_is_better=True)
    yield cpu[0]


def memory(contender: Contender) -> Iterator[Figure]:
    yield Figure("memory after the run", contender.usage().rss_mb / BROKERS, "MB a broker", False)


@contextmanager
def _cpu(contender: Contender, name: str) -> Iterator[list[Figure]]:
    """CPU seconds of all brokers during the block; in the list when the block has ended."""
    before = contender.usage().cpu_s
    used: list[Figure] = []
    yield used
    used.append(Figure(f"{name}: broker CPU", contender.usage().cpu_s - before, "s", False))


def create_topic(
    contender: Contender, topic: str, replication_factor: int, partitions: int
) -> None:
    admin = AdminClient({"bootstrap.servers": contender.bootstrap, "log_level": 0})
    new = NewTopic(topic, num_partitions=partitions, replication_factor=replication_factor)
    for created in admin.create_topics([new]).values():
        created.result()


def _run(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=TOOL_TIMEOUT_S, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{argv[-1]}: {done.stdout}\n{done.stderr}")
    return done.stdout
