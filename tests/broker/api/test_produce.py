"""Produce: the answers of each acks, and that appends come before any waiting."""

import gc
import weakref
from pathlib import Path

import pytest
import trio
from crc32c import crc32c
from trio.testing import MockClock

from broker.broker import Broker
from broker.network.answers import CloseConnection, Later
from broker.wire.compression import Compression
from broker.wire.errors import ErrorCode
from broker.wire.format_conversion import message_set_of
from broker.wire.messages.produce import (
    PartitionProduceData,
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
)
from broker.wire.record_batch import build_batch
from broker.wire.records import Record
from tests.broker.log.logs import make_batch
from tests.broker.replica.support import batch, values
from tests.broker.support import call, know, lead, open_broker, tp


def request(acks: int, *entries: tuple[str, str], timeout_ms: int = 1000) -> ProduceRequest:
    return ProduceRequest(
        acks=acks,
        timeout_ms=timeout_ms,
        topic_data=[
            TopicProduceData(
                name=tp(partition).topic,
                partition_data=[
                    PartitionProduceData(index=tp(partition).partition, records=batch(value))
                ],
            )
            for partition, value in entries
        ],
    )


async def produce(
    broker: Broker, acks: int, *entries: tuple[str, str], version: int = 10
) -> list[PartitionProduceResponse]:
    answer = await call(broker, request(acks, *entries), version)
    assert isinstance(answer, ProduceResponse)
    return [partition for topic in answer.responses for partition in topic.partition_responses]


async def test_acks_1(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0", (1, 2))
        [first] = await produce(broker, 1, ("t-0", "a"))
        [second] = await produce(broker, 1, ("t-0", "b"))
        assert (first.error_code, first.base_offset, second.base_offset) == (0, 0, 1)
        assert values(broker.replicas.partitions[tp("t-0")]) == ["a", "b"]


async def test_acks_all_appends_now_and_answers_later(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0", (1, 2))
        partition = broker.replicas.partitions[tp("t-0")]
        later = await call(broker, request(-1, ("t-0", "a")), 10, wait=False)
        assert isinstance(later, Later)
        assert partition.log.log_end_offset == 1
        partition.follower_fetched(2, 1, 0, trio.current_time(), -1)
        answer = await later.wait()
        assert isinstance(answer, ProduceResponse)
        assert answer.responses[0].partition_responses[0].error_code == ErrorCode.NONE
        [late] = await produce(broker, -1, ("t-0", "b"))
        assert late.error_code == ErrorCode.REQUEST_TIMED_OUT


class Frame(bytearray):
    """A request's bytes, of which one can see that they are let go of."""


async def test_while_it_waits_nothing_is_kept_of_what_was_sent(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """Neither of what was appended nor of what was refused, by the log or beforehand."""
    broken, unreadable = batch("b"), make_batch("c", compression=Compression.GZIP)
    broken[-1] ^= 1
    unreadable[61:] = bytes(len(unreadable) - 61)
    unreadable[17:21] = crc32c(unreadable[21:]).to_bytes(4, "big")
    frames = [Frame(records) for records in (batch("a"), broken, unreadable)]
    kept = [weakref.ref(frame) for frame in frames]
    async with open_broker(tmp_path) as broker:
        for n in range(3):
            await lead(broker, f"t-{n}", (1, 2))
        asked = request(-1, *[(f"t-{n}", "") for n in range(3)])
        for topic, frame in zip(asked.topic_data, frames, strict=True):
            topic.partition_data[0].records = memoryview(frame)
        gc.disable()
        try:
            later = await call(broker, asked, 10, wait=False)
            assert isinstance(later, Later)
            del asked, topic, frame, frames
            assert [ref() for ref in kept] == [None] * 3
        finally:
            gc.enable()
        answer = await later.wait()
        assert [p.error_code for topic in answer.responses for p in topic.partition_responses] == [
            ErrorCode.REQUEST_TIMED_OUT,
            ErrorCode.CORRUPT_MESSAGE,
            ErrorCode.UNKNOWN_SERVER_ERROR,
        ]


async def test_acks_0_is_not_answered_but_an_error_ends_the_connection(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0")
        assert await call(broker, request(0, ("t-0", "a")), 10) is None
        with pytest.raises(CloseConnection):
            await call(broker, request(0, ("t-0", "b"), ("u-0", "c")), 10)
        assert values(broker.replicas.partitions[tp("t-0")]) == ["a", "b"]


async def test_other_acks_are_refused_with_nothing_appended(tmp_path: Path) -> None:
    """But what would be refused anyway is told of that."""
    async with open_broker(tmp_path) as broker:
        await know(broker, partitions=[("t-0", 1, (1,)), ("t-1", 1, (1,))])
        await lead(broker, "t-0")
        asked = request(2, ("t-0", "a"), ("t-1", "b"), ("none-0", "c"))
        asked.topic_data[1].partition_data[0].records = b""
        answer = await call(broker, asked, 10)
        errors = [
            each.error_code for topic in answer.responses for each in topic.partition_responses
        ]
        assert errors == [
            ErrorCode.INVALID_REQUIRED_ACKS,
            ErrorCode.INVALID_RECORD,
            ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        ]
        assert broker.replicas.partitions[tp("t-0")].log.log_end_offset == 0


async def test_bytes_that_can_be_no_batch_spoil_the_whole_request(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0")
        spoilt = request(1, ("t-0", "a"), ("u-0", "b"))
        records = bytearray(batch("b"))
        records[16] = 0xFF  # the magic
        spoilt.topic_data[1].partition_data[0].records = bytes(records)
        answer = await call(broker, spoilt, 10)
        assert [
            (each.error_code, each.error_message)
            for topic in answer.responses
            for each in topic.partition_responses
        ] == [(ErrorCode.CORRUPT_MESSAGE, "Invalid magic found in record: -1")] * 2
        assert broker.replicas.partitions[tp("t-0")].log.log_end_offset == 0


@pytest.mark.parametrize("padding", [1, 100_000])  # the latter in a thread
@pytest.mark.parametrize(("version", "codes"), [(2, [2, 2]), (3, [0, 2])])
async def test_of_old_producers_also_what_comes_behind_a_batch(
    tmp_path: Path, version: int, codes: list[int], padding: int
) -> None:
    async with open_broker(tmp_path) as broker:
        await know(broker, partitions=[("t-0", 1, (1,)), ("u-0", 1, (1,))])
        await lead(broker, "t-0")
        await lead(broker, "u-0")
        spoilt = request(1, ("t-0", "a"), ("u-0", "b" * padding))
        spoilt.topic_data[1].partition_data[0].records = bytes(batch("b" * padding)) + b"a" * 70
        answer = await call(broker, spoilt, version)
        found = [p.error_code for topic in answer.responses for p in topic.partition_responses]
        assert found == codes
        assert broker.replicas.partitions[tp("t-0")].log.log_end_offset == (version > 2)


async def test_an_unknown_partition_comes_before_a_codec_too_new(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await know(broker, partitions=[("t-0", 1, (1,))])
        asked = request(1, ("t-0", "a"), ("none-0", "c"))
        for topic in asked.topic_data:
            topic.partition_data[0].records = build_batch(
                [Record(b"k", b"v", 0)], compression=Compression.ZSTD
            )
        answer = await call(broker, asked, 6)
        assert [p.error_code for topic in answer.responses for p in topic.partition_responses] == [
            ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
            ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        ]


async def test_of_a_partition_that_is_named_twice(tmp_path: Path) -> None:
    """The last whole batch is appended, but who also sent something else hears of that."""
    async with open_broker(tmp_path) as broker:
        await know(broker, partitions=[("t-0", 1, (1,)), ("u-0", 1, (1,))])
        await lead(broker, "t-0")
        await lead(broker, "u-0")
        asked = request(1, ("t-0", "a"), ("u-0", "b"), ("t-0", "cut"), ("u-0", "c"))
        cut = asked.topic_data[2].partition_data[0]
        cut.records = bytes(cut.records or b"")[:-1]  # type: ignore[arg-type]
        answer = await call(broker, asked, 10)
        errors = {topic.name: topic.partition_responses[0].error_code for topic in answer.responses}
        assert errors == {"t": ErrorCode.INVALID_RECORD, "u": ErrorCode.NONE}
        assert values(broker.replicas.partitions[tp("t-0")]) == ["a"]
        assert values(broker.replicas.partitions[tp("u-0")]) == ["c"]


async def test_transactions_of_two_producers_spoil_the_whole_request(tmp_path: Path) -> None:
    """Which comes before wrong acks."""
    async with open_broker(tmp_path) as broker:
        await know(broker, partitions=[("t-0", 1, (1,)), ("u-0", 1, (1,))])
        asked = request(2, ("t-0", "a"), ("u-0", "b"), ("none-0", "c"))
        asked.transactional_id = "x"
        for topic, producer_id in zip(asked.topic_data[:2], (7, 8), strict=True):
            topic.partition_data[0].records = build_batch(
                [Record(b"k", b"v", 0)],
                producer_id=producer_id,
                producer_epoch=0,
                base_sequence=0,
                is_transactional=True,
            )
        answer = await call(broker, asked, 10)
        why = "Transactional records contained more than one producer ID"
        assert [
            (each.error_code, each.error_message)
            for topic in answer.responses
            for each in topic.partition_responses
        ] == [(ErrorCode.INVALID_PRODUCER_ID_MAPPING, why)] * 3


async def test_internal_topics_are_not_for_clients(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await know(broker, partitions=[("__consumer_offsets-0", 1, (1,))])
        [refused] = await produce(broker, 1, ("__consumer_offsets-0", "a"))
        assert refused.error_code == ErrorCode.INVALID_TOPIC_EXCEPTION
        unknown = ("__transaction_state-0", "a")
        [refused] = await produce(broker, 1, unknown)
        assert refused.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


@pytest.mark.parametrize("records", [b"", b"no message", message_set_of(batch("a"), 1, 0, 99)])
async def test_nor_for_old_ones(tmp_path: Path, records: bytes) -> None:
    async with open_broker(tmp_path) as broker:
        await know(broker, partitions=[("__consumer_offsets-0", 1, (1,))])
        asked = request(1, ("__consumer_offsets-0", "a"))
        asked.topic_data[0].partition_data[0].records = records
        answer = await call(broker, asked, 2)
        [refused] = answer.responses[0].partition_responses
        assert refused.error_code == ErrorCode.INVALID_TOPIC_EXCEPTION


async def test_what_is_in_the_log_has_its_offset_also_when_it_came_too_late(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_broker(tmp_path) as broker:
        await lead(broker, "t-0", (1, 2))
        await produce(broker, 1, ("t-0", "a"))
        [late] = await produce(broker, -1, ("t-0", "b"))
        assert late.error_code == ErrorCode.REQUEST_TIMED_OUT
        assert (late.base_offset, late.log_start_offset) == (1, 0)


async def test_a_refused_batch_is_told_where_the_log_starts(tmp_path: Path) -> None:
    """If the log was asked at all; see tests/interop/test_bad_input for every refusal."""
    async with open_broker(tmp_path, min_insync_replicas="2") as broker:
        await lead(broker, "t-0", (1,), (1, 2))
        [too_few] = await produce(broker, -1, ("t-0", "a"))
        assert too_few.error_code == ErrorCode.NOT_ENOUGH_REPLICAS
        assert (too_few.base_offset, too_few.log_start_offset) == (-1, 0)
        [nowhere] = await produce(broker, -1, ("u-0", "a"))
        assert (nowhere.base_offset, nowhere.log_start_offset) == (-1, -1)


async def test_who_does_not_lead_says_who_does_and_where(tmp_path: Path) -> None:
    """KIP-951, from version 10 on."""
    async with open_broker(tmp_path) as broker:
        await know(broker, partitions=[("t-0", 1, (1, 2))], leader_epoch=3)
        await lead(broker, "t-0", (1, 2), leader=2, leader_epoch=4)  # the replica knows it first
        answer = await call(broker, request(1, ("t-0", "a")), 10)
        [node] = answer.node_endpoints
        assert (node.node_id, node.host, node.port) == (2, "broker-2", 9092)
        [refused] = answer.responses[0].partition_responses
        assert refused.error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER
        assert refused.current_leader is not None
        assert refused.current_leader.leader_id == 2
        assert refused.current_leader.leader_epoch == 4
        [older] = await produce(broker, 1, ("t-0", "a"), version=9)
        assert older.current_leader is None


async def test_large_batches_are_converted_before_and_stay_in_order(tmp_path: Path) -> None:
    """By another thread; what is refused is refused with the log's own words."""
    async with open_broker(tmp_path, compression_type="gzip") as broker:
        await lead(broker, "t-0")
        sent = ["a" * 20_000, "b", "c" * 20_000]
        for value in sent:
            [answer] = await produce(broker, 1, ("t-0", value))
            assert answer.error_code == ErrorCode.NONE
        partition = broker.replicas.partitions[tp("t-0")]
        assert values(partition) == sent
        assert partition.log.local.segments.active.size_bytes < 1000
        bad = request(1, ("t-0", "d" * 20_000))
        records = bad.topic_data[0].partition_data[0].records
        assert isinstance(records, memoryview | bytearray)
        records[-1] ^= 1
        answer = await call(broker, bad, 10)
        assert isinstance(answer, ProduceResponse)
        [refused] = answer.responses[0].partition_responses
        assert refused.error_code == ErrorCode.CORRUPT_MESSAGE
        assert refused.error_message is None


@pytest.mark.parametrize(
    ("version", "code"), [(0, ErrorCode.NONE), (2, ErrorCode.NONE), (3, ErrorCode.INVALID_RECORD)]
)
async def test_old_producers_send_old_formats(
    tmp_path: Path, version: int, code: ErrorCode
) -> None:
    async with open_broker(tmp_path) as broker:
        await know(broker, partitions=[("t-0", 1, (1,))])
        await lead(broker, "t-0")
        asked = request(1, ("t-0", "a" * 20_000))
        [topic] = asked.topic_data
        records = topic.partition_data[0].records
        assert records is not None
        topic.partition_data[0].records = message_set_of(records, 1, 0, 1 << 20)
        answer = await call(broker, asked, version)
        assert isinstance(answer, ProduceResponse)
        assert answer.responses[0].partition_responses[0].error_code == code
        expected = ["a" * 20_000] if code is ErrorCode.NONE else []
        assert values(broker.replicas.partitions[tp("t-0")]) == expected
