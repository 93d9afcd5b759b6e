"""A Kafka client of the simulation: small, and it remembers what it was promised.

A question goes to the broker that `at` names, once, and the answer is what that broker says, error
or not. Without `at` it goes to whoever the metadata names and is asked again while the answer is
one that passes (`ErrorCode.retriable`), as every real client does.

`acknowledged` is what an acks=all answer has promised: the checker holds the brokers to it.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import attrs
import trio

from broker.network.peers import Peer, PeerUnavailable
from broker.wire import framing
from broker.wire.apis import ApiKey
from broker.wire.errors import ErrorCode
from broker.wire.messages import create_topics as ct
from broker.wire.messages import delete_records as dr
from broker.wire.messages import delete_topics as dt
from broker.wire.messages import fetch as fe
from broker.wire.messages import find_coordinator as fc
from broker.wire.messages import init_producer_id as ip
from broker.wire.messages import list_offsets as lo
from broker.wire.messages import metadata as me
from broker.wire.messages import offset_commit as oc
from broker.wire.messages import offset_fetch as of
from broker.wire.messages import produce as pr
from broker.wire.record_batch import batches, build_batch
from broker.wire.records import Record
from coordination.values import TopicPartition
from tests.simulation.network import Network

T = TypeVar("T")

ALL = -1
FIRST_RETRY_S, LONGEST_RETRY_S = 0.1, 0.5
EARLIEST, LATEST = -2, -1
PASSING = frozenset(
    {ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, *(e for e in ErrorCode if e.retriable)}
)


@attrs.frozen
class Acknowledged:
    topic_partition: TopicPartition
    offset: int
    value: str


@attrs.frozen
class Produced:
    error: ErrorCode
    offset: int = -1


@attrs.frozen
class Fetched:
    error: ErrorCode
    high_watermark: int = -1
    log_start_offset: int = -1
    values: tuple[str, ...] = ()


@attrs.define(eq=False)
class Client:
    network: Network
    brokers: Mapping[int, str]  # host names by id
    port: int
    name: str = "client"
    timeout_s: float = 2.0  # for one question: then another broker may know more
    acknowledged: list[Acknowledged] = attrs.field(factory=list)
    _peers: dict[int, Peer] = attrs.field(factory=dict)
    _newest_epoch: dict[TopicPartition, int] = attrs.field(factory=dict)

    # -- asking -----------------------------------------------------------------

    async def ask(
        self,
        at: int,
        api_key: ApiKey,
        version: int,
        request: object,
        answer: type[T],
        timeout_s: float | None = None,
    ) -> T:
        """Raises `PeerUnavailable`. Each question has a connection of its own, if one is out."""
        peer = self._peers.pop(at, None)
        if peer is None:
            connect = self.network.listener_of(self.name).connect
            peer = Peer(self.brokers[at], self.port, self.name, connect)
        response = await peer.request(
            api_key, version, request, answer, timeout_s or self.timeout_s
        )
        self._peers[at] = peer
        return response

    async def ask_any(self, api_key: ApiKey, version: int, request: object, answer: type[T]) -> T:
        for broker_id in self.brokers:
            try:
                return await self.ask(broker_id, api_key, version, request, answer)
            except PeerUnavailable:
                continue
        raise PeerUnavailable("no broker answers")

    async def retrying(
        self, attempt: Callable[[], Awaitable[tuple[ErrorCode, T]]], timeout_s: float
    ) -> T:
        """The answer without an error; raises AssertionError for a final error or at the end."""
        error: object = None
        pause_s = FIRST_RETRY_S
        with trio.move_on_after(timeout_s):
            while True:
                try:
                    error, found = await attempt()
                except PeerUnavailable as unavailable:
                    error = unavailable
                else:
                    if error is ErrorCode.NONE:
                        return found
                    if error not in PASSING:
                        break
                await trio.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_RETRY_S)
        raise AssertionError(f"{self.name}: {error!r} after {timeout_s} s")

    # -- who is who -------------------------------------------------------------

    async def metadata(self, at: int | None = None) -> me.MetadataResponse:
        request = me.MetadataRequest(topics=None)
        if at is None:
            return await self.ask_any(ApiKey.METADATA, 12, request, me.MetadataResponse)
        return await self.ask(at, ApiKey.METADATA, 12, request, me.MetadataResponse)

    async def leader(self, tp: TopicPartition) -> int:
        """Of all brokers' answers that with the highest epoch; raises `PeerUnavailable`.

        As real clients, it never goes back to an older epoch than it has heard of: a leader
        that was cut off and doesn't know it would take its records for out of order.
        """
        known: list[tuple[int, int]] = []
        for broker_id in self.brokers:
            try:
                answer = await self.metadata(broker_id)
            except PeerUnavailable:
                continue
            known += [
                (partition.leader_epoch, partition.leader_id)
                for topic in answer.topics
                if topic.name == tp.topic
                for partition in topic.partitions
                if partition.partition_index == tp.partition
            ]
        epoch, leader = max(known, default=(-1, -1))
        if leader == -1 or epoch < self._newest_epoch.get(tp, -1):
            raise PeerUnavailable(f"{tp} has no leader")
        self._newest_epoch[tp] = epoch
        return leader

    # -- topics -----------------------------------------------------------------

    async def create_topic(
        self, name: str, assignment: Mapping[int, tuple[int, ...]], **configs: str
    ) -> None:
        async def attempt() -> tuple[ErrorCode, None]:
            return await self.try_create_topic(name, assignment, **configs), None

        await self.retrying(attempt, 30)

    async def try_create_topic(
        self, name: str, assignment: Mapping[int, tuple[int, ...]], **configs: str
    ) -> ErrorCode:
        topic = ct.CreatableTopic(
            name=name,
            num_partitions=-1,
            replication_factor=-1,
            assignments=[
                ct.CreatableReplicaAssignment(partition_index=index, broker_ids=list(replicas))
                for index, replicas in assignment.items()
            ],
            configs=[
                ct.CreatableTopicConfig(name=key.replace("_", "."), value=value)
                for key, value in configs.items()
            ],
        )

        controller = (await self.metadata()).controller_id
        request = ct.CreateTopicsRequest(topics=[topic], timeout_ms=1500)
        answer = await self.ask(
            controller, ApiKey.CREATE_TOPICS, 7, request, ct.CreateTopicsResponse
        )
        return ErrorCode.of(answer.topics[0].error_code)

    async def delete_topic(self, name: str) -> None:
        async def attempt() -> tuple[ErrorCode, None]:
            return await self.try_delete_topic(name), None

        await self.retrying(attempt, 30)

    async def try_delete_topic(self, name: str) -> ErrorCode:
        controller = (await self.metadata()).controller_id
        request = dt.DeleteTopicsRequest(topics=[dt.DeleteTopicState(name=name)], timeout_ms=1500)
        answer = await self.ask(
            controller, ApiKey.DELETE_TOPICS, 6, request, dt.DeleteTopicsResponse
        )
        self._newest_epoch.clear()  # a new topic of that name begins anew
        return ErrorCode.of(answer.responses[0].error_code)

    # -- records ----------------------------------------------------------------

    async def produce(
        self,
        tp: TopicPartition,
        *values: str,
        acks: int = ALL,
        at: int | None = None,
        batch: bytes | None = None,
        timeout_s: float = 1.5,
    ) -> Produced:
        """One attempt; raises `PeerUnavailable` when it got no answer. acks=0 has none."""
        data = batch if batch is not None else batch_of(values)
        request = pr.ProduceRequest(
            acks=acks,
            timeout_ms=round(timeout_s * 1000),
            topic_data=[
                pr.TopicProduceData(
                    name=tp.topic,
                    partition_data=[pr.PartitionProduceData(index=tp.partition, records=data)],
                )
            ],
        )
        target = await self.leader(tp) if at is None else at
        if acks == 0:
            await self._send_without_answer(target, request)
            return Produced(ErrorCode.NONE)
        answer = await self.ask(
            target, ApiKey.PRODUCE, 10, request, pr.ProduceResponse, timeout_s + 0.5
        )
        [partition] = answer.responses[0].partition_responses
        produced = Produced(ErrorCode.of(partition.error_code), partition.base_offset)
        if produced.error is ErrorCode.NONE and acks == ALL and produced.offset >= 0:
            self.acknowledged += [
                Acknowledged(tp, produced.offset + n, value) for n, value in enumerate(values)
            ]
        return produced

    async def _send_without_answer(self, at: int, request: pr.ProduceRequest) -> None:
        connect = self.network.listener_of(self.name).connect
        transport = await connect(self.brokers[at], self.port)
        await transport.send(framing.encode_request(ApiKey.PRODUCE, 10, 1, self.name, request))

    async def fetch(
        self, tp: TopicPartition, offset: int = 0, *, at: int | None = None, max_wait_ms: int = 0
    ) -> Fetched:
        """One attempt to read everything from `offset` on, as a consumer."""
        partition = fe.FetchPartition(
            partition=tp.partition, fetch_offset=offset, partition_max_bytes=1 << 24
        )
        request = fe.FetchRequest(
            max_wait_ms=max_wait_ms,
            min_bytes=1,
            topics=[fe.FetchTopic(topic=tp.topic, partitions=[partition])],
        )
        target = await self.leader(tp) if at is None else at
        answer = await self.ask(
            target, ApiKey.FETCH, 12, request, fe.FetchResponse, max_wait_ms / 1000 + 1
        )
        [data] = answer.responses[0].partitions
        records = data.records or b""
        assert isinstance(records, bytes | memoryview)
        return Fetched(
            ErrorCode.of(data.error_code),
            data.high_watermark,
            data.log_start_offset,
            tuple(
                record.value.decode()
                for each in batches(records)
                for record in each.records()
                if record.value is not None and record.offset >= offset
            ),
        )

    async def list_offset(
        self, tp: TopicPartition, timestamp: int, at: int | None = None
    ) -> tuple[ErrorCode, int]:
        asked = lo.ListOffsetsPartition(partition_index=tp.partition, timestamp=timestamp)
        request = lo.ListOffsetsRequest(
            replica_id=-1, topics=[lo.ListOffsetsTopic(name=tp.topic, partitions=[asked])]
        )
        target = await self.leader(tp) if at is None else at
        answer = await self.ask(target, ApiKey.LIST_OFFSETS, 7, request, lo.ListOffsetsResponse)
        [found] = answer.topics[0].partitions
        return ErrorCode.of(found.error_code), found.offset

    async def delete_records(
        self, tp: TopicPartition, before: int, timeout_s: float = 5
    ) -> tuple[ErrorCode, int]:
        """The low watermark."""
        asked = dr.DeleteRecordsPartition(partition_index=tp.partition, offset=before)
        request = dr.DeleteRecordsRequest(
            topics=[dr.DeleteRecordsTopic(name=tp.topic, partitions=[asked])],
            timeout_ms=round(timeout_s * 1000),
        )
        answer = await self.ask(
            await self.leader(tp),
            ApiKey.DELETE_RECORDS,
            2,
            request,
            dr.DeleteRecordsResponse,
            timeout_s + 1,
        )
        [result] = answer.topics[0].partitions
        return ErrorCode.of(result.error_code), result.low_watermark

    # -- producer ids, groups ---------------------------------------------------

    async def producer(self, timeout_s: float = 30) -> "Producer":
        async def attempt() -> tuple[ErrorCode, ip.InitProducerIdResponse]:
            request = ip.InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=60_000)
            answer = await self.ask_any(
                ApiKey.INIT_PRODUCER_ID, 4, request, ip.InitProducerIdResponse
            )
            return ErrorCode.of(answer.error_code), answer

        answer = await self.retrying(attempt, timeout_s)
        return Producer(self, answer.producer_id, answer.producer_epoch)

    async def coordinator(self, group: str) -> int:
        async def attempt() -> tuple[ErrorCode, int]:
            request = fc.FindCoordinatorRequest(key_type=0, coordinator_keys=[group])
            answer = await self.ask_any(
                ApiKey.FIND_COORDINATOR, 4, request, fc.FindCoordinatorResponse
            )
            [found] = answer.coordinators
            return ErrorCode.of(found.error_code), found.node_id

        return await self.retrying(attempt, 30)

    async def commit_offset(self, group: str, tp: TopicPartition, offset: int) -> None:
        """As a consumer without members (assign and commit)."""
        committed = oc.OffsetCommitRequestPartition(
            partition_index=tp.partition, committed_offset=offset, committed_metadata=""
        )
        request = oc.OffsetCommitRequest(
            group_id=group,
            topics=[oc.OffsetCommitRequestTopic(name=tp.topic, partitions=[committed])],
        )

        async def attempt() -> tuple[ErrorCode, None]:
            answer = await self.ask(
                await self.coordinator(group),
                ApiKey.OFFSET_COMMIT,
                8,
                request,
                oc.OffsetCommitResponse,
                6,
            )
            return ErrorCode.of(answer.topics[0].partitions[0].error_code), None

        await self.retrying(attempt, 30)

    async def committed_offset(self, group: str, tp: TopicPartition) -> int:
        wanted = of.OffsetFetchRequestTopics(name=tp.topic, partition_indexes=[tp.partition])
        request = of.OffsetFetchRequest(
            groups=[of.OffsetFetchRequestGroup(group_id=group, topics=[wanted])]
        )

        async def attempt() -> tuple[ErrorCode, int]:
            answer = await self.ask(
                await self.coordinator(group),
                ApiKey.OFFSET_FETCH,
                8,
                request,
                of.OffsetFetchResponse,
            )
            [found] = answer.groups
            if found.error_code:
                return ErrorCode.of(found.error_code), -1
            return ErrorCode.NONE, found.topics[0].partitions[0].committed_offset

        return await self.retrying(attempt, 30)


@attrs.define(eq=False)
class Producer:
    """An idempotent producer, one batch in flight: sends each until it's acknowledged."""

    client: Client
    producer_id: int
    producer_epoch: int
    _next_sequence: dict[TopicPartition, int] = attrs.field(factory=dict)

    async def send(self, tp: TopicPartition, *values: str, timeout_s: float = 60) -> int:
        """The base offset; raises AssertionError when it isn't acknowledged in time."""
        sequence = self._next_sequence.get(tp, 0)
        batch = batch_of(values, self.producer_id, self.producer_epoch, sequence)

        async def attempt() -> tuple[ErrorCode, int]:
            produced = await self.client.produce(tp, *values, batch=batch)
            if produced.error is ErrorCode.DUPLICATE_SEQUENCE_NUMBER:
                return ErrorCode.NONE, -1
            return produced.error, produced.offset

        offset = await self.client.retrying(attempt, timeout_s)
        self._next_sequence[tp] = sequence + len(values)
        return offset


def batch_of(
    values: tuple[str, ...], producer_id: int = -1, producer_epoch: int = -1, sequence: int = -1
) -> bytes:
    """One batch; the time of its records is that of the mock clock."""
    now_ms = 1_700_000_000_000 + round(trio.current_time() * 1000)
    return bytes(
        build_batch(
            [Record(value=value.encode(), timestamp_ms=now_ms) for value in values],
            producer_id=producer_id,
            producer_epoch=producer_epoch,
            base_sequence=sequence,
        )
    )
