"""Our handlers and a real Kafka 3.9.1 answer a long conversation about groups alike.

`golden/conversation.txt` is what the real one said. To have it dictated anew, run the test of the
real one with ZBROKER_WRITE_GOLDEN=1.
"""

import os
import socket
import time
from pathlib import Path
from typing import Final

import pytest
import trio
from trio.testing import MockClock

from broker.wire.apis import ApiKey
from broker.wire.framing import decode_response, encode_request
from broker.wire.messages.create_topics import CreatableTopic, CreateTopicsRequest
from broker.wire.messages.find_coordinator import FindCoordinatorRequest
from tests.broker.groups.conversation import TOPIC, converse
from tests.broker.groups.speakers import SocketSpeaker, joined, our_handlers
from tests.support.cluster import Kind, running_cluster

GOLDEN: Final = Path(__file__).parent / "golden" / "conversation.txt"
GROUP: Final = "conversation-group"


async def test_our_handlers(autojump_clock: MockClock) -> None:
    async with our_handlers() as speaker:
        assert await converse(speaker, GROUP) == GOLDEN.read_text()


@pytest.mark.server
@pytest.mark.matrix
@pytest.mark.parametrize("kind", ["kafka", "zbroker"])
async def test_a_running_broker(kind: Kind, tmp_path: Path) -> None:
    with running_cluster(kind, tmp_path, brokers=1) as cluster:
        port = int(cluster.bootstrap.partition(",")[0].rpartition(":")[2])
        said = await hold_conversation(port)
    if kind == "kafka" and os.environ.get("ZBROKER_WRITE_GOLDEN"):
        GOLDEN.write_text(said)
    assert said == GOLDEN.read_text()


async def hold_conversation(port: int, group: str = GROUP) -> str:
    """With a single broker at 127.0.0.1, which has no such group yet."""
    await trio.to_thread.run_sync(make_ready, port)
    speaker = SocketSpeaker(port)
    try:
        return await converse(speaker, group)
    finally:
        await speaker.aclose()


def make_ready(port: int) -> None:
    """See to it that the topic and a coordinator are there."""
    topic = CreatableTopic(name=TOPIC, num_partitions=2, replication_factor=1)
    request = CreateTopicsRequest(topics=[topic], timeout_ms=10_000)
    _ask(port, ApiKey.CREATE_TOPICS, 7, request)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        request = FindCoordinatorRequest(key=GROUP)
        if _ask(port, ApiKey.FIND_COORDINATOR, 3, request).error_code == 0:
            return
        time.sleep(0.1)
    raise AssertionError("no coordinator after 30 s")


def _ask(port: int, key: ApiKey, version: int, request: object) -> object:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(joined(encode_request(key, version, 1, "test", request)))
        stream = connection.makefile("rb")
        frame = stream.read(int.from_bytes(stream.read(4), "big"))
    return decode_response(key, version, memoryview(frame))[1]
