"""A fetch from the middle of a log: by bisection, however many segments and index entries."""

import math
from functools import partial
from pathlib import Path

import pytest

from broker.wire.messages.fetch import FetchPartition, FetchRequest, FetchResponse, FetchTopic
from broker.wire.regions import FileRegion
from tests.broker.cost.counting import FEW_BYTES, Work, home, same, work_of
from tests.broker.replica.support import batch
from tests.broker.support import call, lead, open_broker, tp

CONSUMER, FOLLOWER = -1, 2
# A look at one more entry of an index on the disk.
STEPS_A_BISECTION = 10


async def fetched(
    directory: Path, replica_id: int, segments: int, batches: int, isolation_level: int = 0
) -> Work:
    """The work of a fetch at the middle of a log with so many segments, of so many batches each.

    Each batch has an entry in the index.
    """
    async with open_broker(directory, log_index_interval_bytes="0") as broker:
        await lead(broker, "t-0", (1,), (1, FOLLOWER))
        partition = broker.replicas.partitions[tp("t-0")]
        log = partition.log
        one = bytes(batch("a" * 100))  # half of 100 are more than is read at a time
        for segment in range(segments):
            if segment:
                log.local.roll(log.log_end_offset)
            for _ in range(batches):
                partition.append_as_leader(memoryview(one), 1, 0.0)
        assert len(log.local.segments) == segments
        assert log.local.segments.active.offset_index.count == batches - 1
        asked = FetchPartition(
            partition=0,
            fetch_offset=log.log_end_offset // 2,
            current_leader_epoch=0,
            partition_max_bytes=1,
        )
        request = FetchRequest(
            replica_id=replica_id,
            isolation_level=isolation_level,
            max_wait_ms=0,
            topics=[FetchTopic(topic="t", partitions=[asked])],
        )
        answer = await call(broker, request, 12)
        assert isinstance(answer, FetchResponse)
        [data] = answer.responses[0].partitions
        assert data.error_code == 0
        assert isinstance(data.records, list)
        assert [region.size_bytes for region in data.records if isinstance(region, FileRegion)] == [
            len(one)
        ]
        return await work_of(partial(call, broker, request, 12))


@pytest.mark.long
@pytest.mark.parametrize("replica_id", [CONSUMER, FOLLOWER])
async def test_old_segments(tmp_path: Path, replica_id: int) -> None:
    few = await fetched(home(tmp_path, "few"), replica_id, 4, 4)
    many = await fetched(home(tmp_path, "many"), replica_id, 400, 4)
    same(few, many)


@pytest.mark.long
@pytest.mark.parametrize("replica_id", [CONSUMER, FOLLOWER])
async def test_index_entries(tmp_path: Path, replica_id: int) -> None:
    few = await fetched(home(tmp_path, "few"), replica_id, 1, 100)
    many = await fetched(home(tmp_path, "many"), replica_id, 1, 10_000)
    bisections = math.ceil(math.log2(10_000 / 100))
    assert many.steps <= few.steps + STEPS_A_BISECTION * bisections, many.more_than(few)
    assert many.peak_bytes <= few.peak_bytes + FEW_BYTES


@pytest.mark.long
async def test_old_segments_that_may_have_aborted_transactions(tmp_path: Path) -> None:
    few = await fetched(home(tmp_path, "few"), CONSUMER, 4, 4, 1)
    many = await fetched(home(tmp_path, "many"), CONSUMER, 400, 4, 1)
    same(few, many)
