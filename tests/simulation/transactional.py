"""A transactional producer of the simulation: asks again as real ones do, and tells how it went.

producer = await transactional_producer(client, "x")
await producer.send(tp, "a", "b")        # in an open transaction, which the first opens
await producer.end(commit=True)
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import attrs

from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages import add_partitions_to_txn as ap
from broker.wire.messages import end_txn as et
from broker.wire.messages import fetch as fe
from broker.wire.messages import find_coordinator as fc
from broker.wire.messages import init_producer_id as ip
from broker.wire.messages import produce as pr
from broker.wire.record_batch import batches, build_batch
from broker.wire.records import Record
from coordination.values import TopicPartition
from tests.simulation.client import ALL, Client

T = TypeVar("T")

TRANSACTION = 1
READ_COMMITTED = 1
TIMEOUT_S = 60.0


async def coordinator(client: Client, transactional_id: str) -> int:
    async def attempt() -> tuple[ErrorCode, int]:
        request = fc.FindCoordinatorRequest(
            key_type=TRANSACTION, coordinator_keys=[transactional_id]
        )
        answer = await client.ask_any(
            ApiKey.FIND_COORDINATOR, 4, request, fc.FindCoordinatorResponse
        )
        [found] = answer.coordinators
        return ErrorCode.of(found.error_code), found.node_id

    return await client.retrying(attempt, TIMEOUT_S)


async def transactional_producer(
    client: Client, transactional_id: str, timeout_ms: int = 60_000
) -> "TransactionalProducer":
    """A new producer: whatever an older one of that id has open is aborted."""

    async def attempt() -> tuple[ErrorCode, ip.InitProducerIdResponse]:
        answer = await client.ask(
            await coordinator(client, transactional_id),
            ApiKey.INIT_PRODUCER_ID,
            5,
            ip.InitProducerIdRequest(
                transactional_id=transactional_id, transaction_timeout_ms=timeout_ms
            ),
            ip.InitProducerIdResponse,
        )
        return ErrorCode.of(answer.error_code), answer

    answer = await client.retrying(attempt, TIMEOUT_S)
    return TransactionalProducer(
        client, transactional_id, answer.producer_id, answer.producer_epoch
    )


@attrs.define(eq=False)
class TransactionalProducer:
    client: Client
    transactional_id: str
    producer_id: int
    producer_epoch: int
    _in_transaction: set[TopicPartition] = attrs.field(factory=set)
    _next_sequence: dict[TopicPartition, int] = attrs.field(factory=dict)

    async def send(self, tp: TopicPartition, *values: str) -> None:
        """One batch; until it is acknowledged."""
        if tp not in self._in_transaction:
            await self._ask_coordinator(self._add, tp)
            self._in_transaction.add(tp)
        sequence = self._next_sequence.get(tp, 0)
        batch = build_batch(
            [Record(value=value.encode()) for value in values],
            producer_id=self.producer_id,
            producer_epoch=self.producer_epoch,
            base_sequence=sequence,
            is_transactional=True,
        )
        request = pr.ProduceRequest(
            acks=ALL,
            timeout_ms=1500,
            transactional_id=self.transactional_id,
            topic_data=[
                pr.TopicProduceData(
                    name=tp.topic,
                    partition_data=[
                        pr.PartitionProduceData(index=tp.partition, records=bytes(batch))
                    ],
                )
            ],
        )

        async def attempt() -> tuple[ErrorCode, None]:
            answer = await self.client.ask(
                await self.client.leader(tp), ApiKey.PRODUCE, 11, request, pr.ProduceResponse, 3
            )
            [partition] = answer.responses[0].partition_responses
            error = ErrorCode.of(partition.error_code)
            return (ErrorCode.NONE if error is ErrorCode.DUPLICATE_SEQUENCE_NUMBER else error), None

        await self.client.retrying(attempt, TIMEOUT_S)
        self._next_sequence[tp] = sequence + len(values)

    async def end(self, *, commit: bool) -> None:
        await self._ask_coordinator(self._end, commit)
        self._in_transaction.clear()

    async def _ask_coordinator(
        self, ask: Callable[[int, T], Awaitable[ErrorCode]], what: T
    ) -> None:
        async def attempt() -> tuple[ErrorCode, None]:
            at = await coordinator(self.client, self.transactional_id)
            return await ask(at, what), None

        await self.client.retrying(attempt, TIMEOUT_S)

    async def _add(self, at: int, tp: TopicPartition) -> ErrorCode:
        topic = ap.AddPartitionsToTxnTopic(name=tp.topic, partitions=[tp.partition])
        request = ap.AddPartitionsToTxnRequest(
            v3_and_below_transactional_id=self.transactional_id,
            v3_and_below_producer_id=self.producer_id,
            v3_and_below_producer_epoch=self.producer_epoch,
            v3_and_below_topics=[topic],
        )
        answer = await self.client.ask(
            at, ApiKey.ADD_PARTITIONS_TO_TXN, 3, request, ap.AddPartitionsToTxnResponse
        )
        [result] = answer.results_by_topic_v3_and_below
        return ErrorCode.of(result.results_by_partition[0].partition_error_code)

    async def _end(self, at: int, commit: bool) -> ErrorCode:
        request = et.EndTxnRequest(
            transactional_id=self.transactional_id,
            producer_id=self.producer_id,
            producer_epoch=self.producer_epoch,
            committed=commit,
        )
        answer = await self.client.ask(at, ApiKey.END_TXN, 4, request, et.EndTxnResponse)
        return ErrorCode.of(answer.error_code)


@attrs.frozen
class Seen:
    """What a reader of committed records sees of a partition, from its start."""

    values: tuple[str, ...]
    last_stable_offset: int
    high_watermark: int


async def read_committed(client: Client, tp: TopicPartition) -> Seen:
    """As a consumer does: it drops what was aborted, by the list that comes with the records."""
    partition = fe.FetchPartition(partition=tp.partition, partition_max_bytes=1 << 24)
    request = fe.FetchRequest(
        min_bytes=0,
        isolation_level=READ_COMMITTED,
        topics=[fe.FetchTopic(topic=tp.topic, partitions=[partition])],
    )
    answer = await client.ask(await client.leader(tp), ApiKey.FETCH, 12, request, fe.FetchResponse)
    [data] = answer.responses[0].partitions
    assert data.error_code == ErrorCode.NONE
    assert isinstance(data.records, bytes | memoryview)
    aborted = sorted(
        ((each.first_offset, each.producer_id) for each in data.aborted_transactions or []),
    )
    values: list[str] = []
    dropping: set[int] = set()
    for batch in batches(data.records):
        while aborted and aborted[0][0] <= batch.last_offset:
            dropping.add(aborted.pop(0)[1])
        if batch.is_control:
            dropping.discard(batch.producer_id)
        elif batch.producer_id not in dropping:
            values += [bytes(record.value or b"").decode() for record in batch.records()]
    return Seen(tuple(values), data.last_stable_offset, data.high_watermark)
