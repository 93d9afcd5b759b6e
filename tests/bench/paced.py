"""librdkafka at a fixed rate: what a record waits for its acknowledgement, and for its consumer.

The producer is an open loop. Each record has its time, whatever has become of those before it, and
its latencies count from that time: a broker that stands still for a second is seen by all the
records of that second, not by one. Producer and consumer are in this process, so one clock (the
monotonic one, which a record carries) reads both ends.

With acks=all it is idempotent, as Kafka's own producer is by itself since 3.0, and so has at most
five requests on their way: a broker that is behind gets larger batches. librdkafka's own default is
a million requests, each with a record; then 2,000 records a second are more than two cores can do,
for Kafka and for zbroker, and what one measures is the length of a queue that grows all the time.
"""

import math
import struct
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import cycle

import attrs
from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition

from tests.bench.contenders import Contender
from tests.support.polling import polled
from tests.support.waiting import wait_until

STAMP = struct.Struct(">d")
POLL_S = 0.1
FLUSH_S = 300
# A thread that is called gets the interpreter soon: Python's own 5 ms would be seen in a p99.
SWITCH_INTERVAL_S = 0.0005

# Ask again soon: what is measured is the cluster's time, not a client's patience.
CLIENT = {
    "log_level": 0,
    "linger.ms": 0,
    "retry.backoff.ms": 10,
    "reconnect.backoff.ms": 10,
    "reconnect.backoff.max.ms": 50,
    "topic.metadata.refresh.fast.interval.ms": 10,
}


@attrs.define(eq=False)
class Latencies:
    """Pairs of when a record was due, and when its acknowledgement or itself came; in seconds."""

    acknowledged: list[tuple[float, float]] = attrs.field(factory=list)
    consumed: list[tuple[float, float]] = attrs.field(factory=list)
    errors: list[str] = attrs.field(factory=list)


def waited_ms(
    pairs: Sequence[tuple[float, float]], since_s: float = 0.0, until_s: float = math.inf
) -> list[float]:
    """The latencies of the records that were due between these times."""
    return [(came_s - due_s) * 1000 for due_s, came_s in pairs if since_s <= due_s <= until_s]


@contextmanager
def paced(
    contender: Contender,
    targets: Sequence[tuple[str, int]],
    per_second: float,
    latencies: Latencies,
    *,
    acks: str,
    value_bytes: int = 100,
) -> Iterator[None]:
    """Produce during the block, to these partitions in turn; at its end all is acknowledged.

    RuntimeError if a record was refused.
    """
    producer = Producer(
        {
            **CLIENT,
            "bootstrap.servers": contender.bootstrap,
            "acks": acks,
            "enable.idempotence": acks == "all",
        }
    )
    over = threading.Event()
    padding = bytes(max(0, value_bytes - STAMP.size))

    def produce() -> None:
        began_s = time.monotonic()
        for number, (topic, partition) in enumerate(cycle(targets)):
            due_s = began_s + number / per_second
            if over.wait(max(0.0, due_s - time.monotonic())):
                return
            heard = partial(_acknowledged, latencies, due_s)
            producer.produce(topic, STAMP.pack(due_s) + padding, None, partition, heard)

    thread = threading.Thread(target=produce)
    with _switching_soon(), polled(partial(producer.poll, POLL_S)):
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            unanswered = producer.flush(FLUSH_S)
    if latencies.errors or unanswered:
        raise RuntimeError(f"{unanswered} unanswered, refused: {set(latencies.errors)}")


def _acknowledged(latencies: Latencies, due_s: float, error: KafkaError | None, _: Message) -> None:
    if error is None:
        latencies.acknowledged.append((due_s, time.monotonic()))
    else:
        latencies.errors.append(str(error))


@contextmanager
def consuming(
    contender: Contender, targets: Sequence[tuple[str, int]], latencies: Latencies
) -> Iterator[None]:
    """Read these partitions from their beginning, and note when each record came.

    At the end of the block all that was acknowledged has come. Nobody else may produce to them.
    """
    consumer = Consumer(
        {
            "bootstrap.servers": contender.bootstrap,
            "log_level": 0,
            "group.id": "bench",
            "enable.auto.commit": False,
        }
    )
    consumer.assign([TopicPartition(topic, partition, 0) for topic, partition in targets])

    def poll() -> None:
        for message in consumer.consume(100, POLL_S / 2):
            if message.error() is None:
                [due_s] = STAMP.unpack_from(message.value())
                latencies.consumed.append((due_s, time.monotonic()))

    try:
        with polled(poll):
            yield
            wait_until(
                "the consumer to have all records",
                lambda: len(latencies.consumed) >= len(latencies.acknowledged),
            )
    finally:
        consumer.close()


@contextmanager
def _switching_soon() -> Iterator[None]:
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before_s)
