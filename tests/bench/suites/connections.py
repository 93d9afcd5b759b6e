"""w7: 200 connections that are idle, and 50 that are busy, each with 12 partitions to write to.

The busy ones send one Produce request after the other, with one record of 1,000 bytes for each of
the twelve partitions that their broker leads, acks=1. They are bare sockets with a request that was
encoded once: fifty Java or librdkafka clients would measure themselves, on a machine that they
share with three brokers.

    idle CPU    of all brokers while 250 connections are open and nobody says a word
    requests    of all busy connections together
"""

import time
from collections.abc import Iterator
from typing import Any

import attrs
import trio

from broker.wire.apis import ApiKey
from broker.wire.framing import decode_response, encode_request
from broker.wire.messages.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from broker.wire.record_batch import build_batch
from broker.wire.records import Record
from tests.bench.clients import place_topic
from tests.bench.contenders import BROKERS, Contender
from tests.bench.figures import Figure, latencies
from tests.bench.size import Size
from tests.bench.usage import usage, used

PARTITIONS_EACH = 12
RECORD_BYTES = 1_000
PRODUCE_VERSION = 9
API_VERSIONS_0 = bytes.fromhex("0000000a 0012 0000 00000001 ffff")


def connections(contender: Contender, size: Size) -> Iterator[Figure]:
    """Partitions 0 to 11 are led by the first broker, the next twelve by the second, ..."""
    replicas = [[broker] for broker in contender.addresses for _ in range(PARTITIONS_EACH)]
    topic = place_topic(contender, "w7", replicas)
    found = trio.run(_measure, contender, topic, size)
    yield Figure("w7", "idle CPU", found.idle_cores, "cores", False)
    yield Figure("w7", "requests", len(found.latencies_ms) / size.seconds, "requests/s", True)
    yield from latencies("w7", "request", found.latencies_ms)
    yield from found.usage


@attrs.define
class _Found:
    idle_cores: float = 0.0
    latencies_ms: list[float] = attrs.field(factory=list)
    usage: list[Figure] = attrs.field(factory=list)


async def _measure(contender: Contender, topic: str, size: Size) -> _Found:
    found = _Found()
    idle = [await _connect(contender, number) for number in range(size.idle_connections)]
    busy = [await _connect(contender, number) for number in range(size.busy_connections)]
    idle_s = size.seconds / 3
    before_s = usage(contender).cpu_s
    await trio.sleep(idle_s)
    found.idle_cores = (usage(contender).cpu_s - before_s) / idle_s
    with used(contender, "w7") as figures:
        until_s = time.perf_counter() + size.seconds
        async with trio.open_nursery() as nursery:
            for number, stream in enumerate(busy):
                frame = _produce(topic, number % BROKERS)
                nursery.start_soon(_keep_busy, stream, frame, until_s, found.latencies_ms)
    found.usage = figures
    for stream in idle + busy:
        await stream.aclose()
    return found


async def _connect(contender: Contender, number: int) -> trio.SocketStream:
    """To the brokers in turn; the connection has asked for ApiVersions, as any client's has."""
    host, _, port = contender.addresses[number % BROKERS + 1].rpartition(":")
    stream = await trio.open_tcp_stream(host, int(port))
    await stream.send_all(API_VERSIONS_0)
    await _frame(stream)
    return stream


def _produce(topic: str, broker_index: int) -> bytes:
    record = Record(offset=0, timestamp_ms=int(time.time() * 1000), value=bytes(RECORD_BYTES))
    records = build_batch([record])
    first = broker_index * PARTITIONS_EACH
    partitions = [
        PartitionProduceData(index=index, records=records)
        for index in range(first, first + PARTITIONS_EACH)
    ]
    request = ProduceRequest(
        acks=1,
        timeout_ms=30_000,
        topic_data=[TopicProduceData(name=topic, partition_data=partitions)],
    )
    return b"".join(encode_request(ApiKey.PRODUCE, PRODUCE_VERSION, 1, "w7", request))  # type: ignore[arg-type]


async def _keep_busy(
    stream: trio.SocketStream, frame: bytes, until_s: float, latencies_ms: list[float]
) -> None:
    answer = b""
    while (began_s := time.perf_counter()) < until_s:
        await stream.send_all(frame)
        answer = await _frame(stream)
        latencies_ms.append((time.perf_counter() - began_s) * 1000)
    _check(decode_response(ApiKey.PRODUCE, PRODUCE_VERSION, memoryview(answer))[1])


def _check(response: Any) -> None:
    for partition in response.responses[0].partition_responses:
        if partition.error_code:
            raise RuntimeError(f"a record was refused: {partition}")


async def _frame(stream: trio.SocketStream) -> bytes:
    """The next answer, which comes alone: one request is on its way at a time."""
    received = b""
    while len(received) < 4 or len(received) < 4 + int.from_bytes(received[:4], "big"):
        data = await stream.receive_some()
        if not data:
            raise EOFError("the broker closed a connection")
        received += data
    return received[4:]
