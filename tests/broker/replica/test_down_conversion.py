"""What an old consumer is answered: it comes to the log's end, whatever lies between."""

from collections.abc import Sequence
from pathlib import Path

import attrs
import pytest
import trio
from trio.testing import MockClock

from broker.broker import Broker
from broker.replica import down_conversion
from broker.wire.compression import Compression
from broker.wire.control_records import build_marker
from broker.wire.errors import ErrorCode
from broker.wire.message_set import messages, messages_in
from broker.wire.messages.fetch import (
    FetchPartition,
    FetchRequest,
    FetchTopic,
    PartitionData,
)
from broker.wire.record_batch import build_batch
from broker.wire.records import Record
from tests.broker.support import call, lead, open_broker, tp
from tests.support.batches import lying

TIME_MS = 1_700_000_000_000


def data(*values: str, at: int, codec: Compression = Compression.NONE, size: int = 100) -> bytes:
    """A batch at this offset, each of its records of `size` bytes."""
    records = [Record(None, value.encode() * size, TIME_MS) for value in values]
    return bytes(build_batch(records, base_offset=at, leader_epoch=0, compression=codec))


def marker(at: int) -> bytes:
    built = build_marker(7, 0, commit=True, coordinator_epoch=0, timestamp_ms=TIME_MS)
    return lying(bytes(built), base_offset=at, leader_epoch=0)


def compacted(*values: str, at: int, end: int, codec: Compression) -> bytes:
    """A batch of which these are left; it goes on to before `end`."""
    return lying(data(*values, at=at, codec=codec), last_offset_delta=end - 1 - at)


async def hold(broker: Broker, *segments: Sequence[bytes], name: str = "t-0") -> None:
    """Lead a partition with these batches, a new segment begun after each of the groups."""
    await lead(broker, name)
    partition = broker.replicas.partitions[tp(name)]
    for batches in segments:
        if partition.log.log_end_offset:
            partition.log.local.roll(partition.log.log_end_offset)
        for batch in batches:
            partition.log.append_as_follower(bytearray(batch))
    partition.advance_high_watermark(0.0)
    assert partition.high_watermark == partition.log.log_end_offset


async def answers(
    broker: Broker, offset: int, *, partitions: int = 1, version: int = 3, max_wait_ms: int = 0
) -> list[PartitionData]:
    asked = [
        FetchPartition(partition=at, fetch_offset=offset, partition_max_bytes=1 << 20)
        for at in range(partitions)
    ]
    request = FetchRequest(
        max_wait_ms=max_wait_ms, min_bytes=1, topics=[FetchTopic(topic="t", partitions=asked)]
    )
    [topic] = (await call(broker, request, version)).responses
    return list(topic.partitions)


async def answer(broker: Broker, offset: int, version: int = 3) -> PartitionData:
    [partition] = await answers(broker, offset, version=version)
    return partition


async def offsets(broker: Broker, offset: int, version: int = 3) -> list[int]:
    """Of the messages that a consumer takes from the answer: those it doesn't have yet."""
    found = []
    for each in messages(memoryview(bytes((await answer(broker, offset, version)).records))):  # type: ignore[arg-type]
        inner = list(messages_in(each)) if each.codec else [each]
        start = each.offset - inner[-1].offset
        found += [start + message.offset for message in inner if start + message.offset >= offset]
    return found


@pytest.mark.parametrize("version", [0, 3])
async def test_it_gets_past_a_segment_that_ends_with_markers(tmp_path: Path, version: int) -> None:
    async with open_broker(tmp_path) as broker:
        await hold(broker, [data("a", at=0), marker(1), marker(2)], [marker(3)], [data("b", at=4)])
        assert await offsets(broker, 0, version) == [0]
        for offset in (1, 2, 3, 4):
            assert await offsets(broker, offset, version) == [4]


@pytest.mark.parametrize("version", [0, 3])
@pytest.mark.parametrize("codec", [Compression.NONE, Compression.GZIP])
async def test_it_gets_past_what_compaction_took_from_a_segments_end(
    tmp_path: Path, codec: Compression, version: int
) -> None:
    async with open_broker(tmp_path) as broker:
        first = compacted("a", "b", at=0, end=5, codec=codec)
        await hold(broker, [first], [data("c", at=5, codec=codec)])
        assert await offsets(broker, 1, version) == [1]
        for offset in (2, 4, 5):
            assert await offsets(broker, offset, version) == [5]


async def test_at_the_end_there_is_nothing(tmp_path: Path) -> None:
    async with open_broker(tmp_path) as broker:
        await hold(broker, [data("a", at=0)], [marker(1)])
        found = await answer(broker, 1)
        assert (found.error_code, bytes(found.records), found.high_watermark) == (0, b"", 2)  # type: ignore[arg-type]


async def test_behind_the_last_marker_it_waits_for_more(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_broker(tmp_path) as broker:
        await hold(broker, [data("a", at=0)], [marker(1)])
        before_s = trio.current_time()
        [found] = await answers(broker, 1, max_wait_ms=500)
        assert (bytes(found.records), trio.current_time()) == (b"", before_s + 0.5)  # type: ignore[arg-type]
        partition = broker.replicas.partitions[tp("t-0")]
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def sends() -> None:
                await trio.sleep(2)
                partition.append_as_leader(memoryview(data("b", at=0)), 1, trio.current_time())

            await answers(broker, 1, max_wait_ms=60_000)
            assert trio.current_time() == before_s + 2.5
        assert await offsets(broker, 1) == [2]


async def test_behind_too_much_of_nothing_it_is_told_to_give_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message that's cut short, as Kafka sends wherever there's nothing."""
    monkeypatch.setattr(down_conversion, "MOST_BYTES", 10 * len(marker(0)))
    async with open_broker(tmp_path) as broker:
        await hold(broker, *([marker(at)] for at in range(12)), [data("a", at=12)])
        found = bytes((await answer(broker, 1)).records)  # type: ignore[arg-type]
        assert found.hex() == "ff" * 8 + "0000003d"
        assert await offsets(broker, 2) == [12]


async def test_who_leads_no_more_meanwhile_reads_on_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_broker(tmp_path) as broker:
        await hold(broker, [marker(0)], [data("a", at=1)])
        partition = broker.replicas.partitions[tp("t-0")]
        convert = down_conversion.message_set_of

        def while_it_is_deposed(*args: int) -> bytes:
            partition.stop()
            return convert(*args)  # type: ignore[arg-type]

        monkeypatch.setattr(down_conversion, "message_set_of", while_it_is_deposed)
        found = await answer(broker, 0)
        assert found.error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER


async def test_an_answer_has_no_more_than_so_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Messages take five times what small records took; the next fetch gets what is left."""
    monkeypatch.setattr(down_conversion, "MOST_BYTES", 5000)
    async with open_broker(tmp_path) as broker:
        for name in ("t-0", "t-1", "t-2", "t-3"):
            await hold(broker, [data(*"abcdefghij" * 10, at=0, size=0)], name=name)
        assert len(data(*"abcdefghij" * 10, at=0, size=0)) < 1000
        got = await answers(broker, 0, partitions=4)
        sizes = [len(bytes(each.records)) for each in got]  # type: ignore[arg-type]
        assert sizes == [100 * 34, 47 * 34, 34, 0], "there was room for two bytes: a message"
        assert [each.error_code for each in got] == [0] * 4
        assert [each.high_watermark for each in got] == [100] * 4


async def test_of_what_is_packed_one_wrapper_at_least(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(down_conversion, "MOST_BYTES", 10)
    async with open_broker(tmp_path) as broker:
        for name in ("t-0", "t-1"):
            await hold(broker, [data(*"ab", at=0, codec=Compression.GZIP)], name=name)
        first, second = await answers(broker, 0, partitions=2)
        [wrapper] = messages(memoryview(bytes(first.records)))  # type: ignore[arg-type]
        assert len(list(messages_in(wrapper))) == 2
        assert bytes(second.records) == b""  # type: ignore[arg-type]


async def test_what_can_not_be_converted_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broker.wire.format_conversion.MOST_PACKED_BYTES", 100)
    async with open_broker(tmp_path) as broker:
        await hold(broker, [data(*"ab", at=0, codec=Compression.GZIP)])
        found = await answer(broker, 0)
        assert found.error_code == ErrorCode.UNKNOWN_SERVER_ERROR
        partition = broker.replicas.partitions[tp("t-0")]
        refusing = attrs.evolve(partition.log.config, message_downconversion_enable=False)
        partition.log.update_config(refusing)
        for offset in (0, 2):
            found = await answer(broker, offset)
            assert found.error_code == ErrorCode.UNSUPPORTED_VERSION
