"""Whom a conversation can be held with: a broker at an address, or our handlers in this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import attrs
import trio
from trio.testing import wait_all_tasks_blocked

from broker.api import (
    delete_groups,
    describe_groups,
    find_coordinator,
    heartbeat,
    join_group,
    leave_group,
    list_groups,
    offset_commit,
    offset_delete,
    offset_fetch,
    sync_group,
    txn_offset_commit,
)
from broker.api.context import RequestContext
from broker.control.metadata_cache import MetadataCache, PartitionMetadata
from broker.groups.offsets_log import OFFSETS_TOPIC
from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.framing import (
    RequestHeader,
    decode_request,
    decode_response,
    encode_request,
    encode_response,
)
from coordination.values import BrokerRegistration, Endpoint, LeaderAndIsr, TopicPartition
from tests.broker.groups.conversation import TOPIC
from tests.broker.groups.support import (
    PARTITION_COUNT,
    Config,
    clock_ms,
    running_coordinator,
)

CLIENT_ID = "talker"
WAIT_S = 0.5  # a real broker answers within this what it answers at once
LISTENER = "PLAINTEXT"

HANDLERS: dict[ApiKey, Any] = {
    ApiKey.FIND_COORDINATOR: find_coordinator.handle,
    ApiKey.JOIN_GROUP: join_group.handle,
    ApiKey.SYNC_GROUP: sync_group.handle,
    ApiKey.HEARTBEAT: heartbeat.handle,
    ApiKey.LEAVE_GROUP: leave_group.handle,
    ApiKey.OFFSET_COMMIT: offset_commit.handle,
    ApiKey.OFFSET_FETCH: offset_fetch.handle,
    ApiKey.DESCRIBE_GROUPS: describe_groups.handle,
    ApiKey.LIST_GROUPS: list_groups.handle,
    ApiKey.DELETE_GROUPS: delete_groups.handle,
    ApiKey.OFFSET_DELETE: offset_delete.handle,
    ApiKey.TXN_OFFSET_COMMIT: txn_offset_commit.handle,
}


def joined(chunks: list[Any]) -> bytes:
    return b"".join(bytes(chunk) for chunk in chunks)


@attrs.define
class SocketSpeaker:
    """A broker that listens at 127.0.0.1."""

    port: int
    _streams: dict[str, trio.SocketStream] = attrs.field(factory=dict)
    _asked: dict[str, tuple[ApiKey, int]] = attrs.field(factory=dict)
    _buffers: dict[str, bytearray] = attrs.field(factory=dict)

    async def send(self, who: str, key: ApiKey, version: int, request: object) -> None:
        if who not in self._streams:
            self._streams[who] = await trio.open_tcp_stream("127.0.0.1", self.port)
            self._buffers[who] = bytearray()
        self._asked[who] = key, version
        await self._streams[who].send_all(
            joined(encode_request(key, version, 1, CLIENT_ID, request))
        )

    async def receive(self, who: str) -> Any:
        frame = await self._frame(who)
        key, version = self._asked[who]
        return decode_response(key, version, memoryview(frame))[1]

    async def is_waiting(self, who: str) -> bool:
        with trio.move_on_after(WAIT_S):
            self._buffers[who] += await self._streams[who].receive_some()
        return not self._buffers[who]

    async def _frame(self, who: str) -> bytes:
        buffer = self._buffers[who]
        with trio.fail_after(30):
            while len(buffer) < 4 or len(buffer) < 4 + int.from_bytes(buffer[:4], "big"):
                received = await self._streams[who].receive_some()
                assert received, f"the broker hung up on {self._asked[who]}"
                buffer += received
        end = 4 + int.from_bytes(buffer[:4], "big")
        frame = bytes(buffer[4:end])
        del buffer[:end]
        return frame

    async def aclose(self) -> None:
        for stream in self._streams.values():
            await stream.aclose()


@attrs.define
class MemoryOldOffsets:
    offsets: dict[tuple[str, TopicPartition], int] = attrs.field(factory=dict)

    async def get(self, group_id: str, partition: TopicPartition) -> int | None:
        return self.offsets.get((group_id, partition))

    async def set(self, group_id: str, partition: TopicPartition, offset: int) -> None:
        self.offsets[group_id, partition] = offset


@attrs.define
class MemoryTopics:
    """Remembers what it was asked to create."""

    created: list[str] = attrs.field(factory=list)
    error: ErrorCode | None = None

    async def create_automatically(self, name: str) -> None:
        if self.error is not None:
            raise KafkaError(self.error)
        self.created.append(name)


@attrs.frozen
class Services:
    """`GroupServices` around a running coordinator."""

    groups: Any
    config: Config = attrs.field(factory=Config)
    metadata: MetadataCache = attrs.field(factory=lambda: metadata_of(TOPIC, OFFSETS_TOPIC))
    topic_admin: MemoryTopics = attrs.field(factory=MemoryTopics)
    old_offsets: MemoryOldOffsets = attrs.field(factory=MemoryOldOffsets)
    clock_ms: Any = clock_ms
    transactions: Any = attrs.field(factory=lambda: SimpleNamespace(partition_for=lambda _id: 0))


def metadata_of(*topics: str) -> MetadataCache:
    """One broker, 1, that leads everything."""
    metadata = MetadataCache()
    state = PartitionMetadata(LeaderAndIsr(1, 0, (1,), 1, 0), (1,), ())
    counts = {TOPIC: 2, OFFSETS_TOPIC: PARTITION_COUNT}
    partitions = {
        TopicPartition(name, index): state for name in topics for index in range(counts[name])
    }
    broker = BrokerRegistration(1, (Endpoint(LISTENER, "PLAINTEXT", "127.0.0.1", 9092),))
    metadata.update(1, [broker], partitions, {})
    return metadata


def context(key: ApiKey, version: int) -> RequestContext:
    return RequestContext(
        api_key=key,
        api_version=version,
        correlation_id=1,
        client_id=CLIENT_ID,
        listener=LISTENER,
        principal="User:ANONYMOUS",
        host="127.0.0.1",
    )


@attrs.define
class HandlerSpeaker:
    """Our handlers; requests and answers pass through the wire's bytes all the same."""

    services: Services
    nursery: trio.Nursery
    _answers: dict[str, trio.MemoryReceiveChannel[Any]] = attrs.field(factory=dict)

    async def send(self, who: str, key: ApiKey, version: int, request: object) -> None:
        # One answer at a time, as a connection has it.
        send_answer, self._answers[who] = trio.open_memory_channel[Any](1)
        frame = joined(encode_request(key, version, 1, CLIENT_ID, request))[4:]
        _, decoded = decode_request(memoryview(frame))
        self.nursery.start_soon(self._handle, key, version, decoded, send_answer)

    async def _handle(
        self, key: ApiKey, version: int, request: Any, answer: trio.MemorySendChannel[Any]
    ) -> None:
        response = await HANDLERS[key](self.services, context(key, version), request)
        frame = joined(encode_response(RequestHeader(key, version, 1, CLIENT_ID), response))[4:]
        await answer.send(decode_response(key, version, memoryview(frame))[1])
        answer.close()

    async def receive(self, who: str) -> Any:
        with self._answers.pop(who) as answers:
            return await answers.receive()

    async def is_waiting(self, who: str) -> bool:
        await wait_all_tasks_blocked()
        return self._answers[who].statistics().current_buffer_used == 0


@asynccontextmanager
async def our_handlers() -> AsyncIterator[HandlerSpeaker]:
    config = Config(group_min_session_timeout_ms=6_000)
    async with running_coordinator(config) as setting:
        yield HandlerSpeaker(Services(setting.coordinator, config), setting.nursery)
