"""Whom a disturbance disturbs: what others wait for while one client or disk misbehaves.

The others are a producer (acks=1) of 200 records a second and a consumer of them, all on one
broker, which is also the one that has:

    nobody          nothing else to do, to compare with
    slow consumers  twenty clients that fetch 50 MB each and do not read what is sent
    huge requests   a client that produces records of 32 MiB, one a second
    a busy disk     a process that writes to the disk of its log and has it synced, without a pause
"""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from broker.wire.apis import ApiKey
from broker.wire.framing import encode_request
from broker.wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic
from broker.wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from broker.wire.record_batch import build_batch
from broker.wire.records import Record
from tests.bench.clients import fill_evenly, place_topic
from tests.bench.contenders import Contender
from tests.bench.figures import Figure, percentile
from tests.bench.paced import Latencies, consuming, paced, waited_ms
from tests.bench.size import Size
from tests.support.polling import polled
from tests.support.raw_client import CLOSED, RawClient

BROKER = 1  # the one that is disturbed
PER_SECOND = 200
SLOW_CONSUMERS = 20
SLOW_FETCH_BYTES = 50 << 20
HUGE_BYTES = 32 << 20
BUSY_FILE_BYTES = 256 << 20
BUSY_WRITE_BYTES = 8 << 20


def disturbances(contender: Contender, size: Size) -> Iterator[Figure]:
    """The p99 of the others, under each disturbance."""
    big = place_topic(contender, "beside-big", [[BROKER]])
    huge = place_topic(
        contender, "beside-huge", [[BROKER]], {"max.message.bytes": str(2 * HUGE_BYTES)}
    )
    fill_evenly(contender, big, size.records // 5)
    address = contender.addresses[BROKER]
    directory = contender.brokers[BROKER - 1].directory
    disturbing: dict[str, Callable[[], AbstractContextManager[object]]] = {
        "nobody": ExitStack,
        "slow consumers": lambda: _slow_consumers(address, big),
        "huge requests": lambda: _huge_requests(address, huge),
        "a busy disk": lambda: _busy_disk(directory / "busy"),
    }
    for number, (name, disturbance) in enumerate(disturbing.items()):
        targets = [(place_topic(contender, f"beside-{number}", [[BROKER]]), 0)]
        seen = Latencies()
        with (
            consuming(contender, targets, seen),
            paced(contender, targets, PER_SECOND, seen, acks="1"),
            disturbance(),
        ):
            time.sleep(size.seconds / 10)  # until it is felt
            since_s = time.monotonic()
            time.sleep(size.seconds / 2)
            until_s = time.monotonic()
        for what, pairs in (("acknowledged", seen.acknowledged), ("consumed", seen.consumed)):
            p99_ms = percentile(waited_ms(pairs, since_s, until_s), 99)
            yield Figure("beside", f"{name}: {what} p99", p99_ms, "ms", False)


@contextmanager
def _slow_consumers(address: str, topic: str) -> Iterator[None]:
    """They ask for much, and do not read."""
    asked = FetchPartition(partition=0, fetch_offset=0, partition_max_bytes=SLOW_FETCH_BYTES)
    request = FetchRequest(
        max_wait_ms=500,
        min_bytes=1,
        max_bytes=SLOW_FETCH_BYTES,
        topics=[FetchTopic(topic=topic, partitions=[asked])],
    )
    frame = b"".join(encode_request(ApiKey.FETCH, 11, 1, "slow", request))  # type: ignore[arg-type]
    host, _, port = address.rpartition(":")
    with ExitStack() as stack:
        for _ in range(SLOW_CONSUMERS):
            connection = stack.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect((host, int(port)))
            connection.sendall(frame)
        yield


@contextmanager
def _huge_requests(address: str, topic: str) -> Iterator[None]:
    """One record a request, one request a second."""
    record = Record(offset=0, timestamp_ms=int(time.time() * 1000), value=bytes(HUGE_BYTES))
    data = PartitionProduceData(index=0, records=build_batch([record]))
    request = ProduceRequest(
        acks=1,
        timeout_ms=30_000,
        topic_data=[TopicProduceData(name=topic, partition_data=[data])],
    )
    over = threading.Event()
    with RawClient(address) as client:

        def send() -> None:
            answer = client.ask(ApiKey.PRODUCE, 9, request)
            if answer is CLOSED or answer.responses[0].partition_responses[0].error_code:
                raise RuntimeError(f"the huge record is refused: {answer}")
            over.wait(1.0)

        send()
        with polled(send):
            yield
            over.set()


@contextmanager
def _busy_disk(file: Path) -> Iterator[None]:
    """The disk has more to write than it can."""
    data = os.urandom(BUSY_WRITE_BYTES)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT)
    position = 0

    def write() -> None:
        nonlocal position
        os.pwrite(descriptor, data, position)
        os.fdatasync(descriptor)
        position = (position + BUSY_WRITE_BYTES) % BUSY_FILE_BYTES

    try:
        with polled(write):
            yield
    finally:
        os.close(descriptor)
        file.unlink()
