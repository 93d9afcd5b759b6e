"""A transaction coordinator on the mock clock: a log in memory, and brokers that take markers.

async with running_coordinator() as setting:
    producer = await setting.begin("x", T0)         # initialised, with an open transaction
    await setting.end("x", producer, commit=True)
    setting.brokers.marked                          # what partitions' leaders were told
"""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, TypeVar

import attrs
import trio
import trio.testing

from broker.control.metadata_cache import MetadataCache, PartitionMetadata
from broker.network.peers import PeerUnavailable
from broker.transactions.coordinator import TransactionCoordinator
from broker.transactions.decisions import Producer
from broker.transactions.transactions_log import TRANSACTIONS_TOPIC
from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode, KafkaError
from broker.wire.messages.write_txn_markers import (
    WritableTxnMarkerPartitionResult,
    WritableTxnMarkerResult,
    WritableTxnMarkerTopicResult,
    WriteTxnMarkersRequest,
    WriteTxnMarkersResponse,
)
from coordination.values import BrokerRegistration, Endpoint, LeaderAndIsr, TopicPartition
from tests.broker.groups.support import PARTITION_COUNT, MemoryLog, Trace, clock_ms

LISTENER = "PLAINTEXT"
TIMEOUT_MS = 60_000
T0, T1, U0 = TopicPartition("t", 0), TopicPartition("t", 1), TopicPartition("u", 0)
LEADERS = {T0: 1, T1: 2, U0: 1} | {
    TopicPartition(TRANSACTIONS_TOPIC, partition): 1 for partition in range(PARTITION_COUNT)
}
M = TypeVar("M")


@attrs.frozen
class Config:
    """Kafka's defaults."""

    request_timeout_ms: int = 30_000
    transaction_abort_timed_out_transaction_cleanup_interval_ms: int = 10_000
    transaction_max_timeout_ms: int = 900_000
    transaction_remove_expired_transaction_cleanup_interval_ms: int = 3_600_000
    transactional_id_expiration_ms: int = 604_800_000


@attrs.frozen
class Marked:
    """One marker that came to a broker."""

    broker_id: int
    partition: TopicPartition
    producer: Producer
    commit: bool
    coordinator_epoch: int


@attrs.define(eq=False)
class Brokers:
    """The leaders of partitions, as far as they take markers. `errors` are answered instead."""

    marked: list[Marked] = attrs.field(factory=list)
    errors: dict[TopicPartition, ErrorCode] = attrs.field(factory=dict)
    unavailable: set[int] = attrs.field(factory=set)
    frozen: set[int] = attrs.field(factory=set)
    asked: list[tuple[int, Any]] = attrs.field(factory=list)
    # Answers other requests, such as those of the verifier.
    other: Callable[[int, Any], object] | None = None
    gate: trio.Event | None = None  # answers are held up until it is set
    # A request with one of these is answered late, and the partition has timed out by then.
    slow: dict[TopicPartition, float] = attrs.field(factory=dict)

    def link(self, broker_id: int) -> "FakeLink":
        return FakeLink(broker_id, self)

    def partitions(self) -> list[TopicPartition]:
        return [marked.partition for marked in self.marked]


@attrs.define(eq=False)
class FakeLink:
    broker_id: int
    brokers: Brokers
    is_closed: bool = False

    async def request(
        self, api_key: ApiKey, version: int, message: object, answer: type[M], timeout_s: float
    ) -> M:
        with trio.move_on_after(timeout_s):
            return await self._request(message, answer)
        raise PeerUnavailable(f"no answer in {timeout_s} s")

    async def _request(self, message: object, answer: type[M]) -> M:
        await trio.lowlevel.checkpoint()
        self.brokers.asked.append((self.broker_id, message))
        if self.broker_id in self.brokers.unavailable:
            raise PeerUnavailable(f"broker {self.broker_id} is away")
        if self.broker_id in self.brokers.frozen:
            await trio.sleep_forever()
        if self.brokers.gate is not None:
            await self.brokers.gate.wait()
        if isinstance(message, WriteTxnMarkersRequest):
            await trio.sleep(max(self.brokers.slow.get(each, 0) for each in _named(message)))
            response: object = self._mark(message)
        else:
            assert self.brokers.other is not None
            response = self.brokers.other(self.broker_id, message)
        assert isinstance(response, answer)
        return response

    def _mark(self, request: WriteTxnMarkersRequest) -> WriteTxnMarkersResponse:
        return WriteTxnMarkersResponse(
            markers=[
                WritableTxnMarkerResult(
                    producer_id=marker.producer_id,
                    topics=[
                        WritableTxnMarkerTopicResult(
                            name=topic.name,
                            partitions=[
                                WritableTxnMarkerPartitionResult(
                                    partition_index=index,
                                    error_code=self._append(
                                        marker, TopicPartition(topic.name, index)
                                    ),
                                )
                                for index in topic.partition_indexes
                            ],
                        )
                        for topic in marker.topics
                    ],
                )
                for marker in request.markers
            ]
        )

    def _append(self, marker: Any, partition: TopicPartition) -> ErrorCode:
        error = self.brokers.errors.get(partition, ErrorCode.NONE)
        if partition in self.brokers.slow:
            error = ErrorCode.REQUEST_TIMED_OUT
        if error is ErrorCode.NONE:
            self.brokers.marked.append(
                Marked(
                    self.broker_id,
                    partition,
                    Producer(marker.producer_id, marker.producer_epoch),
                    marker.transaction_result,
                    marker.coordinator_epoch,
                )
            )
        return error

    def close(self) -> None:
        self.is_closed = True


def _named(request: WriteTxnMarkersRequest) -> Iterator[TopicPartition]:
    for marker in request.markers:
        for topic in marker.topics:
            for index in topic.partition_indexes:
                yield TopicPartition(topic.name, index)


def cluster(leaders: dict[TopicPartition, int], live: Iterable[int] = (1, 2)) -> MetadataCache:
    metadata = MetadataCache()
    know(metadata, leaders, live)
    return metadata


def know(
    metadata: MetadataCache, leaders: dict[TopicPartition, int], live: Iterable[int] = (1, 2)
) -> set[TopicPartition]:
    """What UpdateMetadata would say: who leads, -1 for nobody, -2 for a deleted partition.

    Returns what was deleted.
    """
    brokers = [
        BrokerRegistration(
            broker_id, (Endpoint(LISTENER, "PLAINTEXT", f"broker-{broker_id}", 9092),)
        )
        for broker_id in live
    ]
    states = {
        partition: PartitionMetadata(LeaderAndIsr(leader, 1, (1, 2), 1, 1), (1, 2), ())
        for partition, leader in leaders.items()
    }
    return metadata.update(1, brokers, states, {})


@attrs.define(eq=False)
class Topics:
    """What ZooKeeper would say. `deleted` are no more, `is_away`: nobody can say."""

    deleted: set[TopicPartition] = attrs.field(factory=set)
    is_away: bool = False

    async def gone(self, partitions: Collection[TopicPartition]) -> set[TopicPartition]:
        await trio.lowlevel.checkpoint()
        if self.is_away:
            raise KafkaError(ErrorCode.REQUEST_TIMED_OUT)
        return self.deleted.intersection(partitions)


@attrs.define(eq=False)
class Setting:
    """A running coordinator that has loaded all its partitions, and what is around it."""

    coordinator: TransactionCoordinator
    log: MemoryLog
    trace: Trace
    metadata: MetadataCache
    brokers: Brokers
    topics: Topics
    nursery: trio.Nursery

    async def init(self, transactional_id: str = "x", **settings: Any) -> Producer:
        timeout_ms = settings.get("timeout_ms", TIMEOUT_MS)
        return await self.coordinator.init_producer_id(
            transactional_id, timeout_ms, settings.get("expected")
        )

    async def begin(
        self, transactional_id: str = "x", *partitions: TopicPartition, timeout_ms: int = TIMEOUT_MS
    ) -> Producer:
        producer = await self.init(transactional_id, timeout_ms=timeout_ms)
        await self.coordinator.add_partitions(transactional_id, producer, partitions or (T0, T1))
        return producer

    async def end(
        self, producer: Producer, transactional_id: str = "x", *, commit: bool = True
    ) -> None:
        await self.coordinator.end_transaction(transactional_id, producer, commit=commit)

    def state(self, transactional_id: str = "x") -> str:
        return self.coordinator.describe(transactional_id).state.value

    def elect(self, leader_epoch: int) -> None:
        for partition in range(PARTITION_COUNT):
            self.coordinator.elected(partition, leader_epoch, "election")

    def resign(self, leader_epoch: int) -> None:
        for partition in range(PARTITION_COUNT):
            self.coordinator.resigned(partition, leader_epoch, "election")


@asynccontextmanager
async def running_coordinator(
    config: Config | None = None,
    log: MemoryLog | None = None,
    *,
    elect: bool = True,
    leader_epoch: int = 0,
    told_nothing: bool = False,
) -> AsyncIterator[Setting]:
    log = log or MemoryLog()
    trace, brokers, topics = Trace(), Brokers(), Topics()
    metadata = MetadataCache() if told_nothing else cluster(LEADERS)
    ids = count(1000)

    async def next_producer_id() -> int:
        await trio.lowlevel.checkpoint()
        return next(ids)

    coordinator = TransactionCoordinator(
        config or Config(),
        log,
        metadata,
        brokers.link,
        topics.gone,
        next_producer_id,
        trace,
        clock_ms,
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(coordinator.run)
        setting = Setting(coordinator, log, trace, metadata, brokers, topics, nursery)
        if elect:
            setting.elect(leader_epoch)
            await trio.testing.wait_all_tasks_blocked()
        yield setting
        nursery.cancel_scope.cancel()


async def refusal(call: Any) -> ErrorCode:
    """The error that an awaitable ends with."""
    try:
        await call
    except KafkaError as error:
        return error.code
    return ErrorCode.NONE
