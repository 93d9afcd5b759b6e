"""Kafka's own perf tools: how they are called, and what they say in the end.

A MB of theirs is 2^20 bytes.
"""

import re
import subprocess
import time

import attrs

from tests.bench.clients import RECORD_BYTES
from tests.bench.contenders import KAFKA_TOOL_FLAGS, Contender, java

PRODUCER_PERFORMANCE = "org.apache.kafka.tools.ProducerPerformance"
CONSUMER_PERFORMANCE = "org.apache.kafka.tools.ConsumerPerformance"
TIMEOUT_S = 600.0

# 1000 records sent, 5263.157895 records/sec (5.02 MB/sec), 14.32 ms avg latency, 130.00 ms max
# latency, 10 ms 50th, 40 ms 95th, 48 ms 99th, 130 ms 99.9th.
SENT = re.compile(
    r"^\d+ records sent, ([\d.]+) records/sec \(([\d.]+) MB/sec\),.* (\d+) ms 99th,", re.MULTILINE
)


@attrs.frozen
class Produced:
    """Of all records: throughput, and how long the slowest hundredth waited for its answer."""

    records_s: float
    mb_s: float
    p99_ms: float


def produce(
    contender: Contender,
    topic: str,
    records: int,
    *options: str,
    record_bytes: int = RECORD_BYTES,
    acks: str = "all",
    batch_bytes: int = 128 * 1024,
    linger_ms: int = 5,
    compression: str = "none",
) -> Produced:
    """As fast as it goes. `options` are more of the tool's own."""
    output = _run(
        *java(KAFKA_TOOL_FLAGS, PRODUCER_PERFORMANCE),
        *("--topic", topic, "--num-records", str(records), "--record-size", str(record_bytes)),
        *("--throughput", "-1", *options),
        *("--producer-props", f"bootstrap.servers={contender.bootstrap}", f"acks={acks}"),
        *(f"batch.size={batch_bytes}", f"linger.ms={linger_ms}", f"compression.type={compression}"),
    )
    return parse_produced(output)


def parse_produced(output: str) -> Produced:
    """The producer's last words; those before them have no percentiles."""
    found = SENT.findall(output)
    if not found:
        raise ValueError(f"no summary of a producer: {output}")
    return Produced(*map(float, found[-1]))


def consume(contender: Contender, topic: str, records: int) -> float:
    """MB/s of the fetching, after the group was formed."""
    output = _run(
        *java(KAFKA_TOOL_FLAGS, CONSUMER_PERFORMANCE),
        *("--bootstrap-server", contender.bootstrap, "--topic", topic),
        *("--messages", str(records), "--timeout", "60000", "--group", f"perf-{time.time_ns()}"),
    )
    return parse_consumed(output, at_least=records)


def parse_consumed(output: str, at_least: int) -> float:
    """The last line: start, end, MB, MB/s, records, records/s, then rebalance ms, fetch ms, fetch
    MB/s, fetch records/s. ValueError if fewer records came than `at_least`.
    """
    columns = output.strip().rpartition("\n")[2].split(", ")
    if len(columns) != 10 or not columns[4].isdigit():
        raise ValueError(f"no summary of a consumer: {output}")
    if int(columns[4]) < at_least:
        raise ValueError(f"{columns[4]} records came, not {at_least}: {output}")
    return float(columns[8])


def _run(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{argv}: {done.stdout}\n{done.stderr}")
    return done.stdout
