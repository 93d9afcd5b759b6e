"""A group coordinator on trio's mock clock, with a log in memory and members that speak plainly."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import attrs
import trio

from broker.groups.committed_offsets import EndedTransaction
from broker.groups.coordinator import GroupCoordinator
from broker.groups.member import JoinRequest, JoinResult, SyncResult
from broker.groups.offsets_log import TransactionalProducer, Verified
from broker.groups.syncing import SyncRequest
from broker.wire.control_records import build_marker
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.record_batch import RecordBatch, batches, build_batch, stamp
from broker.wire.records import Record

PARTITION_COUNT = 5
START_MS = 1_700_000_000_000


@attrs.frozen
class Config:
    """Kafka's defaults, but for the delays."""

    group_min_session_timeout_ms: int = 1_000
    group_max_session_timeout_ms: int = 1_800_000
    group_max_size: int = 2_147_483_647
    group_initial_rebalance_delay_ms: int = 0
    offset_metadata_max_bytes: int = 4_096
    offsets_retention_minutes: int = 10_080
    offsets_retention_check_interval_ms: int = 600_000


def clock_ms() -> int:
    """Wall-clock time that goes with trio's clock."""
    return START_MS + round(trio.current_time() * 1000)


@attrs.frozen
class MemoryAppend:
    partition: int
    base_offset: int


@attrs.define(eq=False)
class MemoryLog:
    """`OffsetsLog` in memory. A test may hold replication up, or make it or appends fail.

    Of transactions it knows what a test has it verify, and writes what `end_transaction` says.
    """

    partition_count: int = PARTITION_COUNT
    counted: trio.Event | None = None  # `partition_count` may be another's until it is set
    data: dict[int, bytearray] = attrs.field(factory=dict)
    end_offsets: dict[int, int] = attrs.field(factory=dict)
    append_error: ErrorCode | None = None
    commit_error: ErrorCode | None = None
    leader_error: ErrorCode | None = None  # this broker leads no more
    replicated: trio.Event | None = None  # held up until it is set
    timeout_ms: int = 30_000
    commit_takes_ms: int = 0  # what has less time is not replicated in time
    kept: trio.Event | None = None  # what was read back is on no follower until it is set
    read_gate: trio.Event | None = None  # reading is held up until it is set
    verify_error: ErrorCode | None = None
    verify_gate: trio.Event | None = None

    async def until_counted(self) -> None:
        if self.counted is not None:
            await self.counted.wait()

    def append(self, partition: int, records: Sequence[Record]) -> MemoryAppend:
        return self._append(partition, records)

    async def verify(self, partition: int, producer: TransactionalProducer) -> Verified:
        await trio.lowlevel.checkpoint()
        if self.verify_gate is not None:
            await self.verify_gate.wait()
        if self.verify_error is not None:
            raise KafkaError(self.verify_error)
        return Verified(producer)

    def append_in_transaction(
        self, partition: int, records: Sequence[Record], verified: Verified
    ) -> MemoryAppend:
        producer = verified.producer
        return self._append(
            partition,
            records,
            producer_id=producer.producer_id,
            producer_epoch=producer.producer_epoch,
            base_sequence=0,
            is_transactional=True,
        )

    def end_transaction(
        self, partition: int, producer_id: int, *, is_commit: bool
    ) -> EndedTransaction:
        """Write the producer's marker."""
        marker = build_marker(
            producer_id, 0, commit=is_commit, coordinator_epoch=1, timestamp_ms=START_MS
        )
        offset = self._write(partition, marker, 1).base_offset
        return EndedTransaction(producer_id, offset, is_commit)

    def _append(self, partition: int, records: Sequence[Record], **fields: Any) -> MemoryAppend:
        if self.append_error is not None:
            raise KafkaError(self.append_error)
        return self._write(partition, build_batch(records, **fields), len(records))

    def _write(self, partition: int, batch: bytearray, count: int) -> MemoryAppend:
        base_offset = self.end_offsets.get(partition, 0)
        stamp(memoryview(batch), base_offset, 0)
        self.data.setdefault(partition, bytearray()).extend(batch)
        self.end_offsets[partition] = base_offset + count
        return MemoryAppend(partition, base_offset)

    async def until_committed(self, append: object, timeout_ms: int | None = None) -> None:
        await trio.lowlevel.checkpoint()
        if self.replicated is not None:
            await self.replicated.wait()
        patience_ms = self.timeout_ms if timeout_ms is None else timeout_ms
        await trio.sleep(min(self.commit_takes_ms, patience_ms) / 1000)
        if self.commit_takes_ms > patience_ms:
            raise KafkaError(ErrorCode.REQUEST_TIMED_OUT)
        if self.commit_error is not None:
            raise KafkaError(self.commit_error)

    async def until_replicated(self, partition: int, offset: int) -> None:
        await trio.lowlevel.checkpoint()
        if self.replicated is not None:
            await self.replicated.wait()
        if self.leader_error is not None:
            raise KafkaError(self.leader_error)

    async def until_kept(self, partition: int, end_offset: int) -> None:
        await trio.lowlevel.checkpoint()
        if self.kept is not None and end_offset:
            await self.kept.wait()
        if self.leader_error is not None:
            raise KafkaError(self.leader_error)

    async def read(self, partition: int) -> AsyncGenerator[RecordBatch, None]:
        if self.read_gate is not None:
            await self.read_gate.wait()
        for batch in batches(bytes(self.data.get(partition, b""))):
            await trio.lowlevel.checkpoint()
            yield batch

    def records(self) -> list[Record]:
        """All records of all partitions, in the order of the partitions."""
        return [
            record
            for data in self.data.values()
            for batch in batches(bytes(data))
            for record in batch.records()
        ]


@attrs.define
class Trace:
    """A `Recorder` that remembers."""

    events: list[tuple[str, dict[str, object]]] = attrs.field(factory=list)

    def __call__(self, kind: str, *, cause: str | None = None, **facts: object) -> str:
        self.events.append((kind, {"cause": cause, **facts}))
        return str(len(self.events))

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.events]

    def causes(self, kind: str) -> list[str]:
        """The kinds of the events that are the causes of those of this kind."""
        ids = [facts["cause"] for facts in self.facts(kind)]
        return [self.events[int(cause) - 1][0] for cause in ids if isinstance(cause, str)]

    def facts(self, kind: str) -> list[dict[str, object]]:
        return [facts for each, facts in self.events if each == kind]


@attrs.define(eq=False)
class Setting:
    """A running coordinator that has loaded all its partitions, and what it is made of."""

    coordinator: GroupCoordinator
    log: MemoryLog
    trace: Trace
    nursery: trio.Nursery

    def member(self, group_id: str = "g", **settings: object) -> "Client":
        return Client(self, group_id, **settings)  # type: ignore[arg-type]

    async def state(self, group_id: str = "g") -> str:
        return (await self.coordinator.describe_group(group_id)).state


@asynccontextmanager
async def running_coordinator(
    config: Config | None = None, log: MemoryLog | None = None, *, elect: bool = True
) -> AsyncIterator[Setting]:
    log = log or MemoryLog()
    trace = Trace()
    coordinator = GroupCoordinator(config or Config(), log, trace, clock_ms, Random(1))
    async with trio.open_nursery() as nursery:
        await nursery.start(coordinator.run)
        if elect:
            for partition in range(PARTITION_COUNT):
                coordinator.elected(partition, 0, "election")
            await trio.testing.wait_all_tasks_blocked()
        yield Setting(coordinator, log, trace, nursery)
        nursery.cancel_scope.cancel()


@attrs.define(eq=False)
class Client:
    """One consumer, as its client library would behave. Requests that wait run as tasks.

    `joined` and `synced` are the last answers, None while one is outstanding.
    """

    setting: Setting
    group_id: str
    instance_id: str | None = None
    version: int = 9  # of JoinGroup
    session_timeout_ms: int = 10_000
    rebalance_timeout_ms: int = 60_000
    protocols: tuple[tuple[str, bytes], ...] = (("range", b"\0\0\0\0\0\0\0\0\0\0"),)
    protocol_type: str = "consumer"
    client_id: str = "client"
    member_id: str = ""
    generation: int = -1
    joined: JoinResult | None = None
    synced: SyncResult | None = None

    def request(self, **changes: object) -> JoinRequest:
        request = JoinRequest(
            group_id=self.group_id,
            member_id=self.member_id,
            group_instance_id=self.instance_id,
            client_id=self.client_id,
            client_host="/127.0.0.1",
            session_timeout_ms=self.session_timeout_ms,
            rebalance_timeout_ms=self.rebalance_timeout_ms,
            protocol_type=self.protocol_type,
            protocols=self.protocols,
            requires_member_id=self.version >= 4,
            can_skip_assignment=self.version >= 9,
        )
        return attrs.evolve(request, **changes)

    async def join(self) -> JoinResult:
        """JoinGroup, once more if it was only given a member id."""
        self.joined = None
        result = await self.setting.coordinator.join(self.request())
        if result.error is ErrorCode.MEMBER_ID_REQUIRED:
            self.member_id = result.member_id
            result = await self.setting.coordinator.join(self.request())
        if result.error is ErrorCode.NONE:
            self.member_id, self.generation = result.member_id, result.generation
        self.joined = result
        return result

    async def sync(self) -> SyncResult:
        """SyncGroup; the leader assigns to each member its own member id."""
        self.synced = None
        assert self.joined is not None
        assignment = {member.member_id: member.member_id.encode() for member in self.joined.members}
        self.synced = await self.setting.coordinator.sync(self.sync_request(assignment))
        return self.synced

    def sync_request(self, assignment: dict[str, bytes], **changes: object) -> SyncRequest:
        request = SyncRequest(
            group_id=self.group_id,
            generation=self.generation,
            member_id=self.member_id,
            group_instance_id=self.instance_id,
            protocol_type=None,
            protocol_name=None,
            assignment=assignment,
        )
        return attrs.evolve(request, **changes)

    async def join_and_sync(self) -> None:
        """What a client does until it has its assignment."""
        while True:
            result = await self.join()
            if result.error is ErrorCode.UNKNOWN_MEMBER_ID:
                self.member_id = ""
                continue
            if result.error is not ErrorCode.NONE:
                continue
            if (await self.sync()).error is ErrorCode.NONE:
                return

    async def heartbeat(self) -> ErrorCode:
        return await self.setting.coordinator.heartbeat(
            self.group_id, self.member_id, self.instance_id, self.generation
        )

    def start_join(self) -> None:
        self.setting.nursery.start_soon(self.join)

    def start_sync(self) -> None:
        self.setting.nursery.start_soon(self.sync)

    @property
    def is_leader(self) -> bool:
        return self.joined is not None and self.joined.leader_id == self.member_id


async def stable_group(setting: Setting, *clients: Client) -> None:
    """Let the clients become the members of one Stable generation."""
    async with trio.open_nursery() as nursery:
        for client in clients:
            nursery.start_soon(client.join_and_sync)
    # The first may have been alone for a generation: they go on until all are in the same.
    while len({client.generation for client in clients}) > 1:
        async with trio.open_nursery() as nursery:
            for client in clients:
                nursery.start_soon(client.join_and_sync)
