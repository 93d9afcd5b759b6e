"""What a broker's answers to Fetch become: pieces that can be compared."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from broker.wire.compression import Compression
from broker.wire.errors import ErrorCode
from broker.wire.messages.fetch import (
    FetchableTopicResponse,
    FetchRequest,
    FetchResponse,
    PartitionData,
)
from broker.wire.record_batch import build_batch
from broker.wire.records import Record
from cli.client import Cluster
from cli.doctor.facts import Sample
from cli.doctor.samples import PARTITIONS_AT_ONCE, Wanted, read_samples
from coordination.values import TopicPartition
from tests.support.fake_broker import FakeBroker, fake_broker

ORDERS = TopicPartition("orders", 0)
TOPIC_ID = UUID(int=7)
RECORDS = [Record(b"k", b"v%d" % number, timestamp_ms=number) for number in range(5)]
WANTED = Wanted(start_offset=90, topic_id=TOPIC_ID, by_record=False)
BATCHES = build_batch(RECORDS, base_offset=90, leader_epoch=4) + build_batch(
    RECORDS, base_offset=95, leader_epoch=5
)


def answer(request: FetchRequest, **data: Any) -> FetchResponse:
    """The same of all partitions that are asked for."""
    return FetchResponse(
        responses=[
            FetchableTopicResponse(
                topic_id=topic.topic_id,
                partitions=[
                    PartitionData(
                        partition_index=each.partition,
                        high_watermark=100,
                        **data,
                    )
                    for each in topic.partitions
                ],
            )
            for topic in request.topics
        ]
    )


async def sampled(
    script: Callable[[FetchRequest], FetchResponse], *partitions: TopicPartition, **wanted: Any
) -> tuple[dict[TopicPartition, Sample | str], FakeBroker]:
    its = Wanted(**{"start_offset": 90, "topic_id": TOPIC_ID, "by_record": False, **wanted})
    async with fake_broker({FetchRequest: script}) as broker:
        cluster = Cluster([broker.address])
        try:
            found = await read_samples(cluster, dict.fromkeys(partitions or (ORDERS,), its))
        finally:
            await cluster.aclose()
        return found, broker


async def sample_of(records: bytes, **wanted: Any) -> Sample:
    found, _ = await sampled(lambda request: answer(request, records=records), **wanted)
    sample = found[ORDERS]
    assert isinstance(sample, Sample), sample
    return sample


async def test_batches() -> None:
    sample = await sample_of(BATCHES)
    assert [(each.offset, each.end_offset, each.leader_epoch) for each in sample.pieces] == [
        (90, 95, 4),
        (95, 100, 5),
    ]
    assert (sample.start_offset, sample.end_offset, sample.corrupt) == (90, 100, None)


async def test_a_batch_that_is_cut_off_is_no_part_of_it() -> None:
    assert (await sample_of(BATCHES[:-1])).end_offset == 95


async def test_other_bytes_are_another_piece() -> None:
    other = build_batch([*RECORDS[:4], Record(b"k", b"x")], base_offset=95, leader_epoch=5)
    one, two = (await sample_of(BATCHES)).pieces
    same, different = (await sample_of(BATCHES[: len(BATCHES) // 2] + other)).pieces
    assert (same, different.offset) == (one, two.offset)
    assert different != two


async def test_of_a_compacted_log_each_record_counts() -> None:
    """Compacted, a batch has lost records and is packed anew: what is left is the same."""
    before = await sample_of(build_batch(RECORDS, base_offset=90, leader_epoch=4), by_record=True)
    packed = build_batch(RECORDS, base_offset=90, leader_epoch=4, compression=Compression.GZIP)
    after = await sample_of(packed, by_record=True)
    assert [each.offset for each in before.pieces] == [90, 91, 92, 93, 94]
    assert len({each.checksum for each in before.pieces}) == 5
    assert before == after


async def test_damage_ends_the_sample() -> None:
    damaged = bytearray(BATCHES)
    damaged[-1] ^= 1
    sample = await sample_of(damaged)
    assert (len(sample.pieces), sample.end_offset, sample.corrupt) == (1, 95, 95)
    no_batch = bytearray(BATCHES)
    no_batch[16] = 9  # the format's number
    sample = await sample_of(no_batch)
    assert (sample.pieces, sample.corrupt) == ((), 90)


async def test_why_there_is_none() -> None:
    old = bytearray(BATCHES)
    old[16] = 1
    found, _ = await sampled(lambda request: answer(request, records=old))
    assert found == {ORDERS: "its records are of message format 0 or 1"}
    error = ErrorCode.OFFSET_OUT_OF_RANGE
    found, _ = await sampled(lambda request: answer(request, error_code=error))
    assert found == {ORDERS: "OFFSET_OUT_OF_RANGE"}
    found, _ = await sampled(lambda _: FetchResponse())
    assert found == {ORDERS: "the broker left it out"}


async def test_a_large_batch_is_asked_for_alone() -> None:
    def with_room_for_one(request: FetchRequest) -> FetchResponse:
        count = sum(len(topic.partitions) for topic in request.topics)
        return answer(request, records=BATCHES[:70] if count > 1 else BATCHES)

    partitions = [TopicPartition("orders", number) for number in range(PARTITIONS_AT_ONCE + 1)]
    found, broker = await sampled(with_room_for_one, *partitions)
    assert {each.end_offset for each in found.values() if isinstance(each, Sample)} == {100}
    asked = [each for each in broker.requests if isinstance(each, FetchRequest)]
    assert [len(each.topics[0].partitions) for each in asked] == [
        PARTITIONS_AT_ONCE,
        *[1] * PARTITIONS_AT_ONCE,
        1,
    ]
