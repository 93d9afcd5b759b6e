"""Our handlers and a real Kafka 3.9.1 answer long conversations about groups alike.

`golden/*.txt` are what the real one said. To have them dictated anew, run the tests of the real one
with ZBROKER_WRITE_GOLDEN=1.
"""

import os
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import pytest
import trio
from trio.testing import MockClock

from broker.wire.apis import ApiKey
from broker.wire.framing import decode_response, encode_request
from broker.wire.messages.create_topics import CreatableTopic, CreateTopicsRequest
from broker.wire.messages.find_coordinator import FindCoordinatorRequest
from tests.broker.groups import transactional_conversation
from tests.broker.groups.conversation import TOPIC, Speaker, converse
from tests.broker.groups.speakers import SocketSpeaker, joined, our_handlers
from tests.support.cluster import Kind, running_cluster

GOLDEN: Final = Path(__file__).parent / "golden"
GROUP: Final = "conversation-group"

Converse = Callable[[Speaker, str], Awaitable[str]]
CONVERSATIONS: Final[dict[str, Converse]] = {
    "conversation": converse,
    "transactional_conversation": transactional_conversation.converse,
}


@pytest.mark.long
async def test_our_handlers(autojump_clock: MockClock) -> None:
    async with our_handlers() as speaker:
        said = await converse(speaker, GROUP)
    assert said == (GOLDEN / "conversation.txt").read_text()


@pytest.mark.server
@pytest.mark.matrix
@pytest.mark.parametrize("kind", ["kafka", "zbroker"])
async def test_a_running_broker(kind: Kind, tmp_path: Path) -> None:
    with running_cluster(kind, tmp_path, brokers=1) as cluster:
        port = int(cluster.bootstrap.partition(",")[0].rpartition(":")[2])
        said = {
            name: await hold_conversation(port, GROUP + name, conversation)
            for name, conversation in CONVERSATIONS.items()
        }
    for name, lines in said.items():
        golden = GOLDEN / f"{name}.txt"
        if kind == "kafka" and os.environ.get("ZBROKER_WRITE_GOLDEN"):
            golden.write_text(lines)
        assert lines == golden.read_text()


async def hold_conversation(port: int, group: str = GROUP, hold: Converse = converse) -> str:
    """With a single broker at 127.0.0.1, which has no such group yet."""
    await trio.to_thread.run_sync(make_ready, port)
    speaker = SocketSpeaker(port)
    try:
        return await hold(speaker, group)
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
