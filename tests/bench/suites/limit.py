"""The limit: a log is fetched and thrown away, as fast as the broker sends it.

Beside it stands what this machine can do at best: a process that sends the same segment files over
loopback by `sendfile` and does nothing else. What reads is the same in both cases, and looks at no
byte but the answers' headers and the last batch's: no client's work is in the figure.

    fetch     one connection to each leader in turn; a fetch of 4 MiB, then the next
    sendfile  one connection, the same files one after the other
"""

import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from broker.wire.apis import ApiKey
from broker.wire.framing import decode_response, encode_request
from broker.wire.messages.fetch import FetchPartition, FetchRequest, FetchTopic
from broker.wire.record_batch import HEADER
from tests.bench import plain_sendfile
from tests.bench.contenders import BROKERS, Contender
from tests.bench.figures import Figure
from tests.bench.size import Size
from tests.bench.suites.consume import filled, segments
from tests.interop.faults.watch import watching

FETCH_VERSION = 11
FETCH_BYTES = 4 << 20
BUFFER_BYTES = FETCH_BYTES + (1 << 20)
TIMEOUT_S = 60.0
LENGTH = struct.Struct(">i")


def fetch_and_discard(contender: Contender, size: Size) -> Iterator[Figure]:
    """Both read twice, and the second time counts: then all is in the page cache for both."""
    topic = filled(contender, "limit", size)
    with watching(contender.zookeeper) as watch:
        leaders = watch.leaders(topic)
    files = segments(contender, topic)
    for _ in range(2):
        fetched_mb_s = _fetch_all(contender, topic, leaders)
        sent_mb_s = _sendfile_all(files)
    yield Figure("limit", "fetch", fetched_mb_s, "MB/s", True)
    yield Figure("limit", "sendfile", sent_mb_s, "MB/s", True)
    yield Figure("limit", "of sendfile", fetched_mb_s / sent_mb_s, "", True)


def _fetch_all(contender: Contender, topic: str, leaders: dict[int, int]) -> float:
    """MB/s over all partitions, each from its leader."""
    fetched_bytes = 0
    buffer = memoryview(bytearray(BUFFER_BYTES))
    began_s = time.perf_counter()
    for broker_id in range(1, BROKERS + 1):
        host, _, port = contender.addresses[broker_id].rpartition(":")
        with socket.create_connection((host, int(port)), TIMEOUT_S) as connection:
            for partition in (each for each, leader in leaders.items() if leader == broker_id):
                fetched_bytes += _fetch_partition(connection, buffer, topic, partition)
    return fetched_bytes / (1 << 20) / (time.perf_counter() - began_s)


def _fetch_partition(
    connection: socket.socket, buffer: memoryview, topic: str, partition: int
) -> int:
    """From its beginning to its high watermark; how many bytes of records that was."""
    offset = fetched_bytes = 0
    while True:
        connection.sendall(_fetch(topic, partition, offset))
        answer = _receive(connection, buffer)
        if answer.error_code or answer.records is None:
            raise RuntimeError(f"{topic}-{partition} is not served: error {answer.error_code}")
        records = memoryview(answer.records)
        fetched_bytes += len(records)
        offset = next_offset(records, offset)
        if offset >= answer.high_watermark:
            return fetched_bytes


def next_offset(records: memoryview, offset: int) -> int:
    """The offset after the last batch that came whole; a fetch may cut one."""
    position = 0
    while position + HEADER.size <= len(records):
        base_offset, length, *_, last_offset_delta = HEADER.unpack_from(records, position)[:7]
        position += 12 + length
        if position <= len(records):
            offset = base_offset + last_offset_delta + 1
    return offset


def _fetch(topic: str, partition: int, offset: int) -> bytes:
    asked = FetchPartition(
        partition=partition, fetch_offset=offset, partition_max_bytes=FETCH_BYTES
    )
    request = FetchRequest(
        max_wait_ms=500,
        min_bytes=1,
        max_bytes=FETCH_BYTES,
        topics=[FetchTopic(topic=topic, partitions=[asked])],
    )
    return b"".join(encode_request(ApiKey.FETCH, FETCH_VERSION, 1, "limit", request))  # type: ignore[arg-type]


def _receive(connection: socket.socket, buffer: memoryview) -> Any:
    """The partition in the next answer, whose records lie in `buffer`."""
    _receive_into(connection, buffer[: LENGTH.size])
    (size,) = LENGTH.unpack_from(buffer)
    frame = buffer[:size]
    _receive_into(connection, frame)
    _, response = decode_response(ApiKey.FETCH, FETCH_VERSION, frame)
    return response.responses[0].partitions[0]


def _receive_into(connection: socket.socket, buffer: memoryview) -> None:
    received = 0
    while received < len(buffer):
        count = connection.recv_into(buffer[received:])
        if not count:
            raise EOFError("the broker closed the connection")
        received += count


def _sendfile_all(files: Sequence[Path]) -> float:
    """MB/s of the plain loop, from a process of its own."""
    size_bytes = sum(file.stat().st_size for file in files)
    buffer = memoryview(bytearray(BUFFER_BYTES))
    argv = [sys.executable, "-m", plain_sendfile.__name__, *map(str, files)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as sender:
        assert sender.stdout is not None
        port = int(sender.stdout.readline())
        with socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as connection:
            began_s = time.perf_counter()
            received = 0
            while count := connection.recv_into(buffer):
                received += count
            took_s = time.perf_counter() - began_s
    assert received == size_bytes, f"{received} bytes came of {size_bytes}"
    return received / (1 << 20) / took_s
