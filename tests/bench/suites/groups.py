"""A group of 100 members: how long its coordinator takes to have them agree.

    formed       from the first JoinGroup of 100 newcomers until each has its assignment in one and
                 the same generation
    rebalance    all 100 join the next generation at once, and get their assignments; the median

The members are bare requests over a connection each. They say as much of themselves as consumers
do, and react at once, so that what is measured is the coordinator (and, the same for both kinds,
the decoding of 100 answers).
"""

import statistics
import time
from collections.abc import Iterator, Sequence
from typing import Any

import attrs
import trio

from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.framing import decode_response, encode_request
from broker.wire.messages.find_coordinator import FindCoordinatorRequest
from broker.wire.messages.heartbeat import HeartbeatRequest
from broker.wire.messages.join_group import JoinGroupRequest, JoinGroupRequestProtocol
from broker.wire.messages.sync_group import SyncGroupRequest, SyncGroupRequestAssignment
from tests.bench.contenders import Contender
from tests.bench.figures import Figure
from tests.bench.size import Size
from tests.bench.usage import usage

GROUP = "bench-group"
REBALANCES = 20
# A consumer's subscription to one topic, and a part of six partitions of it.
SUBSCRIPTION = b"\0\1" + b"\0\0\0\1" + b"\0\5bench" + b"\0\0\0\0" + b"\0\0\0\0"
ASSIGNMENT = b"\0\1" + b"\0\0\0\1" + b"\0\5bench" + b"\0\0\0\6" + bytes(24) + b"\0\0\0\0"
TIMEOUT_MS = 60_000
HEARTBEAT_S = 0.1
RETRY_S = 0.1


def rebalances(contender: Contender, size: Size) -> Iterator[Figure]:
    """Form the group, and have it rebalance again and again."""
    formed_s, rebalance_ms, cpu_s = trio.run(_measure, contender, size.members)
    yield Figure("groups", "formed", formed_s, "s", False)
    yield Figure("groups", "rebalance", rebalance_ms, "ms", False)
    yield Figure("groups", f"broker CPU of {REBALANCES}", cpu_s, "s", False)


async def _measure(contender: Contender, count: int) -> tuple[float, float, float]:
    coordinator = await _coordinator(contender.addresses[1])
    members = [Member(await _connect(coordinator)) for _ in range(count)]
    began_s = time.perf_counter()
    async with trio.open_nursery() as nursery:
        for member in members:
            nursery.start_soon(member.settle, members)
    formed_s = time.perf_counter() - began_s
    times_ms = []
    before_s = usage(contender).cpu_s
    for _ in range(REBALANCES):
        began_s = time.perf_counter()
        await _rebalance(members)
        times_ms.append((time.perf_counter() - began_s) * 1000)
    cpu_s = usage(contender).cpu_s - before_s
    for member in members:
        await member.stream.aclose()
    return formed_s, statistics.median(times_ms), cpu_s


async def _rebalance(members: Sequence["Member"]) -> None:
    """The leader joins again, which begins a round; the others join when it has begun."""
    leader, *others = sorted(members, key=lambda member: not member.is_leader)
    await leader.send(ApiKey.JOIN_GROUP, 9, leader.join_request())
    while (await others[0].beat()).error_code != ErrorCode.REBALANCE_IN_PROGRESS:
        continue
    for member in others:
        await member.send(ApiKey.JOIN_GROUP, 9, member.join_request())
    for member in members:
        member.joined(await member.receive())
    for member in members:
        await member.send(ApiKey.SYNC_GROUP, 5, member.sync_request())
    for member in members:
        _check(await member.receive())
    assert len({member.generation for member in members}) == 1


@attrs.define(eq=False)
class Member:
    """One member, and its connection."""

    stream: trio.SocketStream
    member_id: str = ""
    generation: int = -1
    is_synced: bool = False
    others: tuple[str, ...] = ()  # those to assign to, if it leads
    _asked: tuple[ApiKey, int] = (ApiKey.JOIN_GROUP, 0)
    _received: bytearray = attrs.field(factory=bytearray)

    @property
    def is_leader(self) -> bool:
        return bool(self.others)

    async def settle(self, members: Sequence["Member"]) -> None:
        """Join, and join again whenever that is asked for, until all are in one generation."""
        await self._join_and_sync()
        while not all(m.is_synced and m.generation == self.generation for m in members):
            await trio.sleep(HEARTBEAT_S)
            answer = await self.beat()
            if answer.error_code == ErrorCode.REBALANCE_IN_PROGRESS:
                await self._join_and_sync()
            else:
                _check(answer)

    async def _join_and_sync(self) -> None:
        self.is_synced = False
        while not self.is_synced:
            answer = await self.ask(ApiKey.JOIN_GROUP, 9, self.join_request())
            if answer.error_code == ErrorCode.MEMBER_ID_REQUIRED:
                self.member_id = answer.member_id
                continue
            self.joined(answer)
            answer = await self.ask(ApiKey.SYNC_GROUP, 5, self.sync_request())
            if answer.error_code != ErrorCode.REBALANCE_IN_PROGRESS:
                _check(answer)
                self.is_synced = True

    async def beat(self) -> Any:
        beat = HeartbeatRequest(
            group_id=GROUP, generation_id=self.generation, member_id=self.member_id
        )
        return await self.ask(ApiKey.HEARTBEAT, 4, beat)

    def join_request(self) -> JoinGroupRequest:
        return JoinGroupRequest(
            group_id=GROUP,
            session_timeout_ms=TIMEOUT_MS,
            rebalance_timeout_ms=TIMEOUT_MS,
            member_id=self.member_id,
            protocol_type="consumer",
            protocols=[JoinGroupRequestProtocol(name="range", metadata=SUBSCRIPTION)],
        )

    def joined(self, answer: Any) -> None:
        _check(answer)
        self.generation = answer.generation_id
        self.others = tuple(member.member_id for member in answer.members)

    def sync_request(self) -> SyncGroupRequest:
        return SyncGroupRequest(
            group_id=GROUP,
            generation_id=self.generation,
            member_id=self.member_id,
            protocol_type="consumer",
            protocol_name="range",
            assignments=[
                SyncGroupRequestAssignment(member_id=each, assignment=ASSIGNMENT)
                for each in self.others
            ],
        )

    async def ask(self, key: ApiKey, version: int, request: object) -> Any:
        await self.send(key, version, request)
        return await self.receive()

    async def send(self, key: ApiKey, version: int, request: object) -> None:
        self._asked = key, version
        chunks = encode_request(key, version, 1, "bench", request)
        await self.stream.send_all(b"".join(bytes(chunk) for chunk in chunks if chunk))  # type: ignore[arg-type]

    async def receive(self) -> Any:
        received = self._received
        while len(received) < 4 or len(received) < 4 + int.from_bytes(received[:4], "big"):
            data = await self.stream.receive_some()
            if not data:
                raise EOFError("the coordinator closed a member's connection")
            received += data
        end = 4 + int.from_bytes(received[:4], "big")
        frame = bytes(received[4:end])
        del received[:end]
        return decode_response(*self._asked, memoryview(frame))[1]


def _check(answer: Any) -> None:
    if answer.error_code:
        raise RuntimeError(f"the coordinator answers {answer}")


async def _coordinator(address: str) -> str:
    """Where the group's coordinator is; waits until it can be asked."""
    request = FindCoordinatorRequest(coordinator_keys=[GROUP])
    probe = Member(await _connect(address))
    async with probe.stream:
        while True:
            [found] = (await probe.ask(ApiKey.FIND_COORDINATOR, 6, request)).coordinators
            if found.error_code == ErrorCode.NONE and await _is_loaded(found.port):
                return f"{found.host}:{found.port}"
            await trio.sleep(RETRY_S)


async def _is_loaded(port: int) -> bool:
    """A loaded coordinator has never heard of this member; others say that they cannot tell."""
    member = Member(await _connect(f"127.0.0.1:{port}"), member_id="nobody")
    async with member.stream:
        answer = await member.ask(ApiKey.JOIN_GROUP, 9, member.join_request())
    return bool(answer.error_code == ErrorCode.UNKNOWN_MEMBER_ID)


async def _connect(address: str) -> trio.SocketStream:
    host, _, port = address.rpartition(":")
    return await trio.open_tcp_stream(host, int(port))
